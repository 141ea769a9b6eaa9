import type { Device, Reason } from 'api-types';
import { bytes, celsius, compact, duration, ratio } from '../format';

// What the list does not have of the newest telemetry, from its names on the wire, in the units of this
// page; null: the device cannot tell.
export function told(device: Device) {
  const raw = (name: string): number | null => device.metrics[name] ?? null;
  const share = (part: number | null, whole: number | null): number | null =>
    part !== null && whole ? part / whole : null;
  const here = raw('done_local'),
    there = raw('done_cloud'),
    clock_error = raw('clock_error_us');
  return {
    bands: [0, 1, 2, 3].map((band) => raw(`queued_band${band}`) ?? 0),
    waiting: raw('waiting') ?? 0,
    running_there: raw('running_cloud') ?? 0,
    offloaded: share(there, (here ?? 0) + (there ?? 0)),
    memory_used: raw('memory_used'),
    memory_total: raw('memory_total'),
    throttled: raw('throttled'),
    disk: share(raw('disk_free'), raw('disk_total')),
    store: raw('store_bytes'),
    flash: raw('flash_written'),
    on_battery: raw('on_battery'),
    link: ['unknown', 'ethernet', 'wifi', 'cellular', 'tunnel'][raw('link_type') ?? 0] ?? 'unknown',
    bandwidth: raw('bandwidth'),
    clock_source: ['not set', 'its own clock', 'NTP'][raw('clock_source') ?? 0] ?? 'unknown',
    clock_error_s: clock_error === null ? null : clock_error / 1e6,
    certificate_s: raw('certificate_expires_s'),
    failed: raw('failed'),
  };
}
export type Told = ReturnType<typeof told>;

// The figure behind a reason, where there is one.
export function because(reason: Reason, device: Device, tel: Told): string {
  switch (reason) {
    case 'hot':
      return celsius(device.temperature_celsius) + (tel.throttled ? ', its clock is held down' : '');
    case 'backlog_growing':
      return `${compact(device.backlog)} tasks wait`;
    case 'battery_low':
      return `${ratio(device.battery_ratio)} left`;
    case 'link_poor':
      return `round trip ${duration(device.rtt_s)}, ${ratio(device.loss_ratio)} lost`;
    case 'clock_wrong':
      return `off by about ${duration(tel.clock_error_s)}, set by ${tel.clock_source}`;
    case 'certificate_expiring':
      return tel.certificate_s === null
        ? ''
        : `on ${new Date(tel.certificate_s * 1000).toLocaleDateString('en-GB', { dateStyle: 'medium' })}`;
    case 'disk_low':
      return `${bytes(device.disk_free_bytes)} free`;
    case 'tasks_failing':
      return tel.failed === null ? '' : `${compact(tel.failed)} since it started`;
    case 'data_lost':
      return `${compact(device.lost)} dropped in all`;
    case 'flooding':
      return 'it sends more than it may';
    case 'heartbeats_missed':
      return 'three heartbeats were missed';
    case 'will':
      return 'its connection is gone';
    case 'goodbye':
      return 'it said so';
    case 'restored':
      return 'an earlier state was put back';
    case 'cloned':
      return 'two devices use its identity';
  }
}
