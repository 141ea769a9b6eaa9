import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut_axis } from '../../../cloud/web/src/charts/gaps';
import { cell_size, decades, outages, stack, summarize } from '../../../cloud/web/src/charts/series';

test('a stack adds up, and is a gap only where all of its series are', () => {
  assert.deepEqual(
    stack([
      [1, null, null],
      [2, 3, null],
    ]),
    [
      [1, null, null],
      [3, 3, null],
    ],
  );
});

test('an outage begins and ends where few are online, however short', () => {
  const t = [0, 10, 20, 30, 40],
    shades = outages(t, [100, 60, 50, 100, 99]);
  assert.deepEqual(shades, [{ from: 10, to: 30, share: 0.5 }]);
});

test('nobody online and nothing known are no outages', () => {
  assert.deepEqual(outages([0, 10], [0, 0]), []);
  assert.deepEqual(outages([0, 10], [null, null]), []);
  assert.deepEqual(outages([], []), []);
});

test('a summary of nothing says nothing', () => {
  assert.deepEqual(summarize([null, null]), { last: null, low: null, high: null });
  assert.deepEqual(summarize([3, null, 1, null]), { last: 1, low: 1, high: 3 });
});

test('every value falls into exactly one bin, the largest into the last', () => {
  const values = [0, 0.0009, 0.001, 0.5, 2, 1e6],
    bins = decades(values, 0.001, 30);
  assert.equal(
    bins.reduce((sum, bin) => sum + bin.count, 0),
    values.length,
  );
  assert.equal(bins[0]!.count, 2);
  assert.equal(bins.at(-1)!.count, 1);
  for (let at = 1; at < bins.length; ++at) assert.equal(bins[at]!.from, bins[at - 1]!.to);
});

test('as many cells fit as there are devices, unless a pixel each is too much', () => {
  for (const n of [1, 10, 999, 10_000, 100_000]) {
    const size = cell_size(n, 714, 600, 26);
    assert.ok(Math.floor(714 / size) * Math.floor(600 / size) >= n, `${n} at ${size}`);
  }
  assert.equal(cell_size(10_000_000, 714, 600, 26), 1);
});

test('an even axis is not cut', () => {
  const { stretches, at } = cut_axis([0, 1, 2, 3, 4]);
  assert.ok(stretches.every(({ cut }) => !cut));
  assert.equal(at(2), 0.5);
});

test('a night of waiting is cut, and what lies around it stays in order and in sight', () => {
  const { stretches, at } = cut_axis([0, 0.01, 0.02, 28_800, 28_800.05, 28_800.1]);
  assert.deepEqual(
    stretches.map(({ cut }) => cut),
    [false, false, true, false, false],
  );
  assert.ok(at(28_800.1) - at(28_800) > 0.05);
  for (const [earlier, later] of [
    [0, 0.01],
    [0.01, 0.02],
    [0.02, 100],
    [100, 28_000],
    [28_000, 28_800.05],
  ] as const)
    assert.ok(at(earlier) < at(later));
});

test('a place on the axis tells the time that is drawn there', () => {
  const { at, time } = cut_axis([0, 0.01, 0.02, 28_800, 28_800.05]);
  for (const moment of [0, 0.015, 1000, 28_800.02, 28_800.05])
    assert.ok(Math.abs(time(at(moment)) - moment) < 1e-6, `${moment}`);
});

test('an axis of a single instant or of none still has a length', () => {
  for (const edges of [[], [5], [5, 5]]) {
    const { at } = cut_axis(edges);
    assert.ok(at(1e9) === 1 && at(-1e9) === 0);
  }
});
