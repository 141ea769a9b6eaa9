import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Paged, type Page } from '../../../cloud/web/src/api/paged';

// Answers when it is told to, in pages of ten.
function source(total: number) {
  const asked: (string | null)[] = [];
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  let stamp = 0;
  const load = (cursor: string | null): Promise<Page<string>> => {
    asked.push(cursor);
    const from = Number(cursor ?? 0),
      items = Array.from({ length: Math.min(10, total - from) }, (_, at) => `${from + at}.${stamp}`);
    return new Promise((resolve, reject) =>
      waiting.push({ resolve: () => resolve({ items, next: from + 10 < total ? String(from + 10) : null }), reject }),
    );
  };
  const settle = async (): Promise<void> => {
    await new Promise((done) => setImmediate(done));
  };
  const answer = async (): Promise<void> => {
    waiting.shift()!.resolve();
    await settle();
  };
  const fail = async (error: Error): Promise<void> => {
    waiting.shift()!.reject(error);
    await settle();
  };
  return {
    asked,
    load,
    settle,
    answer,
    fail,
    waiting,
    change: () => {
      ++stamp;
    },
  };
}

test('it reads as far as somebody looks and no further', async () => {
  const from = source(100),
    paged = new Paged(from.load, () => {});
  paged.need(15);
  await from.answer();
  await from.answer();
  assert.equal(from.waiting.length, 0);
  assert.deepEqual(from.asked, [null, '10']);
  assert.equal(paged.rows.length, 20);
});

test('it asks for one page at a time, however often it is asked', async () => {
  const from = source(100),
    paged = new Paged(from.load, () => {});
  for (let end = 1; end < 40; ++end) paged.need(end);
  assert.equal(from.waiting.length, 1);
  for (let i = 0; i < 4; ++i) await from.answer();
  assert.equal(paged.rows.length, 40);
});

test('at the end of the list it is done', async () => {
  const from = source(12),
    paged = new Paged(from.load, () => {});
  paged.need(1000);
  await from.answer();
  await from.answer();
  assert.equal(paged.done, true);
  assert.equal(paged.rows.length, 12);
});

test('a page with a cursor and no rows ends the list', async () => {
  const paged = new Paged<string>(
    () => Promise.resolve({ items: [], next: 'again' }),
    () => {},
  );
  paged.need(10);
  await new Promise((done) => setImmediate(done));
  assert.equal(paged.done, true);
});

test('after a failure it waits to be told', async () => {
  const from = source(100),
    paged = new Paged(from.load, () => {});
  paged.need(5);
  await from.fail(new Error('gone'));
  paged.need(8);
  assert.equal(from.waiting.length, 0);
  paged.retry();
  await from.settle();
  await from.answer();
  assert.equal(paged.error, null);
  assert.equal(paged.rows.length, 10);
});

test('renewing reads only the pages in sight, by the cursors they came with', async () => {
  const from = source(100),
    paged = new Paged(from.load, () => {});
  paged.need(40);
  for (let i = 0; i < 4; ++i) await from.answer();
  from.change();
  paged.renew(12, 28);
  await from.answer();
  await from.answer();
  assert.deepEqual(from.asked.slice(4), ['10', '20']);
  assert.equal(paged.rows[9], '9.0');
  assert.equal(paged.rows[10], '10.1');
  assert.equal(paged.rows[29], '29.1');
  assert.equal(paged.rows[30], '30.0');
});

test('what arrives after it was left changes nothing', async () => {
  let changes = 0;
  const from = source(100),
    paged = new Paged(from.load, () => {
      ++changes;
    });
  paged.need(5);
  paged.leave();
  await from.answer();
  assert.equal(paged.rows.length, 0);
  assert.equal(changes, 0);
});
