import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check_accessible, sees, shoot, visit } from './session.mjs';

for (const theme of ['light', 'dark']) {
  test(`a task is run on devices after they are counted, in ${theme}`, () =>
    visit({ path: '/tasks/dispatched', dark: theme === 'dark' }, async (page, cloud) => {
      await page.getByRole('button', { name: 'Run a task…' }).click();
      await page.getByLabel('Kind').fill('echo');
      await page.getByLabel('Arguments').fill('window=240\nname=a=b');
      await page.getByLabel('Input').fill('hello');
      await page.getByRole('button', { name: 'Count the devices' }).click();
      await sees(page, '200 devices would get it now.');
      await check_accessible(page);
      await shoot(page, `dialog-run-${theme}`);
      await page.getByRole('button', { name: 'Send to 200 devices' }).click();
      await sees(page, 'Device by device');
      const task = {
        kind: 'echo',
        args: { window: '240', name: 'a=b' },
        input: 'hello',
        band: 'normal',
        deadline_s: 86400,
        select: {},
      };
      assert.deepEqual(
        cloud.writes.map(({ body }) => body),
        [
          { ...task, dry_run: true },
          { ...task, dry_run: false },
        ],
      );
    }));
}

test('what changes after the count is counted again, and what cannot be read is said', () =>
  visit({ path: '/tasks/dispatched' }, async (page, cloud) => {
    await page.getByRole('button', { name: 'Run a task…' }).click();
    await page.getByLabel('Kind').fill('echo');
    await page.getByRole('button', { name: 'Count the devices' }).click();
    await sees(page, '200 devices would get it now.');
    await page.getByLabel('Arguments').fill('nonsense');
    await page.getByRole('button', { name: 'Count the devices' }).click();
    await page.getByRole('alert').getByText('is not name=value').waitFor();
    assert.equal(cloud.writes.length, 1);
  }));

test('the form takes a filter of the list, and one device from its page', () =>
  visit({ path: '/devices?group=hull' }, async (page, cloud) => {
    const run = async () => {
      await page.getByRole('button', { name: 'Run a task…' }).click();
      await page.getByLabel('Kind').fill('echo');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: /^Send to/ }).click();
      await sees(page, 'Device by device');
    };
    await run();
    await page.goto(`${cloud.url}/devices/hull-pump-0001`);
    await sees(page, 'Tasks dispatched to it');
    await run();
    assert.deepEqual(
      cloud.writes.filter(({ body }) => !body.dry_run).map(({ body }) => body.select ?? body.devices),
      [{ group: 'hull' }, ['hull-pump-0001']],
    );
  }));

test('a submission shows what its devices did, and is narrowed, cancelled and tried again', () =>
  visit({}, async (page, cloud) => {
    const group = cloud.dispatched.groups[1],
      path = `/task-groups/${group.id}`;
    await page.goto(`${cloud.url}/tasks/dispatched/${group.id}`);
    await sees(page, /59\s%\sended/);
    await page.getByRole('button', { name: /^Failed/ }).click();
    await page.waitForFunction(() => document.querySelectorAll('.table tbody tr').length === 4);
    assert.ok(page.url().endsWith('?state=failed'));
    await page.getByRole('button', { name: 'Cancel 58…' }).click();
    await page.getByRole('button', { name: 'Cancel 58 tasks' }).click();
    await sees(page, 'all ended');
    await page.getByRole('button', { name: 'Retry 62…' }).click();
    await check_accessible(page);
    await shoot(page, 'dialog-retry-light');
    await page.getByRole('button', { name: 'Retry 62 tasks' }).click();
    await sees(page, /62 to go/);
    assert.deepEqual(
      cloud.writes.map((write) => write.path),
      [`${path}/cancel`, `${path}/retry`],
    );
  }));

test('one task says why it waits, is cancelled, and comes back by a retry', () =>
  visit({}, async (page, cloud) => {
    const task = cloud.dispatched.tasks.find(({ state }) => state === 'ready');
    await page.goto(`${cloud.url}/tasks/dispatched/${task.id}`);
    await sees(page, 'the device is not connected');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Retry' }).click();
    await sees(page, 'It is tried again');
    assert.deepEqual(
      cloud.writes.map((write) => write.path),
      ['cancel', 'retry'].map((verb) => `/tasks/${task.id}/${verb}`),
    );
  }));

test('who may only read sees what was sent, and nothing to change it', () =>
  visit(
    {
      path: '/tasks/dispatched',
      prepare: (cloud) => {
        cloud.me.scope = 'read';
      },
    },
    async (page, cloud) => {
      await sees(page, 'One by one');
      assert.equal(await page.getByRole('button', { name: 'Run a task…' }).count(), 0);
      await page.goto(`${cloud.url}/tasks/dispatched/${cloud.dispatched.groups[1].id}`);
      await sees(page, 'Device by device');
      assert.equal(await page.getByRole('button', { name: /^(Cancel|Retry) / }).count(), 0);
    },
  ));

test('what was sent is reached and read by keyboard', () =>
  visit({ path: '/tasks' }, async (page) => {
    await sees(page, 'Waited for a worker');
    await page.getByRole('radio', { name: 'Offloaded' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForURL('**/tasks/dispatched');
    await sees(page, 'Submissions');
    await page.getByRole('link', { name: /^stats.window/ }).focus();
    await page.keyboard.press('Enter');
    await sees(page, 'Device by device');
  }));
