import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { with_params } from '../../../cloud/web/src/api/client_params';
import { TaskFlow } from '../../../cloud/web/src/live/task_flow';
import { metric_columns } from '../../../cloud/web/src/pages/device_metrics';
import { filter_of, is_filtered, is_narrowed, next_sort, toggled } from '../../../cloud/web/src/pages/device_query';
import { because, told } from '../../../cloud/web/src/pages/told';

const device = (metrics: Record<string, number>, row: Record<string, number | null> = {}) =>
  ({ metrics, ...row }) as unknown as Parameters<typeof told>[0];
const task = (id: string, state = 'running') => ({ id, state }) as unknown as Parameters<TaskFlow['take']>[0][number];
const ids = (flow: TaskFlow): string[] => flow.shown.map(({ id }) => id);

test('a view comes back from its address', () => {
  const filter = filter_of(new URLSearchParams('q=pump&health=degraded,disconnected&label=site%3Dhull&sort=-backlog'));
  assert.deepEqual(filter, {
    q: 'pump',
    health: ['degraded', 'disconnected'],
    reason: [],
    group: '',
    kind: '',
    label: 'site=hull',
    version: '',
    sort: '-backlog',
  });
  assert.ok(is_filtered(filter) && is_narrowed(filter));
  assert.ok(!is_filtered(filter_of(new URLSearchParams('sort=-rtt'))));
  assert.ok(!is_narrowed(filter_of(new URLSearchParams('health=degraded'))));
});

test('a second press turns a column round, and another column begins with its worst', () => {
  assert.equal(next_sort('name', 'backlog', '-backlog'), '-backlog');
  assert.equal(next_sort('-backlog', 'backlog', '-backlog'), 'backlog');
  assert.equal(next_sort('backlog', 'backlog', '-backlog'), '-backlog');
  assert.equal(next_sort('backlog', 'name', 'name'), 'name');
});

test('a chip that is pressed twice is as before', () => {
  assert.deepEqual(toggled(toggled(['a'], 'b'), 'b'), ['a']);
});

test('parameters that say nothing are left out, and what is odd is escaped', () => {
  assert.equal(with_params('/devices', { q: '', health: [], label: undefined, limit: 5 }), '/devices?limit=5');
  assert.equal(with_params('/devices', { q: 'a&b=c', health: ['x', 'y'] }), '/devices?q=a%26b%3Dc&health=x,y');
});

test('a device that cannot tell is told apart from one that has none', () => {
  const silent = told(device({})),
    empty = told(device({ disk_free: 0, disk_total: 10, store_bytes: 0 }));
  assert.equal(silent.store, null);
  assert.equal(silent.disk, null);
  assert.equal(silent.offloaded, null);
  assert.equal(empty.disk, 0);
  assert.equal(empty.store, 0);
});

test('telemetry comes in the units of the page', () => {
  const tel = told(device({ clock_error_us: 23_400, done_local: 3, done_cloud: 1, link_type: 99 }));
  assert.deepEqual([tel.clock_error_s, tel.offloaded, tel.link], [0.0234, 0.25, 'unknown']);
});

test('the list has a column for each metric that the interface describes, but for those of wide lists', () => {
  interface Described {
    title: string;
    'x-sort'?: string;
    'x-wide'?: boolean;
  }
  const api = JSON.parse(readFileSync(process.env.OPENAPI!, 'utf8')),
    described = Object.entries<Described>(api.components.schemas.DeviceRow.properties);
  const listed = described.filter(([, told]) => told['x-sort'] && !told['x-wide']);
  assert.ok(listed.length > 0 && listed.length < described.length);
  assert.deepEqual(
    metric_columns.map(({ title, first }) => [title, first]),
    listed.map(([, told]) => [told.title, told['x-sort']]),
  );
  const told = Object.fromEntries(listed.map(([field]) => [field, 0.5])),
    unit: [RegExp, string][] = [
      [/_ratio$/, '50\u00a0%'],
      [/_s$/, '500\u00a0ms'],
      [/_bytes$/, '0.5\u00a0B'],
      [/_celsius$/, '1\u00a0°C'],
    ];
  listed.forEach(([field], at) => {
    const said = unit.find(([ending]) => ending.test(field))?.[1] ?? '1';
    assert.equal(metric_columns[at]!.cell(device({}, told)), said, field);
    assert.equal(metric_columns[at]!.cell(device({}, { [field]: null })), '–', field);
  });
});

test('every reason has words, also for a device that told nothing', () => {
  const silent = device({}),
    tel = told(silent);
  for (const reason of [
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
  ] as const) {
    assert.equal(typeof because(reason, silent, tel), 'string');
    assert.ok(!/NaN|undefined|null/.test(because(reason, silent, tel)), reason);
  }
});

test('new tasks come first, and a task that is shown changes where it is', () => {
  const flow = new TaskFlow(10, () => true);
  flow.start([task('2'), task('1')]);
  flow.take([task('3'), task('1', 'done')]);
  assert.deepEqual(ids(flow), ['3', '2', '1']);
  assert.equal(flow.shown[2]!.state, 'done');
});

test('while it is held nothing moves, and what came is counted and shown afterwards', () => {
  const flow = new TaskFlow(10, () => true);
  flow.start([task('1')]);
  flow.hold(true);
  flow.take([task('2'), task('3')]);
  assert.deepEqual(ids(flow), ['1']);
  assert.equal(flow.waiting_count, 2);
  flow.hold(false);
  assert.deepEqual(ids(flow), ['3', '2', '1']);
  assert.equal(flow.waiting_count, 0);
});

test('held for an hour it keeps no more than it can show', () => {
  const flow = new TaskFlow(5, () => true);
  flow.hold(true);
  for (let i = 0; i < 1000; ++i) flow.take([task(String(i))]);
  assert.equal(flow.waiting_count, 5);
  flow.hold(false);
  assert.deepEqual(ids(flow), ['999', '998', '997', '996', '995']);
});

test('a task that no longer fits the filter leaves', () => {
  const flow = new TaskFlow(5, ({ state }) => state === 'running');
  flow.start([task('1')]);
  flow.take([task('1', 'done')]);
  assert.deepEqual(ids(flow), []);
});
