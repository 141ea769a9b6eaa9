// The real thing: the demo's agent, broker and cloud, and the link that the demo prints.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { behind } from './proxy.mjs';
import { promisify } from 'node:util';
import { browser, check_accessible, kPatience, sees, shoot } from './session.mjs';

const kDemo = 240_000; // ms; under sanitizers it takes its time

async function with_demo(work) {
  const demo = spawn(process.env.WEB_DEMO, ['--tasks', '60', '--cut', '0', '--keep'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const over = new Promise((done) => demo.on('exit', done));
  let said = '';
  for (const stream of [demo.stdout, demo.stderr])
    stream.on('data', (text) => {
      said += text;
    });
  try {
    const end = Date.now() + kDemo;
    let link;
    while (!(link = /http:\/\/127\.0\.0\.1:\d+\/login#code=\S+/.exec(said)?.[0])) {
      assert.ok(Date.now() < end && demo.exitCode === null, `no link: ${said}`);
      await new Promise((done) => setTimeout(done, 200));
    }
    await work(link, /SPILLWAY_SOCKET=(\S+)/.exec(said)[1]);
  } finally {
    demo.kill('SIGINT');
    await over;
  }
}

test('behind a proxy the link of the demo leads to its device, its tasks and its cloud, live and accessible', () =>
  with_demo(async (own) => {
    const proxy = await behind(new URL(own).origin, '/fleet');
    const link = proxy.origin + '/fleet' + own.slice(new URL(own).origin.length);
    const context = await (await browser()).newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage(),
      wrong = [],
      origin = `${proxy.origin}/fleet`;
    page.setDefaultTimeout(kPatience);
    page.on('pageerror', (error) => wrong.push(error.stack));
    page.on('console', (message) => {
      const about = message.location().url;
      if (message.type() === 'error' && !about.endsWith('/favicon.ico')) wrong.push(`${message.text()} ${about}`);
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(origin)) wrong.push(`asked for ${request.url()}`);
    });
    const look = async (name) => {
      await page.waitForTimeout(500);
      for (const theme of ['light', 'dark']) {
        // Without motion: half-way between two themes nothing has its contrast.
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        await check_accessible(page);
        await shoot(page, `real-${name}-${theme}`, { fullPage: true });
      }
    };
    try {
      await page.goto(link);
      await sees(page, '1 device, 1 connected');
      await sees(page, 'Live');
      assert.ok(!page.url().includes('code'));
      await look('fleet');

      await page.getByRole('link', { name: 'Devices' }).click();
      const device = page.locator('.vrow[data-row="0"] a');
      await device.waitFor();
      await look('devices');
      await device.click();
      await sees(page, /^as told/);
      await look('device');
      for (const [asked, done] of [
        ['Quarantine', 'is quarantined'],
        ['Release', 'is released'],
      ]) {
        await page.getByRole('button', { name: `${asked}…` }).click();
        await page.getByRole('button', { name: asked, exact: true }).click();
        await page.getByText(done).waitFor();
      }

      await page.getByRole('link', { name: 'Tasks' }).click();
      const task = page.locator('.stream tbody a').first();
      await task.waitFor();
      await sees(page, 'Answered');
      await look('tasks');
      await task.click();
      await page.locator('.wf-bar').first().waitFor();
      await look('task');

      await page.getByRole('link', { name: 'Alerts' }).click();
      await page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
      await look('alerts');
      await page.goto(`${origin}/alerts?view=rules`);
      await page.getByRole('switch').first().waitFor();
      await look('alerts-rules');

      await page.getByRole('link', { name: 'Cloud', exact: true }).click();
      await sees(page, 'Connected');
      await look('cloud');
      assert.deepEqual(wrong, []);
      assert.deepEqual(
        proxy.strays.filter((url) => url !== '/favicon.ico'),
        [],
      );
    } finally {
      await context.close();
      await proxy.stop();
    }
  }));

test('a device is quarantined by a button, its work refused, and released again', () =>
  with_demo(async (link, socket) => {
    const context = await (await browser()).newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage(),
      origin = new URL(link).origin;
    page.setDefaultTimeout(kDemo);
    const run = promisify(execFile),
      spillway = join(dirname(process.env.WEB_DEMO), 'spillway');
    const submit = async () =>
      (await run(spillway, ['submit', 'echo', '--prefer', 'cloud', '--socket', socket])).stdout.trim();
    const get = (path) => page.evaluate(async (url) => (await fetch(url)).json(), `${origin}/api/v1${path}`);
    // Until it is so; the answer.
    const until = async (what, ask) => {
      for (const end = Date.now() + kDemo; ; await page.waitForTimeout(300)) {
        const answer = await ask();
        if (answer) return answer;
        assert.ok(Date.now() < end, what);
      }
    };
    const press = async (word) => {
      await page.getByRole('button', { name: `${word}…` }).click();
      await page.getByRole('dialog').getByRole('button', { name: word, exact: true }).click();
    };
    try {
      await page.goto(link);
      await sees(page, '1 device, 1 connected');
      await page.goto(`${origin}/devices/demo-device`);
      await press('Quarantine');
      await sees(page, 'demo-device is quarantined');
      await sees(page, 'Quarantined');
      await until('shown as quarantined', async () => (await get('/devices/demo-device')).health === 'quarantined');
      // What was taken before it was quarantined is counted a moment later.
      const before = await until('nothing more is taken', async () => {
        const { counters } = await get('/cloud');
        await page.waitForTimeout(2000);
        return (await get('/cloud')).counters.accepted === counters.accepted && counters;
      });
      await submit();
      const held = await until('its offer is refused', async () => {
        const { counters } = await get('/cloud');
        return counters.barred > before.barred && counters;
      });
      assert.equal(held.accepted, before.accepted);
      await press('Release');
      await sees(page, 'demo-device is released');
      await until('shown as released', async () => (await get('/devices/demo-device')).health !== 'quarantined');
      await until('its work is taken again', async () => {
        await submit();
        return (await get('/cloud')).counters.accepted > before.accepted;
      });
    } finally {
      await context.close();
    }
  }));
