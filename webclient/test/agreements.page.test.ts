// Taking an agreement back, and having one person's data erased.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { drawPen, get, launch, open, readSignature, shoot } from './browser.ts';
import { Mock, TOKEN } from './mock/server.ts';
import { untranslated } from './untranslated.ts';

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
  mock.ceremony.consents.forEach((consent) => Object.assign(consent, { given: consent.purpose !== 'video', at: '2026-11-23T19:00:00Z' }));
  mock.ceremony.references.have = 5;
});
afterEach(() => mock.stop());

const stored = (page: Page) => page.evaluate(async () => {
  const names = await indexedDB.databases();
  let rows = 0;
  for (const { name } of names) {
    const database = await new Promise<IDBDatabase>((resolve) => { const asked = indexedDB.open(name!); asked.onsuccess = () => resolve(asked.result); });
    for (const store of database.objectStoreNames) rows += await new Promise<number>((resolve) => { const asked = database.transaction(store).objectStore(store).count(); asked.onsuccess = () => resolve(asked.result); });
    database.close();
  }
  return rows;
});

it('throws a recording under way out, here and there, when the agreement to it is taken back', async () => {
  mock.ceremony.next = 'sign';
  const { context, page, faults } = await open(browser, 'tablet');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'pad-start').click();
  await page.locator('[data-state=live]').waitFor();
  await drawPen(page, readSignature('w1-genuine-01').slice(0, 60), 4);
  await expect.poll(() => stored(page)).toBeGreaterThan(1);
  await get(page, 'agreements').click();
  await get(page, 'take-back-handwriting').click();
  await get(page, 'take-back-keep').click();
  expect(mock.ceremony.consents[0]!.given).toBe(true);
  await get(page, 'take-back-handwriting').click();
  await get(page, 'take-back-confirm').click();
  await get(page, 'agreement-done').waitFor();
  expect(mock.ceremony.consents[0]!.given).toBe(false);
  expect(await get(page, 'agreement-handwriting').textContent()).toContain('Not agreed');
  expect(await get(page, 'take-back-handwriting').count()).toBe(0);
  await get(page, 'agreements-close').click();
  await get(page, 'typed-name').waitFor();
  expect(await stored(page)).toBe(0);
  expect(faults).toEqual([]);
  await context.close();
});

it('asks to sign again when the camera is taken back before the confirmation', async () => {
  mock.ceremony.consents[1]!.given = true;
  Object.assign(mock.ceremony, { next: 'confirm', captureId: 'c'.repeat(32) });
  const { context, page } = await open(browser, 'desktop');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'agreements').click();
  await get(page, 'take-back-video').click();
  await get(page, 'take-back-confirm').click();
  await get(page, 'agreements-close').click();
  await get(page, 'pad-start').waitFor();
  expect(mock.ceremony.captureId).toBeUndefined();
  await context.close();
});

// The recordings of others are none of a signer's business: the signed PDF is all there is to take.
it.each(['en', 'fr', 'zh-Hant', 'zh-Hans'])('offers no deposit with recordings of others in it (%s)', async (language) => {
  mock.ceremony.signer.language = language;
  mock.ceremony.next = 'done';
  mock.ceremony.deposit = { size: 1, retainUntil: '2036-11-23T20:00:00Z', withheld: true };
  const { context, page, faults } = await open(browser, 'phone');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'deposit-withheld').waitFor();
  expect(await get(page, 'download-pdf').count()).toBe(1);
  expect(await get(page, 'download-deposit').count()).toBe(0);
  if (language !== 'en') expect(await untranslated(page)).toEqual([]);
  expect(faults).toEqual([]);
  await context.close();
});

