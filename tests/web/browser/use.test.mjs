import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check_accessible, sees, shoot, visit } from './session.mjs';

const focused = (page) =>
  page.evaluate(
    () =>
      document.activeElement?.textContent?.trim() ||
      document.activeElement?.getAttribute('aria-label') ||
      document.activeElement?.tagName,
  );

test('everything of the fleet page is reached by Tab, in the order of the page, and shows it', () =>
  visit({ devices: 60 }, async (page) => {
    await sees(page, 'Tasks per second, by place');
    const walked = [];
    for (let i = 0; i < 60; ++i) {
      await page.keyboard.press('Tab');
      const where = await page.evaluate(() => {
        const element = document.activeElement;
        if (!element || element === document.body) return null;
        const box = element.getBoundingClientRect(),
          ring = element.matches('input[type=radio]') ? element.closest('label') : element;
        return {
          text: (element.textContent || element.getAttribute('aria-label') || element.getAttribute('name') || '')
            .trim()
            .slice(0, 40),
          outlined: getComputedStyle(ring).outlineStyle !== 'none',
          seen: box.width > 0,
        };
      });
      if (!where) break;
      walked.push(where);
    }
    assert.ok(
      walked.every(({ outlined, seen }) => outlined && seen),
      JSON.stringify(walked.filter(({ outlined, seen }) => !outlined || !seen)),
    );
    const texts = walked.map(({ text }) => text);
    const order = ['Skip to the page', 'Fleet', 'Devices', 'Tasks', 'Cloud', 'Operational', 'Degraded'].map((text) =>
      texts.findIndex((other) => other.startsWith(text)),
    );
    assert.ok(
      order.every((at) => at >= 0),
      `${order} of ${texts}`,
    );
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    );
    assert.ok(texts.some((text) => text.startsWith('Health map')));
  }));

test('the skip link goes past the navigation', () =>
  visit({}, async (page) => {
    await sees(page, 'Health map');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'page');
  }));

test('a slash searches, arrows walk the list, Enter opens, and back returns to the same view', () =>
  visit({ path: '/devices' }, async (page) => {
    await sees(page, 'aachen-gate-0001');
    await page.keyboard.press('/');
    await page.keyboard.type('pump');
    await page.waitForURL(/q=pump/);
    await sees(page, 'aachen-pump-0001');
    await page.getByRole('table', { name: 'Devices' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.activeElement.tagName === 'A');
    const first = await focused(page);
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction((before) => document.activeElement.textContent !== before, first);
    const second = await focused(page);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/devices/${second}`);
    await page.getByRole('heading', { level: 1, name: second }).waitFor();
    await page.goBack();
    await page.waitForURL(/q=pump/);
    assert.equal(await page.getByRole('searchbox').inputValue(), 'pump');
  }));

test('what is typed stays while the list changes under it', () =>
  visit({ path: '/devices' }, async (page, cloud) => {
    await sees(page, 'aachen-gate-0001');
    const search = page.getByRole('searchbox'),
      row = page.locator('.vrow', { has: page.getByRole('link', { name: 'aachen-gate-0001' }) });
    // Typed at last 200 ms ago, however slow this is, or the address would follow.
    await page.evaluate(() => {
      const box = document.querySelector('input[type=search]');
      globalThis.kept = setInterval(() => box.dispatchEvent(new Event('input', { bubbles: true })), 50);
    });
    await search.pressSequentially('pu');
    cloud.tell({ devices: [cloud.fleet.change('aachen-gate-0001', 'updating')] });
    await row.getByText('Updating').waitFor();
    assert.equal(await search.inputValue(), 'pu');
    await page.evaluate(() => clearInterval(globalThis.kept));
    await search.pressSequentially('mp');
    await page.waitForURL(/q=pump/);
  }));

test('arrows walk the map, it says where, and Enter opens the device', () =>
  visit({ devices: 60 }, async (page, cloud) => {
    await page.getByRole('application').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.locator('.map-told').getByText(cloud.fleet.devices[1].id).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/devices/${cloud.fleet.devices[1].id}`);
  }));

test('a filter is in the address, its chip says so, and counts follow the other filters', () =>
  visit({ path: '/devices' }, async (page, cloud) => {
    const chip = page.getByRole('button', { name: /^Degraded/ });
    await chip.click();
    await page.waitForURL(/health=degraded/);
    assert.equal(await chip.getAttribute('aria-pressed'), 'true');
    await page.getByLabel('Group').selectOption('hull');
    await page.waitForURL(/group=hull/);
    const expected = cloud.fleet.facets(new URLSearchParams('group=hull')).health.operational;
    await page.getByRole('button', { name: new RegExp(`^Operational\\s*${expected}$`) }).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.waitForFunction(() => location.search === '');
  }));

