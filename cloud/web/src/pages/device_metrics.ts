import type { DeviceRow } from 'api-types';
import { bytes, celsius, compact, duration, ratio } from '../format';
import type { Column } from '../parts/virtual_list';

// Member of a device, title, first order: what the API says of its list, put here by the build.
declare const DEVICE_METRICS: [field: string, title: string, first: string][];

type Figure = number | null | undefined;
// By the unit that a name ends with; without one it is a count. No time is nothing that waits.
const formats: Record<string, (value: Figure) => string> = {
  s: (value) => duration(value || null),
  bytes,
  celsius,
  ratio,
};

export const metric_columns = DEVICE_METRICS.map(([field, title, first]): Column<DeviceRow> => {
  const sort = first.replace('-', ''),
    format = formats[field.replace(/.*_/, '')] ?? compact;
  const cell = (device: object): string => format((device as Record<string, Figure>)[field]);
  return { key: sort, title, sort, first, right: true, cell };
});