// By keyboard alone, and in each language: long after signing the examples can go.
it.each(['en', 'fr', 'zh-Hant', 'zh-Hans'])('destroys the examples for comparisons when the signer says so (%s)', async (language) => {
  mock.ceremony.signer.language = language;
  mock.ceremony.next = 'done';
  mock.ceremony.deposit = { size: 1, retainUntil: '2036-11-23T20:00:00Z' };
  const { context, page, faults } = await open(browser, 'phone');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'done').waitFor();
  await get(page, 'agreements').focus();
  await page.keyboard.press('Enter');
  await get(page, 'agreement-comparison').waitFor();
  expect(await get(page, 'agreement-handwriting').textContent()).toMatch(/Atelier Durand/); // sealed: whom to ask
  expect(await get(page, 'take-back-handwriting').count()).toBe(0);
  await page.keyboard.press('Tab');
  if (!(await get(page, 'take-back-comparison').evaluate((element) => element === document.activeElement))) await page.keyboard.press('Shift+Tab');
  await expect.poll(() => get(page, 'take-back-comparison').evaluate((element) => element === document.activeElement)).toBe(true);
  await page.keyboard.press('Enter');
  await get(page, 'take-back-confirm').waitFor();
  await shoot(page, `sign-take-back-${language}`);
  await get(page, 'take-back-confirm').focus();
  await page.keyboard.press('Enter');
  await get(page, 'agreement-done').waitFor();
  expect(mock.ceremony.references.have).toBe(0);
  if (language !== 'en') expect(await untranslated(page)).toEqual([]);
  await shoot(page, `sign-taken-back-${language}`);
  await get(page, 'agreements-close').focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('data-test') ?? document.activeElement?.tagName)).toBe('agreements');
  expect(faults).toEqual([]);
  await context.close();
});

it('tells the signer when the service does not answer, and takes back on the next try', async () => {
  mock.ceremony.next = 'done';
  const { context, page } = await open(browser, 'phone');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'agreements').click();
  await get(page, 'take-back-comparison').click();
  mock.down = true;
  await get(page, 'take-back-confirm').click();
  await page.locator('[data-test=agreements-dialog] [data-test=problem]').waitFor();
  expect(mock.ceremony.references.have).toBe(5);
  mock.down = false;
  await get(page, 'take-back-confirm').click();
  await get(page, 'agreement-done').waitFor();
  await context.close();
});

it('erases the recording of one signer after a proof, and says so', async () => {
  mock.signedIn = true;
  const document = mock.newDocument('Rental agreement', 'agreement.pdf', 48_213);
  Object.assign(document, { state: 'completed', signers: [{ id: 's0', name: 'Chloé Martin', email: 'chloe@example.org', language: 'fr', state: 'signed', signedAt: '2026-11-23T19:00:00Z', typed: false }] });
  mock.documents.push(document);
  const { context, page, faults } = await open(browser, 'desktop');
  await page.goto(`${mock.url}/#/documents/${document.id}`);
  await get(page, 'erase').click();
  const lacks = page.locator('[data-test=erase-dialog] .field-error');
  await get(page, 'erase-confirm').click();
  await expect.poll(() => lacks.textContent()).toBe('Please fill this in.');
  await get(page, 'erase-reason').fill('17');
  await expect.poll(() => lacks.textContent()).toBe('At least 3 characters.');
  expect(mock.erasures).toEqual([]);
  await get(page, 'erase-reason').fill('request 17');
  await shoot(page, 'own-erase-desktop');
  await get(page, 'erase-confirm').click();
  await get(page, 'proof-password').fill('correct horse battery');
  await get(page, 'proof-go').click();
  await get(page, 'erase-done').waitFor();
  expect(mock.erasures).toEqual([{ what: 'recording', reason: 'request 17' }]);
  await get(page, 'erase-close').click();
  await get(page, 'signer-erased').waitFor();
  expect(await get(page, 'investigate').count()).toBe(0);
  await get(page, 'erase').click();
  expect(await get(page, 'erase-recording').isDisabled()).toBe(true);
  await get(page, 'erase-reason').fill('request 18');
  await get(page, 'erase-confirm').click();
  await get(page, 'erase-done').waitFor();
  expect(mock.erasures[1]).toEqual({ what: 'references', reason: 'request 18' });
  expect(faults).toEqual([]);
  await context.close();
});
