// The cloud's API over a fleet from a seed: what the browser tests and the design work talk to.
// As a program: node server.mjs DIST [DEVICES [PORT]]
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Fleet } from './fleet.mjs';
import { device_of, kinds_of, losses_of, placement_of, sessions_of, telemetry_of, trace_of } from './one.mjs';
import { Dispatched } from './dispatched.mjs';

// cloud/http's own.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
// The page's files are named relative to the address it lies at, whatever a proxy puts in front of that.
const page_at = (path, page) => page.replaceAll('="/assets/', `="${'../'.repeat(path.split('/').length - 2)}assets/`);
const rules = [
  {
    id: 'device_disconnected',
    title: 'Device is disconnected',
    severity: 'critical',
    scope: 'device',
    subject: 'health',
    compare: 'is',
    value: 4,
    lasting_s: 60,
    group: '',
    enabled: true,
  },
  {
    id: 'device_hot',
    title: 'Device is hot',
    severity: 'warning',
    scope: 'device',
    subject: 'hot',
    compare: 'is',
    value: 1,
    lasting_s: 120,
    group: '',
    enabled: true,
  },
  {
    id: 'fleet_backlog',
    title: 'The fleet falls behind',
    severity: 'warning',
    scope: 'fleet',
    subject: 'backlog',
    compare: 'above',
    value: 100_000,
    lasting_s: 300,
    group: '',
    enabled: false,
  },
];

export class MockCloud {
  constructor({ dist, devices = 1000, seed = 1, beat_ms = 500 }) {
    Object.assign(this, {
      dist,
      beat_ms,
      fleet: new Fleet(devices, { seed }),
      me: { name: 'ops', scope: 'admin', expires: null, csrf: 'csrf-1' },
      signed_in: true,
      broken: new Set(),
      rules: structuredClone(rules),
      streams: new Set(),
      requests: [],
      writes: [],
      sequence: 0,
      refuse_streams: false,
      on_its_way: null,
    });
    this.dispatched = new Dispatched(this.fleet);
    this.files = new Map(JSON.parse(readFileSync(join(dist, 'files.json'), 'utf8')).map((file) => [file.path, file]));
    this.server = createServer((request, response) =>
      this.answer(request, response).catch((error) => {
        response.destroy(error);
        console.error(error);
      }),
    );
  }

