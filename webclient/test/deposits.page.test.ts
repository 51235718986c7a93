// Deposits: the list, a download that goes on where it stopped, legal holds by two people.
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { get, launch, open } from './browser.ts';
import { Mock } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
  mock.signedIn = true;
});
afterEach(() => mock.stop());

function completed() {
  const document = mock.newDocument('Lease', 'Lease.pdf', 1000);
  Object.assign(document, { state: 'completed', deposit: { id: 'd', size: 300_000, sha256: document.sha256, createdAt: '2026-11-23T19:00:01Z', retainUntil: '2036-11-23T19:00:01Z', hold: false, state: 'kept', mayDownload: true } });
  mock.documents.push(mock.newDocument('Draft', 'Draft.pdf', 1000), document);
  return document;
}

it('lists deposits and goes on with a download that failed for good', async () => {
  completed();
  const { context, page, faults } = await open(browser, 'desktop');
  const file = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));
  const asked: (string | undefined)[] = [];
  let cut = true;
  // Answered here, so that the cut is where the test wants it: the first half arrives
  // (the whole length is said), then every further request fails.
  await context.route('**/deposit', async (route) => {
    const range = route.request().headers()['range'];
    asked.push(range);
    const from = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    if (from > 0 && cut) return route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"type":"/problems/unavailable","title":"Down","status":503}' });
    const end = cut ? 100_000 : file.length;
    await route.fulfill({ status: from > 0 ? 206 : 200, headers: { ETag: '"1"', 'Content-Type': 'application/vnd.etsi.asic-e+zip', 'Content-Length': `${file.length - from}` }, body: file.subarray(from, end) });
  });
  await page.goto(mock.url);
  await get(page, 'nav-deposits').click();
  await get(page, 'deposit-line').waitFor();
  expect(await get(page, 'deposit-line').count()).toBe(1); // the draft has none
  expect(await get(page, 'deposit-line').textContent()).toMatch(/November 23, 2026.*300 kB.*November 23, 2036/);
  await get(page, 'download-deposit').click();
  await get(page, 'problem').waitFor({ timeout: 20_000 });
  expect(await get(page, 'download-deposit').textContent()).toBe('Go on with the download');
  cut = false;
  const arrives = page.waitForEvent('download');
  await get(page, 'download-deposit').click();
  expect(readFileSync(await (await arrives).path()).equals(file)).toBe(true);
  expect(asked.at(-1)).toBe('bytes=100000-');
  expect(faults).toEqual([]);
  await context.close();
});

it('offers no deposit to those who may not take it away', async () => {
  const document = completed();
  document.deposit!.mayDownload = false;
  const { context, page, faults } = await open(browser, 'desktop');
  await page.goto(`${mock.url}/#/deposits`);
  await get(page, 'deposit-closed').waitFor();
  await page.goto(`${mock.url}/#/documents/${document.id}`);
  await get(page, 'deposit-closed').waitFor();
  await get(page, 'download-pdf').waitFor();
  expect(await get(page, 'download-deposit').count()).toBe(0);
  expect(faults).toEqual([]);
  await context.close();
});

it('holds a deposit by two people and lifts it by two', async () => {
  const document = completed();
  const { context, page, faults } = await open(browser, 'desktop');
  await page.goto(`${mock.url}/#/documents/${document.id}`);
  await get(page, 'holds-none').waitFor();
  await get(page, 'hold-reason').fill('Court of Lyon, 2026-17');
  await get(page, 'hold-place').click();
  await page.locator('[data-test=hold][data-state=placed]').waitFor();
  expect(await get(page, 'hold-agree').count()).toBe(0); // not who asked
  expect(await get(page, 'holds').textContent()).toContain('asked for by Ada Durand');
  await expect.poll(() => get(page, 'deposit').textContent()).toContain('On legal hold');
  Object.assign(mock.holds[0]!, { mayAgree: true, state: 'lapsed' }); // the same page for a second person, who comes late
  await page.reload();
  await get(page, 'hold-reason').fill('Another court');
  await get(page, 'hold-agree').click();
  await page.locator('[data-test=hold][data-state=inForce]').waitFor();
  expect(await get(page, 'hold-reason').inputValue()).toBe('Another court'); // what is being written stays
  await get(page, 'hold-end').click();
  await page.locator('[data-test=hold][data-state=ending]').waitFor();
  expect(await get(page, 'hold-lift').count()).toBe(0);
  mock.holds[0]!.mayAgree = true;
  await page.reload();
  // A refusal is said, and the hold stays.
  await context.route('**/lift', (route) => route.fulfill({ status: 409, contentType: 'application/problem+json', body: '{"type":"/problems/conflict","title":"Conflict","status":409,"detail":"Somebody else was faster."}' }), { times: 1 });
  await get(page, 'hold-lift').click();
  await get(page, 'hold-problem').waitFor();
  await get(page, 'hold-lift').click();
  await page.locator('[data-test=hold][data-state=lifted]').waitFor();
  await get(page, 'hold-protects').waitFor({ state: 'detached' });
  await expect.poll(() => get(page, 'deposit').textContent()).not.toContain('On legal hold');
  expect(faults).toEqual([]);
  await context.close();
});
