// What the API says about one device or one task of the mock's fleet.
import { random_from } from './fleet.mjs';

const iso = (ms) => new Date(ms).toISOString();
const seed_of = (id) => [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);

export function device_of(row) {
  const random = random_from(seed_of(row.id)),
    seen = row.health !== 'never_seen',
    now = Date.now();
  const metrics = {
    queued_band0: 0,
    queued_band1: 2,
    queued_band2: Math.max(0, row.backlog - 5),
    queued_band3: 3,
    waiting: 1,
    running_local: row.running,
    running_cloud: 2,
    outbox: row.outbox,
    outbox_age_ms: row.outbox_oldest_s * 1000,
    accepted: 88_120,
    done_local: 61_402,
    done_cloud: 26_100,
    failed: row.reasons.includes('tasks_failing') ? 211 : 4,
    expired: 0,
    duplicates: 12,
    lost: row.lost,
    cpu_permille: Math.round(row.cpu_ratio * 1000),
    memory_used: Math.round(row.memory_ratio * 1_021_313_024),
    memory_total: 1_021_313_024,
    temperature_mc: row.temperature_celsius * 1000,
    throttled: row.reasons.includes('hot') ? 1 : 0,
    disk_free: row.disk_free_bytes,
    disk_total: 15_600_000_000,
    store_bytes: 148_897_792,
    flash_written: 9_100_000_000,
    ...(row.battery_ratio !== null && { battery_permille: Math.round(row.battery_ratio * 1000) }),
    on_battery: row.battery_ratio === null ? 0 : 1,
    link_type: 3,
    ...(row.rtt_s !== null && { rtt_us: Math.round(row.rtt_s * 1e6) }),
    loss_permille: Math.round(row.loss_ratio * 1000),
    bandwidth: 412_000,
    clock_source: 2,
    clock_error_us: row.reasons.includes('clock_wrong') ? 91_000_000 : 1800,
    certificate_expires_s: Math.floor(now / 1000) + (row.reasons.includes('certificate_expiring') ? 5 : 71) * 86_400,
    uptime_s: 312_400,
  };
  return {
    ...row,
    revision: 3,
    workers: 4,
    memory_bytes: 1_021_313_024,
    tags: random() < 0.5 ? ['camera'] : ['camera', 'gpio'],
    kinds: ['anomaly.score', 'echo', 'hash.sha256', 'signal.spectrum', 'stats.window'].map((name) => ({
      name,
      version: 1,
    })),
    session: seen ? 14 : 0,
    first_seen: seen ? iso(now - 41 * 86_400_000) : null,
    kernel: seen ? '6.1.0-18-arm64' : '',
    note: row.health === 'quarantined' ? 'sends nonsense since the move' : '',
    measured: seen ? row.last_seen : null,
    measured_there: row.last_seen,
    cores_ratio: seen ? [0, 1, 2, 3].map((core) => Math.min(1, Math.max(0, row.cpu_ratio + (core - 1.5) * 0.08))) : [],
    metrics: seen ? metrics : {},
  };
}

export function telemetry_of(row, from, to, step) {
  const random = random_from(seed_of(row.id)),
    t = [],
    mean = { backlog: [], cpu: [], rtt: [] };
  for (let at = Math.ceil(from / step) * step; at < to; at += step) {
    const ago = to - at,
      cut = ago < 1680 && ago > 1320;
    t.push(at);
    mean.backlog.push(
      cut ? null : Math.round(6 + 4 * Math.sin(at / 300) + (ago < 1320 && ago > 1000 ? (ago - 1000) / 2 : 0)),
    );
    mean.cpu.push(cut ? null : Math.min(1, 0.35 + 0.2 * Math.sin(at / 400) + random() * 0.2));
    mean.rtt.push(cut ? null : (row.rtt_s ?? 0.04) * (0.8 + random() * 0.5));
  }
  return { step_s: step, t, mean, max: mean };
}

