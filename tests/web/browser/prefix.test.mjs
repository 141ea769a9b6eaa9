// The dashboard behind a proxy that puts it under a prefix.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockCloud } from '../mock/server.mjs';
import { behind } from './proxy.mjs';
import { browser, kPatience, sees } from './session.mjs';

test('under a prefix pages, links, calls, stream and signing in stay under it', async () => {
  const cloud = await new MockCloud({ dist: process.env.WEB_DIST, devices: 60 }).start(),
    proxy = await behind(cloud.url, '/fleet');
  const context = await (await browser()).newContext(),
    page = await context.newPage(),
    wrong = [];
  page.setDefaultTimeout(kPatience);
  page.on('pageerror', (error) => wrong.push(error.stack));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/401/.test(message.text())) wrong.push(message.text());
  });
  const at = () => page.url().slice(proxy.origin.length);
  try {
    cloud.signed_in = false;
    await page.goto(`${proxy.origin}/fleet/login#code=once`);
    await sees(page, 'Live');
    assert.equal(at(), '/fleet/');
    await page.getByRole('link', { name: 'Devices' }).click();
    await page.locator('.vrow[data-row="0"] a').click();
    await sees(page, 'Round trip');
    assert.match(at(), /^\/fleet\/devices\/[a-z0-9-]+$/);
    // As the page of its own that a link opens in another tab, two levels down.
    await page.reload();
    await sees(page, 'Round trip');
    for (const href of await page.locator('a').evaluateAll((all) => all.map((one) => one.getAttribute('href'))))
      assert.match(href, /^(\/fleet\/|#|https?:)/);
    await page.goBack();
    await sees(page, 'aachen-gate-0001');
    assert.equal(at(), '/fleet/devices');
    assert.deepEqual(
      proxy.strays.filter((url) => url !== '/favicon.ico'),
      [],
    );
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
    await proxy.stop();
    await cloud.stop();
  }
});
