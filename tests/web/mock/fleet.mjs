import { readFileSync } from 'node:fs';

// A fleet from a seed: the same number of devices gives the same fleet, in any run. Times are
// relative to the moment it was made, so that ages look as they would.
const api = JSON.parse(readFileSync(process.env.OPENAPI, 'utf8'));
const metrics = Object.entries(api.components.schemas.DeviceRow.properties).filter(([, told]) => told['x-sort']);
export const healths = [
  'operational',
  'degraded',
  'updating',
  'sleeping',
  'disconnected',
  'never_seen',
  'quarantined',
  'revoked',
];
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
  'heartbeats_missed',
  'will',
  'goodbye',
  'restored',
  'cloned',
  'flooding',
];
const sites = ['aachen', 'bergen', 'cadiz', 'delft', 'esbjerg', 'faro', 'gdansk', 'hull', 'izmir', 'jena'];
const roles = ['gate', 'press', 'pump', 'scale', 'tower'];
const kinds = ['anomaly.score', 'echo', 'hash.sha256', 'signal.spectrum', 'stats.window'];
const failures = ['error', 'timeout', 'crash', 'lost'];
const bands = ['urgent', 'high', 'normal', 'background'];

export function random_from(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const pick = (random, list) => list[Math.floor(random() * list.length)];
const iso = (ms) => new Date(ms).toISOString();

function health_of(random, at, n) {
  // One site lost its uplink: neighbours on the map.
  if (n >= 40 && at >= Math.floor(n * 0.52) && at < Math.floor(n * 0.52) + Math.max(3, n / 90)) return 4;
  const drawn = random();
  let edge = 0;
  for (const [health, share] of [
    [1, 0.02],
    [4, 0.006],
    [2, 0.008],
    [3, 0.006],
    [5, 0.004],
    [6, 0.0015],
    [7, 0.001],
  ])
    if (drawn < (edge += share)) return health;
  return 0;
}

export class Fleet {
  constructor(n, { seed = 1, now = Date.now() } = {}) {
    this.began = now;
    const random = (this.random = random_from(seed));
    const per = Math.ceil(n / (sites.length * roles.length)) || 1;
    const ids = [];
    for (const site of sites)
      for (const role of roles)
        for (let i = 1; i <= per && ids.length < n; ++i) ids.push(`${site}-${role}-${String(i).padStart(4, '0')}`);
    this.devices = ids.map((id, at) => this.device(id, at, n));
    // A small fleet should show something of everything all the same.
    if (n >= 8 && n < 40) [1, 4, 2].forEach((health, at) => this.set_health(this.devices[2 + 3 * at], healths[health]));
    this.by_id = new Map(this.devices.map((device) => [device.id, device]));
    this.next_task = 1;
    this.tasks = [];
    for (let i = 0; i < Math.min(400, n * 40); ++i) this.tasks.unshift(this.task(now - (400 - i) * 900));
    this.next_event = 1;
    this.events = [];
    for (let i = 0; i < Math.min(40, 4 * n); ++i) this.events.unshift(this.event(now - (40 - i) * 71_000));
    this.alerts = this.devices
      .filter((device) => device.health === 'disconnected' || device.reasons.includes('hot'))
      .slice(0, 7)
      .map((device, at) => this.alert(device, at));
    this.lists = new Map();
  }

  device(id, at, n) {
    const random = this.random,
      now = this.began;
    const device = {
      id,
      health: 'operational',
      reasons: [],
      since: null,
      online: true,
      last_seen: null,
      group: id.split('-')[0],
      labels: [`role=${id.split('-')[1]}`, ...(random() < 0.1 ? ['canary'] : [])],
      version: random() < 0.9 ? '0.1.0' : '0.1.1',
      machine: random() < 0.7 ? 'aarch64' : 'armv7l',
      ...Object.fromEntries(metrics.map(([field]) => [field, 0])),
      backlog: Math.floor(random() ** 6 * 40),
      running: Math.floor(random() * 5),
      cpu_ratio: Math.round(random() * 700) / 1000,
      temperature_celsius: 38 + Math.round(random() * 20),
      rtt_s: Math.round((0.018 + random() ** 4 * 0.2) * 1e4) / 1e4,
      memory_ratio: 0.06,
      disk_free_bytes: 5_730_000_000,
      loss_ratio: 0.003,
      battery_ratio: null,
    };
    this.set_health(device, healths[health_of(random, at, n)], now - Math.floor(random() ** 2 * 86_400_000));
    return device;
  }

  set_health(device, health, since = Date.now()) {
    const random = this.random;
    Object.assign(device, {
      health,
      since: health === 'never_seen' ? null : iso(since),
      reasons: [],
      online: !['sleeping', 'disconnected', 'never_seen', 'revoked'].includes(health),
    });
    device.last_seen =
      health === 'never_seen' ? null : device.online ? iso(Date.now() - Math.floor(random() * 9000)) : iso(since);
    if (health === 'degraded') {
      const reason = Math.floor(random() * 9);
      device.reasons = [reasons[reason]];
      if (reason === 0)
        Object.assign(device, {
          backlog: 400 + Math.floor(random() * 3000),
          outbox: 812,
          outbox_oldest_s: Math.floor(60 + random() * 900),
        });
      if (reason === 1) device.temperature_celsius = 79 + Math.floor(random() * 10);
      if (reason === 2) device.battery_ratio = 0.11;
      if (reason === 3) Object.assign(device, { rtt_s: 1.4, loss_ratio: 0.14 });
      if (reason === 6) device.disk_free_bytes = 210_000_000;
      if (reason === 8) device.lost = 1 + Math.floor(random() * 40);
    }
    if (health === 'disconnected')
      Object.assign(device, {
        reasons: [random() < 0.7 ? 'will' : 'heartbeats_missed'],
        backlog: 20 + Math.floor(random() * 200),
        rtt_s: null,
      });
  }

  task(accepted) {
    const random = this.random,
      device = pick(random, this.devices).id;
    const owner = [...device]
      .reduce((sum, letter) => (sum * 31n + BigInt(letter.charCodeAt(0))) & 0xffff_ffff_ffff_ffffn, 7n)
      .toString(16)
      .padStart(16, '0');
    const id = `${owner}-${100_000 + this.next_task++}`;
    const wait = random() ** 4 * 0.4,
      ran = 0.002 + random() ** 3 * 1.8,
      failed = random() < 0.03;
    const age = (this.began - accepted) / 1000;
    const state = age < 1 ? 'accepted' : age < 3 ? 'running' : age < 5 ? 'done' : 'answered';
    const started = state === 'accepted' ? null : iso(accepted + wait * 1000),
      over = state === 'done' || state === 'answered';
    return {
      id,
      device,
      state,
      kind: pick(random, kinds),
      band: bands[Math.min(3, Math.floor(1 + random() * 2.2))],
      epoch: random() < 0.06 ? 2 : 1,
      failure: over && failed ? pick(random, failures) : 'none',
      accepted: iso(accepted),
      started,
      ended: over ? iso(accepted + (wait + ran) * 1000) : null,
      ran_s: over ? ran : null,
      cpu_s: over ? ran * 0.94 : null,
    };
  }

  event(at) {
    const device = pick(this.random, this.devices);
    const [what, detail] = pick(this.random, [
      ['connected', 'session 14'],
      ['disconnected', 'the broker told that its connection is gone'],
      ['health_changed', 'operational, was degraded'],
      ['restarted', 'boot 7, up for 3 s'],
      ['version_changed', '0.1.0 to 0.1.1'],
    ]);
    return { id: this.next_event++, at: iso(at), device: device.id, what, detail };
  }

  alert(device, at) {
    const gone = device.health === 'disconnected';
    return {
      id: at + 1,
      rule: gone ? 'device_disconnected' : 'device_hot',
      title: gone ? 'Device is disconnected' : 'Device is hot',
      severity: gone ? 'critical' : at % 3 ? 'warning' : 'info',
      device: device.id,
      firing: true,
      fired: device.since,
      resolved: null,
      value: gone ? 4 : 81_000,
      acknowledged_by: at === 1 ? 'night shift' : null,
      note: at === 1 ? 'technician is on the way' : '',
      silenced_until: at === 2 ? iso(Date.now() + 3_000_000) : null,
    };
  }

  facets(filter) {
    const some = this.matching(filter),
      tally = (names) => Object.fromEntries(names.map((name) => [name, 0]));
    const health = tally(healths),
      why = tally(reasons),
      groups = new Map(),
      versions = new Map();
    for (const device of some) {
      ++health[device.health];
      for (const reason of device.reasons) ++why[reason];
      groups.set(device.group, (groups.get(device.group) ?? 0) + 1);
      versions.set(device.version, (versions.get(device.version) ?? 0) + 1);
    }
    const list = (map) => [...map].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
    return { health, reasons: why, groups: list(groups), versions: list(versions) };
  }

  matching(filter) {
    const list = (name) => (filter.get(name) ?? '').split(',').filter(Boolean);
    const q = filter.get('q') ?? '',
      health = list('health'),
      why = list('reason'),
      group = filter.get('group'),
      labels = list('label'),
      version = filter.get('version');
    if (!q && !health.length && !why.length && !group && !labels.length && !version) return this.devices;
    return this.devices.filter(
      (device) =>
        (!q || device.id.includes(q)) &&
        (!health.length || health.includes(device.health)) &&
        (!why.length || why.some((one) => device.reasons.includes(one))) &&
        (!group || device.group === group) &&
        labels.every((label) => device.labels.some((own) => own === label || own.startsWith(`${label}=`))) &&
        (!version || device.version === version),
    );
  }

  // Sorted once for each filter and order, as long as the fleet stands still.
  list(filter) {
    const { cursor: _, limit: __, ...rest } = Object.fromEntries(filter);
    const key = JSON.stringify(rest);
    if (!this.lists.has(key)) {
      const sort = filter.get('sort') ?? 'name',
        down = sort.startsWith('-') ? -1 : 1;
      const value = {
        name: null,
        health: (device) => healths.indexOf(device.health),
        since: (device) => Date.parse(device.since ?? 0),
        last_seen: (device) => Date.parse(device.last_seen ?? 0),
        ...Object.fromEntries(
          metrics.map(([field, told]) => [told['x-sort'].replace('-', ''), (device) => device[field] ?? 0]),
        ),
      }[sort.replace('-', '')];
      const some = [...this.matching(filter)];
      if (value) some.sort((a, b) => down * (value(a) - value(b)) || (a.id < b.id ? -1 : 1));
      else if (down < 0) some.reverse();
      if (this.lists.size > 20) this.lists.clear();
      this.lists.set(key, some);
    }
    return this.lists.get(key);
  }

  summary() {
    const { health, reasons: why } = (this.counts ??= this.facets(new URLSearchParams()));
    const n = this.devices.length,
      wave = Math.sin(Date.now() / 9000),
      online = health.operational + health.degraded + health.updating + health.quarantined;
    return {
      at: iso(Date.now()),
      devices: n,
      online,
      health,
      reasons: why,
      tasks_per_s: n * (0.31 + 0.02 * wave),
      done_local_per_s: n * 0.22,
      done_cloud_per_s: n * (0.09 + 0.02 * wave),
      offload_ratio: n ? 0.29 + 0.03 * wave : 0,
      local: { p50_s: n ? 0.042 : null, p95_s: n ? 0.31 : null },
      cloud: { p50_s: n ? 0.118 : null, p95_s: n ? 0.74 : null },
      edge_backlog: Math.round(n * (3.1 + 0.3 * wave)),
      edge_oldest_s: n ? 412 : 0,
      cloud_queue: Math.round(n * 0.02 + 3 + 2 * wave),
      cloud_oldest_s: 1.3,
      cloud_restored: null,
      store_problem: '',
      duplicates_suppressed: 12 * n + 7,
      lost: n > 20 ? 37 : 0,
      failed: 9 * n,
      alerts_firing: this.alerts.filter((alert) => alert.firing).length,
      messages_per_s: n * 0.11,
    };
  }

  series(metrics, from, to, step) {
    const random = random_from(Math.floor(from / 3600)),
      n = this.devices.length,
      t = [],
      series = Object.fromEntries(metrics.map((name) => [name, []]));
    for (let at = Math.ceil(from / step) * step; at < to; at += step) {
      // A cut of six minutes, twenty-eight minutes ago, then the backlog runs off into the cloud.
      const ago = this.began / 1000 - at,
        cut = ago < 1680 && ago > 1320 ? 1 : 0,
        after = ago <= 1320 && ago > 1000 ? (ago - 1000) / 320 : 0,
        rise = cut ? (1680 - ago) / 360 : after;
      const noise = random() - 0.5,
        day = Math.sin(at / 1900);
      t.push(at);
      const value = {
        online: Math.round(n * (cut ? 0.58 : 0.985) + noise * n * 0.004),
        operational: n * 0.95,
        degraded: n * 0.02,
        disconnected: n * (cut ? 0.4 : 0.01),
        updating: n * 0.01,
        backlog: n * (3 + day * 0.6 + rise * 22 + noise * 0.4),
        backlog_oldest: 5 + rise * 400,
        done_local: n * (0.22 + 0.02 * day + noise * 0.02),
        done_cloud: n * Math.max(0, 0.09 + 0.02 * day - cut * 0.06 + (after ? 0.16 : 0) + noise * 0.02),
        offload: 0.29 + noise * 0.04 - cut * 0.2 + after * 0.2,
        local_p50: 0.042 + noise * 0.004,
        local_p95: 0.31,
        cloud_p50: 0.118 + noise * 0.02 + after * 0.1,
        cloud_p95: 0.74,
        cloud_queue: n * 0.02 + after * n * 0.4 + noise * 3,
        duplicates: Math.max(0, after * n * 0.01),
        lost: 0,
        messages: n * 0.11,
      };
      for (const name of metrics)
        series[name].push(value[name] === undefined ? null : Math.round(value[name] * 1e4) / 1e4);
    }
    return { step_s: step, t, series };
  }

  // What moves: a few devices change, some tasks come and go.
  move() {
    const random = this.random,
      now = Date.now(),
      devices = new Map();
    const several = Math.min(500, Math.max(1, Math.round(this.devices.length / 200)));
    for (let i = 0; i < several && this.devices.length; ++i) {
      const device = pick(random, this.devices);
      if (!device.online) continue;
      Object.assign(device, {
        last_seen: iso(now),
        cpu_ratio: Math.min(1, Math.max(0, Math.round((device.cpu_ratio + (random() - 0.5) * 0.1) * 1000) / 1000)),
      });
      devices.set(device.id, device);
    }
    const tasks = [];
    if (this.devices.length) {
      this.began = now;
      for (let i = 0; i < 2; ++i) tasks.push(this.task(now - Math.floor(random() * 6000)));
      this.tasks.unshift(...[...tasks].reverse());
      this.tasks.length = Math.min(this.tasks.length, 1000);
    }
    return { devices: [...devices.values()], tasks, more: several === 500, events: [], alerts: [] };
  }

  // Test hook: one device becomes something else, as the stream tells it.
  change(id, health) {
    const device = this.by_id.get(id);
    this.set_health(device, health);
    this.counts = null;
    this.lists.clear();
    return device;
  }
}
