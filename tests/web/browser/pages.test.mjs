import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check_accessible, sees, shoot, visit } from './session.mjs';

const hot = (cloud) =>
  cloud.fleet.devices.find((device) => device.reasons.includes('hot') || device.health === 'degraded').id;
const answered = (cloud) =>
  cloud.fleet.tasks.find((task) => task.state === 'answered' && task.epoch === 2 && task.failure === 'none').id;

// Name, path (of the cloud), and what says that the page is there.
const pages = [
  ['fleet', () => '/', 'Tasks per second, by place'],
  ['fleet-by-state', () => '/?map=state', 'Needs attention'],
  ['fleet-table', () => '/?map=table', 'Needs attention'],
  ['devices', () => '/devices', 'aachen-gate-0001'],
  ['devices-filtered', () => '/devices?health=degraded,disconnected&sort=-since', /of 200/],
  ['device', (cloud) => `/devices/${hot(cloud)}`, 'Round trip'],
  [
    'device-never-seen',
    (cloud) => `/devices/${cloud.fleet.change('hull-gate-0001', 'never_seen').id}`,
    'It has told nothing yet',
  ],
  ['tasks', () => '/tasks', 'Waited for a worker'],
  ['tasks-dispatched', () => '/tasks/dispatched', 'One by one'],
  ['tasks-dispatched-group', (cloud) => `/tasks/dispatched/${cloud.dispatched.groups[1].id}`, 'Device by device'],
  [
    'tasks-dispatched-task',
    (cloud) => `/tasks/dispatched/${cloud.dispatched.tasks.find((task) => task.state === 'failed').id}`,
    'Attempts used up',
  ],
  ['task', (cloud) => `/tasks/${answered(cloud)}`, 'did not count'],
  ['alerts', () => '/alerts', 'Waiting for somebody'],
  ['alerts-silences', () => '/alerts?view=silences', 'For another'],
  ['alerts-rules', () => '/alerts?view=rules', 'The fleet falls behind'],
  ['cloud', () => '/cloud', 'Attempts held'],
  ['nowhere', () => '/nowhere', 'There is no such page'],
];

for (const [name, path, there] of pages) {
  for (const theme of ['light', 'dark']) {
    test(`the page ${name} is accessible in ${theme}`, () =>
      visit({ dark: theme === 'dark' }, async (page, cloud) => {
        await page.goto(cloud.url + path(cloud));
        await sees(page, there);
        await page.waitForTimeout(400);
        await check_accessible(page);
        await shoot(page, `${name}-${theme}`, { fullPage: name !== 'tasks' });
      }));
  }
}

// The states in which there is nothing, not yet, not any more or not for you.
const states = [
  ['empty-fleet', { devices: 0 }, '/', 'No device has spoken to this cloud yet'],
  ['empty-devices', { devices: 0 }, '/devices', 'No devices yet'],
  ['empty-tasks', { devices: 0 }, '/tasks', 'Nothing is offloaded at the moment'],
  ['empty-dispatched', { devices: 0 }, '/tasks/dispatched', 'Nothing was sent to a device yet'],
  [
    'error-dispatched',
    { expect_errors: true, prepare: (cloud) => cloud.broken.add('/task-groups') },
    '/tasks/dispatched',
    'The store is busy',
  ],
  [
    'no-permission-dispatched',
    {
      expect_errors: true,
      prepare: (cloud) => {
        cloud.me.scope = 'none';
      },
    },
    '/tasks/dispatched',
    'Not yours to see',
  ],
  ['no-such-group', { expect_errors: true }, '/tasks/dispatched/00000000000000aa-1x3', 'Not there'],
  ['empty-alerts', { devices: 0 }, '/alerts', 'Nothing is firing'],
  ['empty-table', { devices: 0 }, '/cloud', 'It runs no kinds'],
  ['no-match', {}, '/devices?q=nothing-like-this', 'No device matches'],
  [
    'error-devices',
    { expect_errors: true, prepare: (cloud) => cloud.broken.add('/devices') },
    '/devices',
    'The devices could not be loaded',
  ],
  [
    'error-cloud',
    { expect_errors: true, prepare: (cloud) => cloud.broken.add('/cloud') },
    '/cloud',
    'The store is busy',
  ],
  [
    'no-permission',
    {
      expect_errors: true,
      prepare: (cloud) => {
        cloud.me.scope = 'none';
      },
    },
    '/cloud',
    'Not yours to see',
  ],
  ['no-such-device', { expect_errors: true }, '/devices/nobody-knows-it', 'Not there'],
  [
    'sign-in',
    {
      expect_errors: true,
      prepare: (cloud) => {
        cloud.signed_in = false;
      },
    },
    '/',
    'Sign in to Spillway',
  ],
  [
    'no-answer',
    { expect_errors: true, prepare: (cloud) => cloud.broken.add('/session') },
    '/',
    'The cloud does not answer',
  ],
];
for (const [name, options, path, there] of states) {
  for (const theme of ['light', 'dark']) {
    test(`the state ${name} is designed and accessible in ${theme}`, () =>
      visit({ ...options, path, dark: theme === 'dark' }, async (page) => {
        await sees(page, there);
        await check_accessible(page);
        await shoot(page, `state-${name}-${theme}`);
      }));
  }
}

test('while it loads the page has its shape, and says so', () =>
  visit({}, async (page, cloud) => {
    await page.route('**/api/v1/devices?**', () => {});
    await page.goto(`${cloud.url}/devices`);
    await page.getByRole('status', { name: 'Loading devices' }).waitFor();
    await check_accessible(page);
    await shoot(page, 'state-loading-light');
  }));

test('what is old stays, with its age, when renewing it fails', () =>
  visit({ path: '/cloud', expect_errors: true }, async (page, cloud) => {
    await sees(page, 'Attempts held');
    cloud.broken.add('/cloud');
    await sees(page, /renewing it failed/);
    await sees(page, 'Attempts held');
    await check_accessible(page);
    await shoot(page, 'state-stale-light');
  }));

for (const [width, height, what] of [
  [390, 844, 'a phone'],
  [640, 400, 'a screen of 1280 at 200 %'],
  [320, 640, 'a screen of 1280 at 400 %'],
]) {
  test(`no page of ${what} scrolls sideways`, () =>
    visit({ width, height }, async (page, cloud) => {
      for (const [name, path, there] of pages) {
        await page.goto(cloud.url + path(cloud));
        await sees(page, there);
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(over <= 0, `${name} is ${over} px too wide`);
        if (width === 390) {
          await check_accessible(page);
          await shoot(page, `${name}-phone`);
        }
        if (width === 640) await shoot(page, `${name}-zoomed`);
      }
    }));
}

test('who asked for less motion sees none', () =>
  visit({ reduced: true }, async (page) => {
    await sees(page, 'Live');
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  }));

test('a chosen theme stays, also before the first paint of the next visit', () =>
  visit({}, async (page) => {
    await sees(page, 'Live');
    const colour = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await colour();
    await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
    assert.notEqual(await colour(), light);
    await page.reload({ waitUntil: 'commit' });
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    await page.getByRole('radio', { name: 'As the system' }).check({ force: true });
    assert.equal(await colour(), light);
  }));