test('a column sorts both ways and says so to a screen reader', () =>
  visit({ path: '/devices' }, async (page, cloud) => {
    await page.getByRole('button', { name: 'Temp' }).click();
    await page.waitForURL(/sort=-temperature/);
    const hottest = Math.max(...cloud.fleet.devices.map((device) => device.temperature_celsius));
    await page.locator('[data-row="0"]').getByText(`${hottest}`).waitFor();
    assert.equal(await page.locator('[role=columnheader].c-temperature').getAttribute('aria-sort'), 'descending');
    await page.getByRole('button', { name: 'Temp' }).click();
    await page.waitForURL(/sort=temperature/);
    assert.equal(await page.locator('[role=columnheader].c-temperature').getAttribute('aria-sort'), 'ascending');
  }));

for (const width of [1440, 1280, 1100, 800])
  test(`the list of devices is whole on a screen of ${width} pixels, or scrolls`, () =>
    visit({ path: '/devices', width }, async (page) => {
      const row = page.locator('.devices [data-row="0"]');
      await row.locator('[role=cell]').first().waitFor();
      const beyond = await row.evaluate((element) => {
        const cells = [...element.children].filter((cell) => cell.getClientRects().length > 0);
        return cells.at(-1).getBoundingClientRect().right - element.getBoundingClientRect().right;
      });
      assert.ok(beyond <= 0, `${beyond} pixels of its last column are cut off`);
    }));

test('acknowledging asks, sends the note with the proof against forgery, and gives the focus back', () =>
  visit({ path: '/alerts' }, async (page, cloud) => {
    const button = page.getByRole('button', { name: 'Acknowledge' }).first();
    await button.click();
    await page.getByRole('dialog').waitFor();
    await check_accessible(page);
    await shoot(page, 'dialog-acknowledge-light');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await focused(page), 'Acknowledge');
    await button.click();
    await page.getByRole('dialog').getByRole('textbox').fill('on my way');
    await page.keyboard.press('Enter');
    await sees(page, 'Acknowledged');
    assert.deepEqual(
      cloud.writes.map(({ method, body }) => [method, body]),
      [['POST', { note: 'on my way' }]],
    );
    await sees(page, 'ops: on my way');
  }));

test('a rule shows whether it is on, and a press turns it over', () =>
  visit({ path: '/alerts?view=rules' }, async (page, cloud) => {
    const rule = page.getByRole('switch', { name: 'Device is hot' }),
      knob = () => rule.evaluate((input) => getComputedStyle(input.parentElement.querySelector('i')).backgroundColor);
    assert.equal(await rule.isChecked(), true);
    const on = await knob();
    await rule.press('Space');
    await sees(page, 'Disabled');
    assert.deepEqual(
      cloud.writes.map(({ method, path, body }) => [method, path, body.enabled]),
      [['PUT', '/alerts/rules/device_hot', false]],
    );
    await page.waitForFunction(() => !document.querySelectorAll('[role=switch]')[1].checked);
    assert.notEqual(await knob(), on);
  }));

test('an action on many says how many before it acts', () =>
  visit({ path: '/devices?health=degraded' }, async (page, cloud) => {
    const n = cloud.fleet.devices.filter(({ health }) => health === 'degraded').length;
    await page.getByRole('button', { name: 'Quarantine…' }).click();
    await page.getByRole('button', { name: `Quarantine ${n} device` }).click();
    await sees(page, `Quarantined: ${n} device`);
    assert.deepEqual(
      cloud.writes.map(({ body }) => body),
      [true, false].map((dry_run) => ({ action: 'quarantine', select: { health: ['degraded'] }, dry_run })),
    );
  }));

test('who may only read is offered nothing to change', () =>
  visit(
    {
      path: '/alerts',
      prepare: (cloud) => {
        cloud.me.scope = 'read';
      },
    },
    async (page) => {
      await sees(page, 'Waiting for somebody');
      assert.equal(await page.getByRole('button', { name: 'Acknowledge' }).count(), 0);
    },
  ));

test('the one-time link signs in and leaves the address at once', () =>
  visit(
    {
      path: '/?code=once',
      prepare: (cloud) => {
        cloud.signed_in = false;
      },
    },
    async (page) => {
      await sees(page, 'Health map');
      assert.ok(!page.url().includes('once'));
    },
  ));

test('a wrong token is told so, a right one signs in', () =>
  visit(
    {
      expect_errors: true,
      prepare: (cloud) => {
        cloud.signed_in = false;
      },
    },
    async (page) => {
      await page.getByLabel('Token').fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('This token is not known').waitFor();
      await page.getByLabel('Token').fill('right');
      await page.keyboard.press('Enter');
      await sees(page, 'Health map');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await sees(page, 'Sign in to Spillway');
    },
  ));