export function sessions_of(row) {
  if (row.health === 'never_seen') return { items: [] };
  const random = random_from(seed_of(row.id)),
    items = [],
    endings = ['will', 'heartbeats_missed', 'goodbye', 'quarantined', null];
  let until = row.online ? null : Date.parse(row.since),
    from = (until ?? Date.now()) - 1_320_000;
  for (let session = 14; session > 0; --session) {
    items.push({
      session,
      from: iso(from),
      until: until && iso(until),
      ended: until ? endings[Math.floor(random() * 5)] : null,
    });
    until = from - Math.floor(30_000 + random() ** 3 * 2_400_000);
    from = until - Math.floor(1_800_000 + random() * 21_600_000);
  }
  return { items };
}

export function losses_of(row) {
  if (row.lost === 0) return { items: [] };
  const from = iso(Date.now() - 5 * 86_400_000),
    until = iso(Date.now() - 7_200_000);
  return {
    items: [
      { class: 'telemetry', cause: 'disk_budget', count: row.lost, at_least: false, from, until },
      { class: 'events', cause: 'memory', count: 2, at_least: false, from, until },
    ],
  };
}

// As cloud/fleet/task_path.cpp puts it together: the device's attempts, the link between, and what the
// cloud saw of the latest.
export function trace_of(task) {
  const began = Date.parse(task.accepted) - 214,
    s = (at) => (at === null ? null : (Date.parse(at) - began) / 1000);
  const span = (name, lane, from_s, to_s, epoch = task.epoch, note = '') => ({
    name,
    lane,
    host: lane === 'cloud' ? 'cloud' : task.device,
    from_s,
    to_s,
    epoch,
    ghost: note !== '',
    note,
  });
  const started = s(task.started),
    ended = s(task.ended),
    at_cloud = s(task.accepted),
    failed = task.failure === 'none' ? '' : task.failure;
  const before =
    task.epoch > 1
      ? [
          span('queued', 'edge', 0, 0.002, 1, 'timeout'),
          span('run', 'edge', 0.002, 0.011, 1, 'timeout'),
          span('answer', 'edge', 0.011, 0.012, 1, 'timeout'),
        ]
      : [];
  return {
    task: task.id,
    trace: seed_of(task.id).toString(16).padStart(32, '0'),
    began: iso(began),
    skew_s: ended === null ? 0.2 : 0.018,
    missing: '',
    spans: [
      ...before,
      span('queued', 'edge', before.length ? 0.012 : 0, 0.014, task.epoch, failed),
      span('queued', 'link', 0.014, at_cloud, task.epoch, failed),
      ...(ended === null ? [] : [span('answer', 'link', ended, ended + 0.061, task.epoch, failed)]),
      span('queued', 'cloud', at_cloud, started, task.epoch, failed),
      ...(started === null ? [] : [span('run', 'cloud', started, ended, task.epoch, failed)]),
    ],
  };
}

export const placement_of = (task) => ({
  task: task.id,
  device: task.device,
  told: iso(Date.now() - 1200),
  missing: '',
  explanation: {
    epoch: task.epoch,
    chosen: 'cloud',
    dominant: 'the cloud is expected to finish 0.9 s sooner',
    candidates: [
      {
        place: 'local',
        eligible: true,
        reason: 'all cores are taken',
        wait_s: 1.2,
        transfer_s: 0,
        run_s: 0.3,
        slow_s: 2.4,
        score_s: 1.725,
      },
      {
        place: 'cloud',
        eligible: true,
        reason: 'the cloud is expected to finish 0.9 s sooner',
        wait_s: 0.1,
        transfer_s: 0.15,
        run_s: 0.25,
        slow_s: 1.1,
        score_s: 0.65,
      },
    ],
  },
});

export const kinds_of = (tasks) => {
  const by = new Map();
  for (const task of tasks) {
    const kind =
      by.get(task.kind) ??
      by
        .set(task.kind, { name: task.kind, accepted: 0, done: 0, failed: 0, run: { p50_s: 0.08, p95_s: 0.9 } })
        .get(task.kind);
    ++kind.accepted;
    if (task.failure !== 'none') ++kind.failed;
    else if (task.ended) ++kind.done;
  }
  return { items: [...by.values()].sort((a, b) => a.name.localeCompare(b.name)) };
};
