import { useSignal } from '@preact/signals';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { BulkOutcome, DeviceFacets, DevicePage, DeviceRow } from 'api-types';
import { ApiError, get, may, send, with_params } from '../api/client';
import { Paged } from '../api/paged';
import { useQuery } from '../api/query';
import { compact, count, plural } from '../format';
import { generation, heard_since, on_changes, summary } from '../live/live';
import { place, set_query } from '../router';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Ago, Loading, Message, NoPermission, Page } from '../parts/page';
import { health_look, health_order, HealthBadge, reason_word } from '../parts/state';
import { RunButton } from '../parts/run_tasks';
import { toast } from '../parts/toast';
import { VirtualList, type Column } from '../parts/virtual_list';
import { metric_columns } from './device_metrics';
import {
  filter_of,
  is_filtered,
  is_narrowed,
  next_sort,
  reasons,
  selector_of,
  toggled,
  type DeviceFilter,
} from './device_query';

const kFirst = 200,
  kPage = 1000; // rows: what is seen soon comes soon
const kRenewal = 10_000; // ms

const columns: Column<DeviceRow>[] = [
  { key: 'id', title: 'Device', sort: 'name', cell: (device) => <a href={`/devices/${device.id}`}>{device.id}</a> },
  {
    key: 'health',
    title: 'State',
    sort: 'health',
    first: '-health',
    cell: (device) => (
      <>
        <HealthBadge health={device.health} plain />
        <span class="why">{device.reasons.map(reason_word).join(', ')}</span>
      </>
    ),
  },
  { key: 'since', title: 'For', sort: 'since', first: '-since', cell: (device) => <Ago at={device.since} bare /> },
  {
    key: 'seen',
    title: 'Last seen',
    sort: 'last_seen',
    first: '-last_seen',
    cell: (device) => <Ago at={device.last_seen} />,
  },
  { key: 'group', title: 'Group', cell: (device) => device.group },
  ...metric_columns,
];

// The rows of a filter, as far as they were looked at, and kept current: by the stream, and by reading
// what is in sight again, for in a large fleet the stream names only some of those that change.
function useDevices(filter: DeviceFilter): {
  paged: Paged<DeviceRow, DevicePage>;
  sight: { first: number; last: number };
} {
  const [, set_version] = useState(0);
  const sight = useRef({ first: 0, last: 1 }).current;
  const paged = useMemo(() => {
    const load = async (cursor: string | null): Promise<DevicePage> => {
      const asked = Date.now();
      const page = await get<DevicePage>(
        with_params('/devices', { ...filter, limit: cursor === null ? kFirst : kPage, cursor: cursor ?? undefined }),
      );
      const newer = new Map(
        heard_since(asked)
          .flatMap(({ devices }) => devices)
          .map((device) => [device.id, device]),
      );
      return { ...page, items: page.items.map((device) => newer.get(device.id) ?? device) };
    };
    return new Paged<DeviceRow, DevicePage>(load, () => set_version((before) => before + 1));
  }, [JSON.stringify(filter), generation.value]);
  useEffect(() => {
    paged.need(1);
    const timer = setInterval(() => {
      if (!document.hidden) paged.renew(sight.first, sight.last);
    }, kRenewal);
    const index = new Map<string, number>();
    let indexed = 0;
    const leave = on_changes(({ devices }) => {
      for (; indexed < paged.rows.length; ++indexed) index.set(paged.rows[indexed]!.id, indexed);
      let seen = false;
      for (const device of devices) {
        const at = index.get(device.id);
        if (at === undefined || paged.rows[at]?.id !== device.id) continue;
        paged.rows[at] = device;
        seen ||= at >= sight.first && at < sight.last;
      }
      if (seen) set_version((before) => before + 1);
    });
    return () => {
      paged.leave();
      clearInterval(timer);
      leave();
    };
  }, [paged]);
  return { paged, sight };
}

export function DevicesPage() {
  const filter = filter_of(place.value.query);
  const { paged, sight } = useDevices(filter);
  const total = paged.done ? paged.rows.length : Math.max(paged.rows.length, paged.newest?.matching ?? 0);
  const row = useCallback((index: number) => paged.rows[index], [paged]);
  const need = useCallback(
    (first: number, last: number) => {
      sight.first = first;
      sight.last = last;
      paged.need(last);
    },
    [paged],
  );
  const fleet = summary.value;
  const shown = !paged.newest
    ? ''
    : is_filtered(filter) && fleet
      ? `${count(total)} of ${plural(fleet.devices, 'device')}`
      : plural(total, 'device');
  return (
    <Page
      title="Devices"
      lead={<span role="status">{shown}</span>}
      wide
      actions={
        may('operate') &&
        is_filtered(filter) &&
        total > 0 && (
          <>
            <RunButton
              aim={{ select: selector_of(filter) }}
              whom={`each of the ${plural(total, 'device')} that match`}
            />
            <BulkButton filter={filter} />
          </>
        )
      }
    >
      <Filters filter={filter} />
      {paged.error instanceof ApiError && paged.rows.length === 0 ? (
        paged.error.status === 403 ? (
          <NoPermission need="read" />
        ) : (
          <Message icon="warn" tone="bad" title="The devices could not be loaded">
            <p>{paged.error.message}</p>
            <button class="button" onClick={() => paged.retry()}>
              Try again
            </button>
          </Message>
        )
      ) : !paged.newest ? (
        <Loading rows={10} label="Loading devices" />
      ) : total > 0 ? (
        <VirtualList
          label="Devices"
          class="devices"
          total={total}
          columns={columns}
          row={row}
          need={need}
          sort={filter.sort}
          on_sort={(column, first) => set_query({ sort: next_sort(filter.sort, column, first) })}
        />
      ) : is_filtered(filter) ? (
        <Message icon="search" title="No device matches">
          <p>None has this name and this state at the moment.</p>
          <button class="button" onClick={clear}>
            Show all devices
          </button>
        </Message>
      ) : (
        <Message icon="device" title="No devices yet">
          They come when agents connect.
        </Message>
      )}
    </Page>
  );
}

