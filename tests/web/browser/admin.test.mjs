import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check_accessible, sees, shoot, visit } from './session.mjs';

for (const theme of ['light', 'dark']) {
  test(`a token is made, shown once, and revoked, in ${theme}`, () =>
    visit({ path: '/cloud', dark: theme === 'dark', expect_errors: true }, async (page, cloud) => {
      await page.getByRole('button', { name: 'New token…' }).click();
      await page.getByLabel('What it is for').fill('taken');
      await page.getByRole('button', { name: 'Create' }).click();
      await page.getByRole('alert').getByText('There is a token of this name.').waitFor();
      await page.getByLabel('What it is for').fill('grafana-2');
      await page.getByLabel('Expires').selectOption('never');
      await check_accessible(page);
      await shoot(page, `dialog-token-${theme}`);
      await page.getByRole('button', { name: 'Create' }).click();
      assert.equal(await page.getByLabel('Secret').inputValue(), 'spw_4fQ2-secret');
      await check_accessible(page);
      await shoot(page, `dialog-secret-${theme}`);
      await page.getByRole('button', { name: 'Done' }).click();
      assert.equal(await page.getByText('spw_4fQ2-secret').count(), 0);
      await page.getByRole('button', { name: 'Revoke grafana' }).click();
      await page.getByRole('button', { name: 'Revoke', exact: true }).click();
      await sees(page, 'Revoked grafana');
      assert.deepEqual(
        cloud.writes.slice(1).map(({ method, path, body }) => [method, path, body]),
        [
          ['POST', '/tokens', { name: 'grafana-2', scope: 'read' }],
          ['DELETE', '/tokens/t2', {}],
        ],
      );
    }));

  test(`a session of a browser is seen and ended, in ${theme}`, () =>
    visit({ path: '/cloud', dark: theme === 'dark' }, async (page, cloud) => {
      await sees(page, 'ops (this one)');
      await check_accessible(page);
      await page.getByRole('button', { name: 'Sign out night shift from 192.0.2.7' }).click();
      await sees(page, 'Signed out night shift');
      assert.deepEqual(cloud.writes, [{ method: 'DELETE', path: '/sessions/5e56', body: {} }]);
    }));

  test(`a rule is written, changed and removed, in ${theme}`, () =>
    visit({ path: '/alerts?view=rules', dark: theme === 'dark' }, async (page, cloud) => {
      await page.getByRole('button', { name: 'New rule…' }).click();
      await page.getByLabel('Title').fill('Very hot, in the lab');
      await page.getByLabel('Value').fill('85000');
      await page.getByLabel('Group').fill('lab');
      await sees(page, 'Fires when temperature mc above 85000 for 1\u00a0min.');
      await check_accessible(page);
      await shoot(page, `dialog-rule-${theme}`);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('button', { name: 'Edit Very hot, in the lab' }).click();
      await page.getByLabel('Watches').selectOption('hot');
      assert.equal(await page.getByLabel('Value').count(), 0);
      await page.getByRole('button', { name: 'Save' }).click();
      await sees(page, 'hot for 1');
      await page.getByRole('button', { name: 'Edit Very hot, in the lab' }).click();
      await page.getByRole('button', { name: 'Remove' }).click();
      await sees(page, 'Removed');
      const rule = {
        title: 'Very hot, in the lab',
        severity: 'warning',
        scope: 'device',
        subject: 'temperature_mc',
        compare: 'above',
        value: 85000,
        lasting_s: 60,
        group: 'lab',
        enabled: true,
      };
      const path = '/alerts/rules/very_hot_in_the_lab';
      assert.deepEqual(cloud.writes, [
        { method: 'PUT', path, body: rule },
        { method: 'PUT', path, body: { ...rule, subject: 'hot', compare: 'is', value: 1 } },
        { method: 'DELETE', path, body: {} },
      ]);
    }));
}

test('a new rule does not take the place of another one', () =>
  visit({ path: '/alerts?view=rules' }, async (page, cloud) => {
    await page.getByRole('button', { name: 'New rule…' }).click();
    await page.getByLabel('Title').fill('Device hot');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('There is a rule of this title').waitFor();
    assert.equal(cloud.writes.length, 0);
  }));

test('who operates sees rules, and neither edits them nor sees tokens', () =>
  visit(
    {
      path: '/alerts?view=rules',
      prepare: (cloud) => {
        cloud.me.scope = 'operate';
      },
    },
    async (page, cloud) => {
      await sees(page, 'The fleet falls behind');
      assert.equal(await page.getByRole('button', { name: /rule…|^Edit/ }).count(), 0);
      await page.goto(`${cloud.url}/cloud`);
      await sees(page, 'Attempts held');
      assert.equal(await page.getByText('Tokens').count(), 0);
    },
  ));
