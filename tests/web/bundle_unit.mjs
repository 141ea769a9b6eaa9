// Bundles the unit tests, which import the dashboard's sources: node bundle_unit.mjs MODULES OPENAPI.json OUT.mjs
import { createRequire } from 'node:module';
import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { device_metrics } from '../../cloud/web/device_metrics.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'unit');
const [modules, openapi, outfile] = process.argv.slice(2).map((path) => resolve(path));
const esbuild = createRequire(join(modules, 'x.js'))('esbuild');
await esbuild.build({
  stdin: {
    contents: readdirSync(folder)
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `import './${name}';`)
      .join('\n'),
    resolveDir: folder,
  },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node18',
  sourcemap: 'inline',
  nodePaths: [modules],
  define: { DEVICE_METRICS: JSON.stringify(device_metrics(openapi)) },
  outfile,
});
