import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub, type Message, type Source, type World } from '../../../cloud/web/src/live/hub';

// A world in which time passes when it is told to and every stream opened can be spoken through.
class FakeSource implements Source {
  closed = false;
  private listeners = new Map<string, (event: { data: string; lastEventId: string }) => void>();
  constructor(readonly url: string) {}
  addEventListener(type: string, listener: (event: { data: string; lastEventId: string }) => void): void {
    this.listeners.set(type, listener);
  }
  close(): void {
    this.closed = true;
  }
  say(type: string, body: unknown, id = ''): void {
    this.listeners.get(type)!({ data: JSON.stringify(body), lastEventId: id });
  }
  say_text(type: string, data: string): void {
    this.listeners.get(type)!({ data, lastEventId: '' });
  }
  fail(): void {
    this.listeners.get('error')!({ data: '', lastEventId: '' });
  }
}
class FakeWorld implements World {
  time = 1000;
  drawn = 0.5;
  sources: FakeSource[] = [];
  private timers: { at: number; then: () => void }[] = [];
  open(url: string): Source {
    const source = new FakeSource(url);
    this.sources.push(source);
    return source;
  }
  now(): number {
    return this.time;
  }
  random(): number {
    return this.drawn;
  }
  later(ms: number, then: () => void): () => void {
    const timer = { at: this.time + ms, then };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }
  pass(ms: number): void {
    this.time += ms;
    const due = this.timers.filter((timer) => timer.at <= this.time);
    this.timers = this.timers.filter((timer) => timer.at > this.time);
    for (const timer of due) timer.then();
  }
  get newest(): FakeSource {
    return this.sources.at(-1)!;
  }
}

const summary = (devices: number) => ({ devices, at: '' });
const alert = (id: number, firing: boolean) => ({ id, firing });
function joined(world = new FakeWorld()) {
  const hub = new Hub('/stream', world),
    heard: Message[] = [];
  const leave = hub.join((message) => heard.push(message));
  return { world, hub, heard, leave };
}
const last = (heard: Message[]): Message => heard.at(-1)!;

test('one stream serves all pages, and a page that comes later is told what is known', () => {
  const { world, hub } = joined();
  world.newest.say(
    'snapshot',
    { summary: summary(1), events: [{ id: 2 }, { id: 1 }], alerts: [alert(1, true)], tasks: [] },
    '7',
  );
  world.newest.say(
    'delta',
    { summary: summary(3), events: [{ id: 3 }], alerts: [alert(1, false), alert(2, true)] },
    '8',
  );
  const later: Message[] = [];
  hub.join((message) => later.push(message));
  assert.equal(world.sources.length, 1);
  assert.deepEqual(
    later.map((message) => message.what),
    ['link', 'snapshot'],
  );
  const told = later[1] as unknown as {
    summary: { devices: number };
    events: { id: number }[];
    alerts: { id: number }[];
  };
  assert.equal(told.summary.devices, 3);
  assert.deepEqual(
    told.events.map(({ id }) => id),
    [3, 2, 1],
  );
  assert.deepEqual(
    told.alerts.map(({ id }) => id),
    [2],
  );
});

test('a lost stream is opened again where it stopped, later each time, at most half a minute', () => {
  const { world, heard } = joined();
  world.newest.say('snapshot', { summary: summary(1), events: [], alerts: [], tasks: [] }, 'a7');
  world.drawn = 1;
  const waits: number[] = [];
  for (let i = 0; i < 8; ++i) {
    world.newest.fail();
    const link = (last(heard) as { link: { state: string; retry_at: number } }).link;
    assert.equal(link.state, 'lost');
    waits.push(link.retry_at - world.time);
    world.pass(waits.at(-1)!);
  }
  assert.equal(world.newest.url, '/stream?last_event_id=a7');
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test('the wait is drawn at random, so that a thousand browsers do not come back at once', () => {
  const { world, heard } = joined();
  for (const [drawn, wait] of [
    [0.3, 300],
    [0.9, 1800],
  ] as const) {
    world.drawn = drawn;
    world.newest.fail();
    assert.equal((last(heard) as { link: { retry_at: number } }).link.retry_at - world.time, wait);
    world.pass(wait);
  }
});

test('how long it has been gone counts from the first loss, not from the last try', () => {
  const { world, heard } = joined();
  world.newest.fail();
  const since = world.time;
  world.pass(5000);
  world.newest.fail();
  assert.equal((last(heard) as { link: { since: number } }).link.since, since);
});

test('silence opens the stream anew without alarming anybody', () => {
  const { world, heard } = joined();
  world.newest.say('snapshot', { summary: summary(1), events: [], alerts: [], tasks: [] }, '5');
  const before = heard.length;
  world.pass(46_000);
  assert.equal(world.sources.length, 2);
  assert.equal(world.sources[0]!.closed, true);
  assert.equal(world.newest.url, '/stream?last_event_id=5');
  assert.equal(heard.length, before);
});

test('after a resync it does not resume at a position that is gone', () => {
  const { world, heard } = joined();
  world.newest.say('snapshot', { summary: summary(1), events: [], alerts: [], tasks: [] }, '5');
  world.newest.say('resync', { reason: 'slow' });
  assert.equal(last(heard).what, 'resync');
  world.newest.fail();
  world.pass(60_000);
  assert.equal(world.newest.url, '/stream');
});

test('a line that is no JSON is passed over', () => {
  const { world, heard } = joined();
  world.newest.say_text('delta', '<html>bad gateway');
  assert.deepEqual(
    heard.map((message) => message.what),
    ['link'],
  );
  world.newest.say('delta', { summary: summary(2) });
  assert.equal(last(heard).what, 'delta');
});

test('a stream that was closed is not heard any more', () => {
  const { world, heard } = joined();
  const old = world.newest;
  old.fail();
  world.pass(60_000);
  const before = heard.length;
  old.say('delta', { summary: summary(2) });
  assert.equal(heard.length, before);
});

test('try now does not wait, and does nothing to a stream that lives', () => {
  const { world, hub } = joined();
  world.newest.fail();
  hub.retry();
  assert.equal(world.sources.length, 2);
  world.newest.say('snapshot', { summary: summary(1), events: [], alerts: [], tasks: [] });
  hub.retry();
  assert.equal(world.sources.length, 2);
});

test('the stream is closed when the last page leaves', () => {
  const { world, leave } = joined();
  leave();
  assert.equal(world.newest.closed, true);
});
