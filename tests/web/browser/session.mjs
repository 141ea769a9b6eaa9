// A real Chromium on loopback, and a cloud from a seed for each test.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { MockCloud } from '../mock/server.mjs';

const { WEB_TEST_MODULES: modules, WEB_DIST: dist, WEB_SHOTS: shots, CHROMIUM: chromium } = process.env;
const require = createRequire(join(modules, 'x.js'));
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(shots, { recursive: true });

export const kPatience = 30_000; // ms; a loaded machine is slow, not wrong

let running = null;
// Started with an empty profile, which goes with it.
export async function browser() {
  return (running ??= await require('playwright-core').chromium.launch({
    executablePath: chromium,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  }));
}
export const close = async () => {
  await running?.close();
};

// Calls work(page, cloud); afterwards nothing may have gone wrong in the page that work did not expect.
export async function visit(options, work) {
  const {
    path = '/',
    devices = 200,
    width = 1440,
    height = 900,
    dark = false,
    reduced = false,
    expect_errors = false,
    prepare = () => {},
    script,
  } = options;
  const cloud = await new MockCloud({ dist, devices }).start();
  await prepare(cloud);
  // A context of its own: cookies, storage and the SharedWorker are not those of another test.
  const context = await (await browser()).newContext({ viewport: { width, height } });
  const page = await context.newPage();
  const wrong = [];
  page.setDefaultTimeout(kPatience);
  page.on('pageerror', (error) => wrong.push(error.stack));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expect_errors) wrong.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(cloud.url) && !request.url().startsWith('data:'))
      wrong.push(`asked for ${request.url()}`);
  });
  try {
    await page.emulateMedia({
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: reduced ? 'reduce' : 'no-preference',
    });
    if (script) await page.addInitScript(script);
    await page.goto(cloud.url + path);
    await work(page, cloud);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
    await cloud.stop();
  }
}

export const shoot = (page, name, options = {}) =>
  page.screenshot({ path: join(shots, `${name}.png`), animations: 'disabled', ...options });

// WCAG 2.2 AA and axe's own good practice; nothing serious or critical.
export async function check_accessible(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  const grave = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.deepEqual(
    grave.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map((node) => node.html.slice(0, 160))
          .join(' | ')} ${nodes[0].failureSummary}`,
    ),
    [],
  );
}

export const sees = (page, text) => page.getByText(text).first().waitFor();
