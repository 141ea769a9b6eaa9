// Type-checks the dashboard against the API's description: node check.mjs MODULES OPENAPI.json FOLDER
// FOLDER receives the generated types and the configuration that finds everything.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const [modules, openapi, folder] = process.argv.slice(2).map((path) => resolve(path));
mkdirSync(folder, { recursive: true });
execFileSync(process.execPath, [join(here, 'types_from_openapi.mjs'), openapi, join(folder, 'api_types.ts')], {
  stdio: 'inherit',
});
writeFileSync(
  join(folder, 'tsconfig.json'),
  JSON.stringify({
    extends: join(here, 'tsconfig.json'),
    compilerOptions: {
      paths: {
        'api-types': [join(folder, 'api_types.ts')],
        '*.css': [join(folder, 'css.d.ts')],
        '*': [join(modules, '*')],
      },
    },
    include: [join(here, 'src'), join(folder, '*.d.ts')],
  }),
);
writeFileSync(join(folder, 'css.d.ts'), 'export {};\n');
try {
  execFileSync(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', join(folder, 'tsconfig.json')], {
    stdio: 'inherit',
  });
} catch {
  process.exit(1);
}
