import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check_accessible, kPatience, sees, shoot, visit } from './session.mjs';

const until = async (holds, what) => {
  const end = Date.now() + kPatience;
  while (!holds()) {
    assert.ok(Date.now() < end, what);
    await new Promise((done) => setTimeout(done, 50));
  }
};
const operational = (cloud) => cloud.fleet.summary().health.operational;

test('a device that breaks shows at once, in the figures, the map and the list', () =>
  visit({ devices: 60 }, async (page, cloud) => {
    const tile = page.locator('.state-tile').first();
    await tile.getByText(String(operational(cloud)), { exact: true }).waitFor();
    const before = operational(cloud),
      device = cloud.fleet.devices.find(({ health }) => health === 'operational');
    cloud.tell({ devices: [cloud.fleet.change(device.id, 'disconnected')] });
    await tile.getByText(String(before - 1), { exact: true }).waitFor();
    const at = cloud.fleet.devices.indexOf(device);
    await page.getByRole('application').focus();
    for (let i = 0; i <= at; ++i) await page.keyboard.press('ArrowRight');
    await page.locator('.map-told').getByText('Disconnected').waitFor();
    await page.goto(`${cloud.url}/devices`);
    const row = page.locator('.vrow', { has: page.getByRole('link', { name: device.id }) });
    await row.getByText('Disconnected').waitFor();
    cloud.tell({ devices: [cloud.fleet.change(device.id, 'updating')] });
    await row.getByText('Updating').waitFor();
  }));

for (const [what, link, path, row] of [
  ['map', 'Fleet', '/fleet/map', '.map-table .vrow'],
  ['list of devices', 'Devices', '/devices', '.devices .vrow'],
  ['list of tasks', 'Tasks', '/tasks/offloaded', '.stream tbody tr'],
]) {
  test(`what the stream says while the ${what} is on its way is not lost`, () =>
    visit({ path: '/cloud', devices: 60 }, async (page, cloud) => {
      await sees(page, 'Live');
      const device = { ...cloud.fleet.devices.find(({ health }) => health === 'operational'), health: 'disconnected' };
      const task = {
        ...cloud.fleet.tasks[0],
        id: 'f'.repeat(32),
        device: device.id,
        state: 'answered',
        failure: 'timeout',
      };
      // However often it is asked, the answer stays what it was before the change.
      let before = null;
      cloud.on_its_way = async (asked, answer) => {
        if (asked !== path) return answer;
        if (!before) cloud.tell({ devices: [device], tasks: [task] });
        before ??= answer;
        await new Promise((done) => setTimeout(done, 500));
        return before;
      };
      await page.getByRole('navigation').getByRole('link', { name: link }).first().click();
      if (path === '/fleet/map') await page.getByRole('radio', { name: 'Table' }).check();
      await page
        .locator(row, { hasText: device.id })
        .getByText(path === '/tasks/offloaded' ? 'Timeout' : 'Disconnected')
        .first()
        .waitFor();
    }));
}

test('an alert that fires shows in the navigation of every page', () =>
  visit(
    {
      path: '/cloud',
      devices: 60,
      prepare: (cloud) => {
        cloud.fleet.alerts = [];
      },
    },
    async (page, cloud) => {
      await sees(page, 'Attempts held');
      assert.equal(await page.locator('.side .count').count(), 0);
      cloud.fleet.alerts = [cloud.fleet.alert(cloud.fleet.devices[0], 0)];
      cloud.tell({ alerts: cloud.fleet.alerts });
      await page.locator('.side .count').getByText('1').waitFor();
    },
  ));

test('when the cloud goes away what is known stays, and the page says since when; it comes back where it stopped', () =>
  visit({ expect_errors: true }, async (page, cloud) => {
    await sees(page, 'Live');
    await sees(page, 'Tasks per second, by place');
    cloud.refuse_streams = true;
    cloud.cut();
    await sees(page, 'No connection to the cloud');
    await page
      .locator('.state-tile')
      .first()
      .getByText(String(operational(cloud)), { exact: true })
      .waitFor();
    await check_accessible(page);
    await shoot(page, 'state-lost-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await shoot(page, 'state-lost-dark');
    cloud.refuse_streams = false;
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.getByText('No connection to the cloud').waitFor({ state: 'detached' });
    await sees(page, 'Live');
    const streams = cloud.requests.filter((line) => line.startsWith('GET /stream'));
    assert.equal(streams[0], 'GET /stream');
    assert.match(streams.at(-1), /^GET \/stream\?last_event_id=\d+$/);
  }));

test('it finds the cloud again by itself', () =>
  visit({ expect_errors: true }, async (page, cloud) => {
    await sees(page, 'Live');
    cloud.cut();
    await until(() => cloud.streams.size === 1, 'a new stream');
    await sees(page, 'Live');
  }));

test('two tabs share one stream', () =>
  visit({}, async (page, cloud) => {
    await sees(page, 'Live');
    const other = await page.context().newPage();
    await other.goto(`${cloud.url}/devices`);
    await sees(other, 'Live');
    await sees(other, 'aachen-gate-0001');
    assert.equal(cloud.requests.filter((line) => line.startsWith('GET /stream')).length, 1);
    await page.close();
    cloud.tell({ devices: [cloud.fleet.change('aachen-gate-0001', 'updating')] });
    await other.locator('[data-row="0"]').getByText('Updating').waitFor();
    await other.close();
  }));

test('without a SharedWorker the page listens for itself', () =>
  visit({ script: 'delete window.SharedWorker' }, async (page, cloud) => {
    await sees(page, 'Live');
    const before = operational(cloud);
    cloud.tell({
      devices: [cloud.fleet.change(cloud.fleet.devices.find(({ health }) => health === 'operational').id, 'sleeping')],
    });
    await page
      .locator('.state-tile')
      .first()
      .getByText(String(before - 1), { exact: true })
      .waitFor();
  }));

test('after a resync the page loads what it shows again', () =>
  visit({ path: '/cloud' }, async (page, cloud) => {
    await sees(page, 'Attempts held');
    const asked = () => cloud.requests.filter((line) => line === 'GET /tokens').length;
    const before = asked();
    cloud.send('resync', { reason: 'slow' });
    await until(() => asked() > before, 'the tokens are asked for again');
  }));

test('the stream of tasks flows, holds under the pointer, and goes on', () =>
  visit({ path: '/tasks' }, async (page) => {
    const first = () => page.locator('.stream tbody tr').first().locator('a').first().textContent();
    await sees(page, 'flowing');
    const start = await first();
    await page.waitForFunction((before) => document.querySelector('.stream tbody tr a').textContent !== before, start);
    await page.locator('.stream tbody tr').nth(2).hover();
    await sees(page, /waiting$/);
    const held = await first();
    await page.waitForTimeout(1500);
    assert.equal(await first(), held);
    await page.mouse.move(5, 5);
    await page.waitForFunction((before) => document.querySelector('.stream tbody tr a').textContent !== before, held);
  }));
