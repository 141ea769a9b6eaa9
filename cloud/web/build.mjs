// Bundles the dashboard and writes it as C++: node build.mjs MODULES OPENAPI.json OUT [ASSETS.cpp]
// MODULES is the node_modules folder, OPENAPI.json the API's description; OUT receives the files as a server would send them.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { device_metrics } from './device_metrics.mjs';
import { lean_uplot } from './lean_uplot.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [modules, openapi, out, assetsFile] = process.argv.slice(2).map((path) => resolve(path));
const load = createRequire(join(modules, 'x.js'));
const esbuild = load('esbuild'),
  terser = load('terser');

const kScriptBudget = 60_000; // bytes of script, after gzip

const common = {
  bundle: true,
  write: false,
  format: 'iife',
  target: 'es2022',
  legalComments: 'none',
  plugins: [lean_uplot],
  nodePaths: [modules],
  jsx: 'automatic',
  jsxImportSource: 'preact',
};
// Terser makes 4 % less of it than esbuild, after gzip.
const small = async (text) =>
  (await terser.minify(text, { ecma: 2020, toplevel: true, compress: { passes: 3 }, format: { comments: false } }))
    .code;
const bundle = async (entry, options = {}) => {
  const result = await esbuild.build({ ...common, ...options, entryPoints: [join(here, 'src', entry)], outdir: out });
  const files = Object.fromEntries(result.outputFiles.map((file) => [file.path.split('.').pop(), file]));
  return {
    js: Buffer.from(await small(files.js.text)),
    ...(files.css && {
      css: Buffer.from((await esbuild.transform(files.css.text, { loader: 'css', minify: true })).code),
    }),
  };
};

const files = [];
const add = (name, type, bytes) => {
  const hash = createHash('sha256').update(bytes).digest('hex');
  const dot = name.lastIndexOf('.');
  const path = name === 'index.html' ? '/' : `/assets/${name.slice(0, dot)}-${hash.slice(0, 10)}${name.slice(dot)}`;
  files.push({ path, type, bytes, etag: hash.slice(0, 20) });
  return path;
};

const worker = add('worker.js', 'text/javascript; charset=utf-8', (await bundle('live/worker.ts')).js);
const main = await bundle('main.tsx', {
  define: { WORKER_URL: JSON.stringify(worker), DEVICE_METRICS: JSON.stringify(device_metrics(openapi)) },
});
const script = add('app.js', 'text/javascript; charset=utf-8', main.js);
const style = add('app.css', 'text/css; charset=utf-8', main.css);
const theme = add('theme.js', 'text/javascript; charset=utf-8', (await bundle('theme_early.ts')).js);
const icon = add('icon.svg', 'image/svg+xml', readFileSync(join(here, 'src/icon.svg')));
const page = readFileSync(join(here, 'src/index.html'), 'utf8')
  .replace('{{icon}}', icon)
  .replace('{{style}}', style)
  .replace('{{theme}}', theme)
  .replace('{{script}}', script);
add('index.html', 'text/html; charset=utf-8', Buffer.from(page));

for (const file of files) {
  file.gzip = gzipSync(file.bytes, { level: 9 });
  file.br = brotliCompressSync(file.bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
}
const weight = files
  .filter((file) => file.type.startsWith('text/javascript'))
  .reduce((sum, file) => sum + file.gzip.length, 0);
console.log(`dashboard: ${weight} bytes of script after gzip, of ${kScriptBudget}`);
if (weight > kScriptBudget) {
  console.error('dashboard: over the budget; see which module weighs what with esbuild --analyze');
  process.exit(1);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, 'assets'), { recursive: true });
for (const file of files) writeFileSync(join(out, file.path === '/' ? 'index.html' : file.path), file.bytes);
writeFileSync(join(out, 'files.json'), JSON.stringify(files.map(({ path, type, etag }) => ({ path, type, etag }))));
if (assetsFile) {
  const { source } = await import('./assets_source.mjs');
  writeFileSync(assetsFile, source(files));
}
