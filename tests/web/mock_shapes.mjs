// The mock's answers against openapi.json, to which the contract's tests hold the real server: no
// answer has a field, a type or a word that the server does not send, and none lacks one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MockCloud } from './mock/server.mjs';

const api = JSON.parse(readFileSync(process.env.OPENAPI, 'utf8'));
const resolve = (schema) =>
  schema.$ref
    ? resolve(
        schema.$ref
          .slice(2)
          .split('/')
          .reduce((at, key) => at[key], api),
      )
    : schema;

const is = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  array: Array.isArray,
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

// What is wrong with `value`, each with its place.
export function wrong(value, raw, at = '') {
  const schema = resolve(raw),
    types = [schema.type ?? []].flat();
  if (schema.oneOf) {
    const tries = schema.oneOf.map((one) => wrong(value, one, at));
    return tries.some((found) => found.length === 0)
      ? []
      : tries.reduce((best, found) => (found.length < best.length ? found : best));
  }
  if (types.length && !types.some((type) => is[type](value)))
    return [`${at}: ${JSON.stringify(value)} is no ${types.join(' or ')}`];
  const found = [];
  if (schema.enum && !schema.enum.includes(value))
    found.push(`${at}: ${JSON.stringify(value)} is none of ${schema.enum.join(', ')}`);
  if (schema.pattern && typeof value === 'string' && !new RegExp(schema.pattern).test(value))
    found.push(`${at}: ${value} does not match ${schema.pattern}`);
  if (schema.format === 'date-time' && typeof value === 'string' && Number.isNaN(Date.parse(value)))
    found.push(`${at}: ${value} is no time`);
  if (schema.minimum !== undefined && value < schema.minimum) found.push(`${at}: ${value} is too small`);
  if (is.array(value))
    return found.concat(
      value.flatMap((one, index) => (schema.items ? wrong(one, schema.items, `${at}[${index}]`) : [])),
    );
  if (!is.object(value)) return found;
  for (const name of schema.required ?? []) if (!(name in value)) found.push(`${at}.${name} is missing`);
  for (const [name, one] of Object.entries(value)) {
    const inner = schema.properties?.[name] ?? schema.additionalProperties;
    if (inner === false) found.push(`${at}.${name} is nothing that the server sends`);
    else if (inner && inner !== true) found.push(...wrong(one, inner, `${at}.${name}`));
  }
  return found;
}

const answered = (operation, status) => operation.responses[status]?.content?.['application/json']?.schema;

test('the checker finds what is missing, what is too much and what is of another kind', () => {
  const trace = { task: '0', trace: '0'.repeat(32), began: '2026-01-01T00:00:00Z', skew_s: 0, missing: '', spans: [] },
    schema = { $ref: '#/components/schemas/Trace' };
  assert.deepEqual(wrong(trace, schema), []);
  assert.equal(wrong({ ...trace, hops: 3 }, schema).length, 1);
  assert.equal(wrong({ ...trace, skew_s: '0' }, schema).length, 1);
  const { spans: _, ...less } = trace;
  assert.equal(wrong(less, schema).length, 1);
});

test('every answer of the mock has the shape of the real one', async () => {
  const cloud = await new MockCloud({ dist: process.env.WEB_DIST, devices: 60 }).start();
  try {
    const of = {
      device: cloud.fleet.devices.map((one) => one.id),
      task: cloud.fleet.tasks.slice(0, 40).map((one) => one.id),
      alert: ['1'],
      rule: ['device_hot'],
    };
    const said = await (await fetch(`${cloud.url}/api/v1/tasks/dispatched`)).json(),
      groups = await (await fetch(`${cloud.url}/api/v1/task-groups`)).json();
    const dispatched = said.items.map((one) => one.id),
      group = groups.items.map((one) => one.id);
    const found = new Set();
    let looked = 0;
    for (const [path, item] of Object.entries(api.paths)) {
      const schema = item.get && answered(item.get, 200);
      if (!schema || path === '/stream' || path.endsWith('z') || path === '/metrics') continue;
      const name = /\{(\w+)\}/.exec(path)?.[1];
      for (const id of name
        ? path.startsWith('/tasks/dispatched')
          ? dispatched
          : name === 'group'
            ? group
            : of[name]
        : ['']) {
        const response = await fetch(`${cloud.url}/api/v1${path.replace(`{${name}}`, id)}`);
        if (response.status !== 200) found.add(`the mock does not know ${path}`);
        else for (const one of wrong(await response.json(), schema, path)) found.add(one.replace(/\[\d+\]/g, '[]'));
        ++looked;
      }
    }
    assert.deepEqual([...found].slice(0, 20), []);
    assert.ok(looked > 100, `${looked} answers`);
  } finally {
    await cloud.stop();
  }
});

test('the mock names the files of its page relative to where that lies, as the real one does', async () => {
  const cloud = await new MockCloud({ dist: process.env.WEB_DIST, devices: 1 }).start();
  try {
    for (const [path, up] of [
      ['/', ''],
      ['/devices', ''],
      ['/devices/pump-1', '../'],
      ['/tasks/dispatched/x', '../../'],
    ]) {
      const named = [...(await (await fetch(cloud.url + path)).text()).matchAll(/="([^"]*)assets\//g)].map(
        ([, before]) => before,
      );
      assert.ok(named.length > 0, path);
      assert.deepEqual([...new Set(named)], [up], path);
    }
  } finally {
    await cloud.stop();
  }
});

test('every event of the mock has the shape of the real one', async () => {
  const cloud = await new MockCloud({ dist: process.env.WEB_DIST, devices: 60, beat_ms: 20 }).start();
  try {
    const stream = await fetch(`${cloud.url}/api/v1/stream`),
      seen = new Set();
    let text = '';
    for await (const chunk of stream.body) {
      text += Buffer.from(chunk).toString();
      const whole = text.split('\n\n');
      text = whole.pop();
      for (const event of whole) {
        const kind = /^event: (\w+)$/m.exec(event)[1],
          data = JSON.parse(/^data: (.*)$/m.exec(event)[1]);
        assert.deepEqual(
          wrong(data, { $ref: `#/components/schemas/Stream${kind[0].toUpperCase()}${kind.slice(1)}` }, kind),
          [],
        );
        seen.add(kind);
      }
      if (seen.size === 2) break;
    }
    assert.deepEqual([...seen].sort(), ['delta', 'snapshot']);
  } finally {
    await cloud.stop();
  }
});
