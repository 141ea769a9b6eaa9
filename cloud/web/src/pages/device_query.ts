import type { Health, Reason, Selector } from 'api-types';

// Why a device is degraded.
export const reasons = [
  'backlog_growing',
  'hot',
  'battery_low',
  'link_poor',
  'clock_wrong',
  'certificate_expiring',
  'disk_low',
  'tasks_failing',
  'data_lost',
  'restored',
  'cloned',
  'flooding',
] as const;

export interface DeviceFilter {
  q: string;
  health: Health[];
  reason: Reason[];
  group: string;
  kind: string;
  label: string;
  version: string;
  sort: string;
}

// The whole view is in the address: what can be seen can be sent to somebody, and comes back.
export function filter_of(query: URLSearchParams): DeviceFilter {
  const list = (name: string): string[] => (query.get(name) ?? '').split(',').filter(Boolean);
  const text = (name: string): string => query.get(name) ?? '';
  return {
    q: text('q'),
    health: list('health') as Health[],
    reason: list('reason') as Reason[],
    group: text('group'),
    kind: text('kind'),
    label: text('label'),
    version: text('version'),
    sort: text('sort') || 'name',
  };
}

export const is_filtered = (filter: DeviceFilter): boolean =>
  is_narrowed(filter) || filter.health.length + filter.reason.length > 0;
// Beyond what the chips choose.
export const is_narrowed = ({ q, group, kind, label, version }: DeviceFilter): boolean =>
  !!(q || group || kind || label || version);

// A press on a column turns its order round; the first press begins where what is of interest is.
export function next_sort(current: string, column: string, first: string): string {
  const turned = current === column ? `-${column}` : column;
  return current.replace('-', '') === column ? turned : first;
}

export const toggled = (list: string[], entry: string): string[] =>
  list.includes(entry) ? list.filter((other) => other !== entry) : [...list, entry];

// The same devices as the API names them in a body.
export function selector_of({ sort: _, label, ...chosen }: DeviceFilter): Selector {
  return {
    ...Object.fromEntries(Object.entries(chosen).filter(([, value]) => value.length > 0)),
    ...(label && { label: label.split(',') }),
  };
}
