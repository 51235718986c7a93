// The pages as an installed program: manifest, icons, and what stands without a network.
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { get, kept, launch, open, shoot } from './browser.ts';
import { Mock, TOKEN } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
});
afterEach(() => mock.stop());

it('can be installed', async () => {
  const { context, page } = await open(browser, 'tablet', { serviceWorkers: 'allow' });
  await page.goto(`${mock.url}/verify`);
  await kept(page);
  const client = await context.newCDPSession(page);
  const { errors, data } = await client.send('Page.getAppManifest') as { errors: { message: string }[]; data?: string };
  expect(errors).toEqual([]);
  const { installabilityErrors } = await client.send('Page.getInstallabilityErrors') as { installabilityErrors: { errorId: string }[] };
  expect(installabilityErrors.map((one) => one.errorId).filter((id) => id !== 'in-incognito')).toEqual([]);
  const icons = (JSON.parse(data ?? '{}') as { icons: { src: string; sizes: string; type: string }[] }).icons;
  for (const { src, sizes, type } of icons.filter((icon) => icon.type === 'image/png')) {
    const answer = await page.request.get(mock.url + src);
    const png = await answer.body();
    expect([answer.headers()['content-type'], `${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`]).toEqual([type, sizes]);
  }
  await context.close();
});

it('keeps the shell and nothing private, and says what to do without a network', async () => {
  const { context, page } = await open(browser, 'phone', { serviceWorkers: 'allow' });
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'start-reading').click();
  await page.locator('.pdf-text[data-ready]').first().waitFor();
  const paths = await kept(page);
  expect(paths.filter((path) => path.startsWith('/api'))).toEqual([]);
  expect(paths.filter((path) => !/^\/(sign|assets\/.+|offline\.(html|css|js)|icon\.svg)$/.test(path))).toEqual([]);
  await page.reload(); // now the worker answers
  await page.locator('.pdf-text[data-ready]').first().waitFor();
  await context.setOffline(true);
  await page.reload();
  await get(page, 'retry').waitFor(); // the shell stands and says that the service cannot be reached
  await shoot(page, 'offline-sign-phone');
  await page.goto(`${mock.url}/compare`);
  await get(page, 'offline').waitFor();
  await shoot(page, 'offline-unknown-phone');
  await context.setOffline(false);
  await get(page, 'compare-signed-out').waitFor(); // by itself
  await page.goto(`${mock.url}/sign`);
  await page.locator('.pdf-text[data-ready]').first().waitFor();
  await context.close();
});

it('shows the document when what failed to load is asked for again', async () => {
  const { context, page } = await open(browser, 'phone');
  const cut: string[] = [];
  for (const [what, address] of [['library', /\/assets\/pdf\.min-/], ['worker', /\/assets\/pdf\.worker/], ['document', /\/api\/signing\/pdf/]] as [string, RegExp][]) {
    await context.route(address, (route) => {
      cut.push(what);
      return route.abort();
    }, { times: 1 });
  }
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'start-reading').click();
  for (const what of ['library', 'worker', 'document']) {
    await expect.poll(() => cut.at(-1)).toBe(what);
    await get(page, 'retry').click();
  }
  await page.locator('.pdf-text[data-ready]').first().waitFor();
  await context.close();
});

it('shows the document although the worker that reads it never came', async () => {
  const { context, page } = await open(browser, 'phone');
  let asked = 0;
  await context.route(/\/assets\/pdf\.worker/, () => void asked++, { times: 1 }); // and never an answer
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'start-reading').click();
  await page.locator('.pdf-text[data-ready]').first().waitFor();
  expect(asked).toBe(1);
  await context.close();
});