  async start(port = 0) {
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    this.beat = setInterval(() => this.tell(this.fleet.move()), this.beat_ms);
    return this;
  }
  async stop() {
    clearInterval(this.beat);
    this.cut();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  // Test hooks.
  tell(changes) {
    this.send('delta', { summary: this.fleet.summary(), devices: [], tasks: [], events: [], alerts: [], ...changes });
  }
  cut() {
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }
  send(event, body) {
    const text = `id: ${++this.sequence}\nevent: ${event}\ndata: ${JSON.stringify(body)}\n\n`;
    for (const stream of this.streams) stream.write(text);
  }

  async answer(request, response) {
    const url = new URL(request.url, 'http://mock');
    if (!url.pathname.startsWith('/api/v1/')) return this.file(url.pathname, response);
    const path = url.pathname.slice('/api/v1'.length);
    this.requests.push(`${request.method} ${path}${url.search}`);
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = text ? JSON.parse(text) : {};
    const [, top, id, more] = path.split('/').map(decodeURIComponent);
    if (this.broken.has(`/${top}`) || this.broken.has(path))
      return this.problem(response, 503, 'The store is busy; try again.');
    if (top === 'session') return this.session(request.method, body, response);
    if (!this.signed_in) return this.problem(response, 401, 'Sign in first.');
    if (this.me.scope === 'none') return this.problem(response, 403, 'This needs the scope read.');
    if (top === 'stream') return this.stream(url, response);
    if (request.method !== 'GET') return this.write(request, path, top, id, more, body, response);
    let answer = this.read(path, top, id, more, url.searchParams);
    if (this.on_its_way) answer = await this.on_its_way(path, structuredClone(answer));
    if (answer === undefined) return this.problem(response, 404, `There is no ${path}.`);
    if (answer === 403) return this.problem(response, 403, 'This needs the scope admin.');
    this.json(response, 200, answer, request);
  }

  json(response, status, body, request) {
    const text = Buffer.from(JSON.stringify(body));
    const small = text.length > 1400 && /gzip/.test(request?.headers['accept-encoding'] ?? '');
    response.writeHead(status, {
      'content-type': status < 400 ? 'application/json' : 'application/problem+json',
      ...(small && { 'content-encoding': 'gzip' }),
    });
    response.end(small ? gzipSync(text, { level: 1 }) : text);
  }
  problem(response, status, detail) {
    this.json(response, status, { type: 'about:blank', title: 'Problem', status, detail, instance: 'r1' });
  }

  file(path, response) {
    const file = this.files.get(path) ?? (path.includes('.') ? undefined : this.files.get('/'));
    if (!file) return void response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': file.type,
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    response.end(
      file.path === '/'
        ? page_at(path, readFileSync(join(this.dist, 'index.html'), 'utf8'))
        : readFileSync(join(this.dist, file.path)),
    );
  }

  session(method, { token, code }, response) {
    if (method === 'DELETE') {
      this.signed_in = false;
      return void response.writeHead(204).end();
    }
    if (method === 'POST') {
      if (token !== 'right' && code !== 'once')
        return this.problem(response, 401, 'This token is not known, or it was revoked.');
      this.signed_in = true;
    }
    return this.signed_in ? this.json(response, 200, this.me) : this.problem(response, 401, 'Sign in first.');
  }

  stream(url, response) {
    if (this.refuse_streams) return this.problem(response, 503, 'Too many streams.');
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.on('close', () => this.streams.delete(response));
    const { fleet } = this;
    const last = url.searchParams.get('last_event_id');
    if (last === null)
      response.write(
        `id: ${this.sequence}\nevent: snapshot\ndata: ${JSON.stringify({ summary: fleet.summary(), events: fleet.events.slice(0, 50), alerts: fleet.alerts.filter((alert) => alert.firing), tasks: fleet.tasks.slice(0, 100) })}\n\n`,
      );
    this.streams.add(response);
  }

  read(path, top, id, more, query) {
    const { fleet } = this,
      number = (name, otherwise) => Number(query.get(name) ?? otherwise);
    const page = (list, limit = number('limit', 100)) => {
      const from = Number(query.get('cursor')?.slice(1) ?? 0);
      return { items: list.slice(from, from + limit), next: from + limit < list.length ? `c${from + limit}` : null };
    };
    const to = number('to', Date.now() / 1000),
      from = number('from', to - 3600),
      step = number('step', 10);
    const named = (otherwise) => query.get('metrics')?.split(',') ?? otherwise;
    const device = top === 'devices' && fleet.by_id.get(id),
      task = top === 'tasks' && fleet.tasks.find((one) => one.id === id);
    const dispatched = this.dispatched.read(path, top, id, more, query, page);
    if (dispatched) return dispatched;
    switch (path) {
      case '/fleet/summary':
        return fleet.summary();
      case '/fleet/map':
        return {
          at: new Date().toISOString(),
          ids: fleet.devices.map((one) => one.id),
          health: fleet.devices.map((one) =>
            [
              'operational',
              'degraded',
              'updating',
              'sleeping',
              'disconnected',
              'never_seen',
              'quarantined',
              'revoked',
            ].indexOf(one.health),
          ),
        };
      case '/fleet/series':
        return fleet.devices.length
          ? fleet.series(
              named([
                'online',
                'backlog',
                'done_local',
                'done_cloud',
                'offload',
                'local_p50',
                'cloud_p50',
                'cloud_queue',
                'duplicates',
                'lost',
              ]),
              from,
              to,
              step,
            )
          : { step_s: step, t: [], series: {} };
      case '/devices': {
        const list = fleet.list(query);
        return { ...page(list), matching: list.length };
      }
      case '/devices/facets':
        return fleet.facets(query);
      case '/tasks/offloaded': {
        const state = query.get('state')?.split(','),
          kind = query.get('kind'),
          of = query.get('device'),
          failed = query.get('failed');
        return page(
          fleet.tasks.filter(
            (one) =>
              (!state || state.includes(one.state)) &&
              (!kind || one.kind === kind) &&
              (!of || one.device === of) &&
              (!failed || one.failure !== 'none'),
          ),
        );
      }
      case '/kinds':
        return kinds_of(fleet.tasks);
      case '/events':
        return page(fleet.events);
      case '/cloud':
        return {
          name: 'cloud-1',
          version: '0.1.0',
          started: new Date(fleet.began - 86_400_000).toISOString(),
          uptime_s: 86_412,
          draining: false,
          broker: {
            uri: 'mqtts://broker.example:8883',
            connected: true,
            terms: [
              { what: 'keep alive 20 s', hurts: '' },
              { what: 'packets of up to 266240 bytes', hurts: '' },
              { what: 'it refused to let this client speak for another', hurts: '' },
            ],
          },
          store: {
            directory: '/var/lib/spillway-cloud',
            bytes: 214_958_080,
            free_bytes: 81_604_378_624,
            set_aside: [],
            restored: null,
            problem: '',
            doubts: [],
          },
          workers: 8,
          held: 31,
          counters: {
            accepted: 2_611_420,
            refused: 1204,
            done: 2_609_118,
            failed: 2302,
            answered: 2_609_087,
            repeated: 31_022,
            malformed: 0,
            barred: 0,
            flooding: 0,
            damaged: 0,
          },
          http: { connections: 6, streams: this.streams.size },
        };
      case '/alerts':
        return page(
          fleet.alerts.filter((one) => query.get('firing') === null || String(one.firing) === query.get('firing')),
        );
      case '/alerts/rules':
        return { items: this.rules };
      case '/alerts/silences':
        return {
          items: fleet.alerts
            .filter((one) => one.silenced_until)
            .map((one) => ({
              id: one.id,
              rule: one.rule,
              device: one.device,
              group: '',
              until: one.silenced_until,
              by: 'ops',
              note: '',
            })),
        };
      case '/tokens':
        return this.me.scope !== 'admin'
          ? 403
          : {
              items: [
                {
                  id: 't1',
                  name: 'ops',
                  scope: 'admin',
                  created: '2026-01-01T00:00:00Z',
                  expires: null,
                  last_used: new Date().toISOString(),
                },
                {
                  id: 't2',
                  name: 'grafana',
                  scope: 'read',
                  created: '2026-01-01T00:00:00Z',
                  expires: '2027-01-01T00:00:00Z',
                  last_used: null,
                },
              ],
            };
      case '/failed-logins':
        return this.me.scope !== 'admin'
          ? 403
          : {
              items: [
                {
                  from: '192.0.2.99',
                  count: 17,
                  first: new Date(fleet.began).toISOString(),
                  last: new Date().toISOString(),
                },
              ],
            };
      case '/sessions':
        return this.me.scope !== 'admin'
          ? 403
          : {
              items: [
                {
                  id: '5e55',
                  name: 'ops',
                  scope: 'admin',
                  token: 't1',
                  from: '127.0.0.1',
                  created: new Date(fleet.began).toISOString(),
                  expires: new Date(Date.now() + 3_600_000).toISOString(),
                  own: true,
                },
                {
                  id: '5e56',
                  name: 'night shift',
                  scope: 'operate',
                  token: 't3',
                  from: '192.0.2.7',
                  created: new Date(fleet.began).toISOString(),
                  expires: new Date(Date.now() + 3_600_000).toISOString(),
                  own: false,
                },
              ],
            };
      case '/audit':
        return this.me.scope !== 'admin'
          ? 403
          : {
              items: [
                ['actOnDevices', 'hull-pump-0007', 200],
                ['acknowledge', '4', 200],
                ['putRule', 'device_hot', 200],
                ['createToken', '', 403],
              ].map(([operation, target, status], at) => ({
                seq: 90 - at,
                at: new Date(Date.now() - at * 412_000).toISOString(),
                who: 'ops',
                token: 't1',
                session: null,
                from: '127.0.0.1',
                operation,
                target,
                status,
                unwritten: 0,
                request: `r${at}`,
              })),
              next: null,
            };
    }
    if (device) {
      switch (more) {
        case undefined:
          return device_of(device);
        case 'telemetry':
          return device.health === 'never_seen'
            ? { step_s: 10, t: [], mean: {}, max: {} }
            : telemetry_of(device, from, to, step);
        case 'sessions':
          return sessions_of(device);
        case 'tasks':
          return path.endsWith('/offloaded') ? page(fleet.tasks.filter((one) => one.device === id)) : undefined;
        case 'events':
          return page(fleet.events.map((event) => ({ ...event, device: id })));
        case 'losses':
          return losses_of(device);
      }
    }
    if (top === 'tasks' && id === 'offloaded') return fleet.tasks.find((one) => one.id === more);
    if (task) return more === 'trace' ? trace_of(task) : more === 'placement' ? placement_of(task) : undefined;
    return undefined;
  }

  write(request, path, top, id, more, body, response) {
    if (request.headers['x-csrf-token'] !== this.me.csrf)
      return this.problem(response, 403, 'The X-CSRF-Token header is missing.');
    this.writes.push({ method: request.method, path, body });
    const { fleet } = this,
      alert = fleet.alerts.find((one) => String(one.id) === id);
    if (path === '/devices/actions') {
      const { action, select, dry_run } = body;
      const some = select.ids
        ? select.ids.map((one) => fleet.by_id.get(one))
        : fleet.matching(new URLSearchParams(Object.entries(select).map(([key, value]) => [key, String(value)])));
      const changed = dry_run
        ? []
        : some.map((device) => fleet.change(device.id, action === 'quarantine' ? 'quarantined' : 'operational'));
      if (changed.length) this.tell({ devices: changed });
      return this.json(response, 200, { matched: some.length, changed: changed.length, failed: 0, dry_run: !!dry_run });
    }
    const [status, dispatched] = this.dispatched.write(path, top, id, more, body) ?? [];
    if (status)
      return status === 409
        ? this.problem(response, 409, 'It has ended otherwise.')
        : this.json(response, status, dispatched);
    if (top === 'alerts' && more === 'acknowledge' && alert) {
      Object.assign(alert, { acknowledged_by: this.me.name, note: body.note ?? '' });
      this.tell({ alerts: [alert] });
      return this.json(response, 200, alert);
    }
    if (path === '/alerts/silences') {
      for (const one of fleet.alerts)
        if (one.rule === body.rule && (!body.device || one.device === body.device))
          one.silenced_until = new Date(Date.now() + body.for_s * 1000).toISOString();
      return this.json(response, 201, {
        id: 9,
        rule: body.rule,
        device: body.device ?? '',
        group: '',
        until: new Date(Date.now() + body.for_s * 1000).toISOString(),
        by: 'ops',
        note: '',
      });
    }
    if (path.startsWith('/alerts/rules/')) {
      const rule = this.rules.find((one) => one.id === more) ?? { id: more };
      if (request.method === 'DELETE') this.rules = this.rules.filter((one) => one !== rule);
      else if (!this.rules.includes(rule)) this.rules.push(rule);
      return this.json(response, 200, Object.assign(rule, body));
    }
    if (path === '/tokens')
      return body.name === 'taken'
        ? this.problem(response, 409, 'There is a token of this name.')
        : this.json(response, 201, {
            id: 't9',
            name: body.name,
            scope: body.scope,
            created: new Date().toISOString(),
            expires: null,
            last_used: null,
            secret: 'spw_4fQ2-secret',
          });
    if (request.method === 'DELETE') return void response.writeHead(204).end();
    return this.problem(response, 404, `There is no ${path}.`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [dist, devices = '1000', port = '0'] = process.argv.slice(2);
  const cloud = await new MockCloud({ dist, devices: Number(devices) }).start(Number(port));
  console.log(cloud.url);
}
