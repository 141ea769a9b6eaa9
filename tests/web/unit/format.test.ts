import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, bytes, compact, count, duration, plural, rate, ratio } from '../../../cloud/web/src/format';

// Spaces are of several kinds in the output; their kind is not what is tested.
const plain = (text: string): string => text.replace(/[\u202f\u00a0]/g, ' ');

test('durations take the unit in which they are three digits at most', () => {
  const expected: [number, string][] = [
    [0, '0 s'],
    [0.00000042, '0.42 µs'],
    [0.00082, '820 µs'],
    [0.0128, '12.8 ms'],
    [0.9996, '1 s'],
    [3.456, '3.46 s'],
    [59.96, '1 min'],
    [125, '2 min 5 s'],
    [3600, '1 h'],
    [7500, '2 h 5 min'],
    [51_000, '14 h'],
    [90_000, '1 d 1 h'],
    [-2, '−2 s'],
  ];
  for (const [seconds, text] of expected) assert.equal(plain(duration(seconds)), text);
});

test('what is not known is a dash, not a zero', () => {
  for (const format of [count, compact, rate, ratio, duration, bytes]) {
    assert.equal(format(null), '–');
    assert.equal(format(undefined), '–');
  }
});

test('counts shorten only when they would not fit, and never to four digits', () => {
  assert.equal(plain(compact(9999)), '9 999');
  assert.equal(plain(compact(12_400)), '12.4 k');
  assert.equal(plain(compact(999_499)), '999 k');
  assert.equal(plain(compact(999_500)), '1 M');
  assert.equal(plain(compact(1_240_000_000)), '1.24 G');
});

test('a share that is almost all or almost nothing never reads as all or nothing', () => {
  assert.equal(plain(ratio(1)), '100 %');
  assert.equal(plain(ratio(0)), '0 %');
  assert.equal(plain(ratio(0.99999)), '> 99.9 %');
  assert.equal(plain(ratio(0.0004)), '< 0.1 %');
  assert.equal(plain(ratio(0.3249)), '32 %');
});

test('sizes are binary and named so', () => {
  assert.equal(plain(bytes(0)), '0 B');
  assert.equal(plain(bytes(1023.6)), '1 KiB');
  assert.equal(plain(bytes(1_021_313_024)), '974 MiB');
});

test('an instant that our clock has not reached yet is now', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(ago('2026-01-01T00:00:05Z', now), 'now');
  assert.equal(plain(ago('2025-12-31T23:58:20Z', now)), '2 min ago');
  assert.equal(ago(null, now), 'never');
});

test('one is not plural', () => {
  assert.equal(plural(1, 'device'), '1 device');
  assert.equal(plural(0, 'device'), '0 devices');
});