const clear = (): void =>
  set_query({ q: null, health: null, reason: null, group: null, kind: null, label: null, version: null }, false);

// Counts beside the chips: of what the other filters let through.
function Filters({ filter }: { filter: DeviceFilter }) {
  const { q, group, kind, label, version } = filter;
  const facets = useQuery<DeviceFacets>(with_params('/devices/facets', { q, group, kind, label, version }), 15).data;
  const counts = is_narrowed(filter) ? facets : (summary.value ?? facets);
  return (
    <div class="filters">
      <div class="filter-line">
        <Search value={q} />
        {(['group', 'version'] as const).map((name) => {
          const values = facets?.[`${name}s`] ?? [];
          return (
            (values.length > 1 || filter[name]) && (
              <label key={name} class="select">
                <span>{name === 'group' ? 'Group' : 'Agent'}</span>
                <select
                  value={filter[name]}
                  onChange={(event) => set_query({ [name]: event.currentTarget.value || null })}
                >
                  <option value="">All</option>
                  {filter[name] && !values.some(({ value }) => value === filter[name]) && (
                    <option value={filter[name]}>{filter[name]}</option>
                  )}
                  {values
                    .filter(({ value }) => value)
                    .map(({ value, count: n }) => (
                      <option key={value} value={value}>
                        {value} ({compact(n)})
                      </option>
                    ))}
                </select>
              </label>
            )
          );
        })}
      </div>
      <div class="chips" role="group" aria-label="State">
        {health_order.map((health) => {
          const n = counts?.health[health] ?? 0,
            on = filter.health.includes(health);
          return (
            (n > 0 || on || health === 'operational') && (
              <button
                key={health}
                class={`chip tone-${health_look[health].tone}`}
                aria-pressed={on}
                onClick={() => set_query({ health: toggled(filter.health, health).join(',') || null })}
              >
                <Icon name={health_look[health].icon} size={14} />
                {health_look[health].word}
                <b>{compact(n)}</b>
              </button>
            )
          );
        })}
      </div>
      <div class="chips small" role="group" aria-label="Reason">
        {reasons.map((reason) => {
          const n = counts?.reasons[reason] ?? 0,
            on = filter.reason.includes(reason);
          return (
            (n > 0 || on) && (
              <button
                key={reason}
                class="chip"
                aria-pressed={on}
                onClick={() => set_query({ reason: toggled(filter.reason, reason).join(',') || null })}
              >
                {reason_word(reason)}
                <b>{compact(n)}</b>
              </button>
            )
          );
        })}
        {(['kind', 'label'] as const).map(
          (name) =>
            filter[name] && (
              <button key={name} class="chip" aria-pressed="true" onClick={() => set_query({ [name]: null })}>
                {name}: {filter[name]}
                <span aria-hidden="true">×</span>
              </button>
            ),
        )}
        {is_filtered(filter) && (
          <button class="text-button" onClick={clear}>
            Clear
          </button>
        )}
      </div>
    </div>
  );
}

export function Search({ value }: { value: string }) {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  const text = useSignal(value); // what is typed, ahead of the address
  useEffect(() => {
    if (!timer.current) text.value = value;
  }, [value]);
  useEffect(() => {
    const on_key = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.key !== '/' || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
        return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    document.addEventListener('keydown', on_key);
    return () => {
      document.removeEventListener('keydown', on_key);
      clearTimeout(timer.current);
    };
  }, []);
  const typed = (now: string): void => {
    clearTimeout(timer.current);
    text.value = now;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      set_query({ q: now.trim() || null });
    }, 200);
  };
  return (
    <label class="search">
      <Icon name="search" />
      <span class="hidden">Search devices by name</span>
      <input
        ref={input}
        type="search"
        maxLength={63}
        placeholder="Search by name"
        value={text.value}
        onInput={(event) => typed(event.currentTarget.value)}
        spellcheck={false}
        autocomplete="off"
      />
      <kbd>/</kbd>
    </label>
  );
}

// Acts on whatever matches at that moment, after saying how many that would be.
function BulkButton({ filter }: { filter: DeviceFilter }) {
  const open = useSignal<BulkOutcome | null>(null);
  const select = selector_of(filter);
  const act = async (action: 'quarantine' | 'release', dry_run: boolean): Promise<void> => {
    try {
      const outcome = await send<BulkOutcome>('POST', '/devices/actions', { action, select, dry_run });
      if (dry_run) {
        open.value = outcome;
        return;
      }
      open.value = null;
      toast(
        `${action === 'quarantine' ? 'Quarantined' : 'Released'}: ${plural(outcome.changed, 'device')} of ${count(outcome.matched)}`,
      );
    } catch (error) {
      open.value = null;
      toast((error as Error).message, 'bad');
    }
  };
  return (
    <>
      <button class="button" onClick={() => act('quarantine', true)}>
        <Icon name="lock" />
        Quarantine…
      </button>
      {open.value && (
        <Dialog
          title={`Quarantine ${plural(open.value.matched, 'device')}?`}
          close={() => {
            open.value = null;
          }}
        >
          <p>
            Every device that matches the filter then. Their work is dropped, and none taken until they are released.
          </p>
          <div class="actions">
            <button
              class="button"
              onClick={() => {
                open.value = null;
              }}
            >
              Cancel
            </button>
            <button class="button primary" disabled={open.value.matched === 0} onClick={() => act('quarantine', false)}>
              Quarantine {plural(open.value.matched, 'device')}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
