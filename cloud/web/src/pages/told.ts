import type { Device, Reason } from 'api-types';
import { bytes, celsius, compact, duration, ratio } from '../format';

// The newest telemetry by its names on the wire, in the units of this page; null: the device cannot tell.
export function told(device: Device) {
  const raw = (name: string): number | null => device.metrics[name] ?? null;
  const scaled = (name: string, by: number): number | null => {
    const value = raw(name);
    return value === null ? null : value / by;
  };
  const share = (part: number | null, whole: number | null): number | null =>
    part !== null && whole ? part / whole : null;
  const here = raw('done_local'),
    there = raw('done_cloud');
  return {
    bands: [0, 1, 2, 3].map((band) => raw(`queued_band${band}`) ?? 0),
    waiting: raw('waiting') ?? 0,
    running_here: raw('running_local') ?? 0,
    running_there: raw('running_cloud') ?? 0,
    outbox: raw('outbox') ?? 0,
    outbox_age_s: scaled('outbox_age_ms', 1e3),
    offloaded: share(there, (here ?? 0) + (there ?? 0)),
    cpu: scaled('cpu_permille', 1e3),
    memory_used: raw('memory_used'),
    memory_total: raw('memory_total'),
    memory: share(raw('memory_used'), raw('memory_total')),
    temperature: scaled('temperature_mc', 1e3),
    throttled: raw('throttled'),
    disk_free: raw('disk_free'),
    disk: share(raw('disk_free'), raw('disk_total')),
    store: raw('store_bytes'),
    flash: raw('flash_written'),
    battery: scaled('battery_permille', 1e3),
    on_battery: raw('on_battery'),
    link: ['unknown', 'ethernet', 'wifi', 'cellular', 'tunnel'][raw('link_type') ?? 0] ?? 'unknown',
    rtt_s: scaled('rtt_us', 1e6),
    loss: scaled('loss_permille', 1e3),
    bandwidth: raw('bandwidth'),
    clock_source: ['not set', 'its own clock', 'NTP'][raw('clock_source') ?? 0] ?? 'unknown',
    clock_error_s: scaled('clock_error_us', 1e6),
    certificate_s: raw('certificate_expires_s'),
    uptime_s: raw('uptime_s'),
    failed: raw('failed'),
    lost: raw('lost') ?? 0,
  };
}
export type Told = ReturnType<typeof told>;

// The figure behind a reason, where there is one.
export function because(reason: Reason, tel: Told): string {
  switch (reason) {
    case 'hot':
      return celsius(tel.temperature) + (tel.throttled ? ', its clock is held down' : '');
    case 'backlog_growing':
      return `${compact(tel.bands.reduce((sum, band) => sum + band, tel.waiting))} tasks wait`;
    case 'battery_low':
      return `${ratio(tel.battery)} left`;
    case 'link_poor':
      return `round trip ${duration(tel.rtt_s)}, ${ratio(tel.loss)} lost`;
    case 'clock_wrong':
      return `off by about ${duration(tel.clock_error_s)}, set by ${tel.clock_source}`;
    case 'certificate_expiring':
      return tel.certificate_s === null
        ? ''
        : `on ${new Date(tel.certificate_s * 1000).toLocaleDateString('en-GB', { dateStyle: 'medium' })}`;
    case 'disk_low':
      return `${bytes(tel.disk_free)} free`;
    case 'tasks_failing':
      return tel.failed === null ? '' : `${compact(tel.failed)} since it started`;
    case 'data_lost':
      return `${compact(tel.lost)} dropped in all`;
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
