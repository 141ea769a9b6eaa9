// Writes the TypeScript types of the API's schemas: node types_from_openapi.mjs OPENAPI.json OUT.ts
import { readFileSync, writeFileSync } from 'node:fs';

const [from, to] = process.argv.slice(2);
const schemas = JSON.parse(readFileSync(from, 'utf8')).components.schemas;
const name = (ref) => ref.split('/').pop();

function object(schema) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(
    ([key, value]) => `  ${JSON.stringify(key)}${required.has(key) ? '' : '?'}: ${type(value)};\n`,
  );
  const rest =
    typeof schema.additionalProperties === 'object' ? [`  [key: string]: ${type(schema.additionalProperties)};\n`] : [];
  return fields.length + rest.length ? `{\n${[...fields, ...rest].join('')}}` : '{}';
}

function type(schema) {
  if (schema === true || !schema) return 'unknown';
  if (schema.$ref) return name(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(type).join(' | ');
  if (schema.allOf) return schema.allOf.map(type).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.map((one) => type({ ...schema, type: one })).join(' | ');
  switch (schema.type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array':
      return `(${type(schema.items)})[]`;
    case 'object':
      return object(schema);
    default:
      return 'unknown';
  }
}

const lines = Object.entries(schemas).map(([key, schema]) => `export type ${key} = ${type(schema)};\n`);
writeFileSync(to, `// Generated from ${from.split('/').pop()}.\n${lines.join('\n')}`);
