import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { get, hold, launch, open, shoot } from './browser.ts';
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

it('keeps what is being written while something else is removed, and sends it once', async () => {
  const document = mock.newDocument('Lease', 'Lease.pdf', 1000);
  Object.assign(document, { state: 'sent', signers: [{ id: 's', name: 'Bo', email: 'bo@example.org', language: 'en', state: 'invited', typed: false }] });
  mock.documents.push(document);
  const { context, page, faults } = await open(browser, 'desktop');
  await page.goto(`${mock.url}/#/documents/${document.id}`);
  await get(page, 'comment-draft').fill('first');
  const slow = await hold(context, '**/comments');
  await get(page, 'comment-send').click();
  await slow.asked;
  expect(await get(page, 'comment-send').isDisabled()).toBe(true);
  await slow.letGo();
  await get(page, 'comment').waitFor();
  await get(page, 'comment-draft').fill('a second thought');
  await get(page, 'comment-delete').click();
  await get(page, 'comment').waitFor({ state: 'detached' });
  expect(await get(page, 'comment-draft').inputValue()).toBe('a second thought');
  await get(page, 'share-email').fill('bea@atelier.example');
  await get(page, 'share-go').click();
  await get(page, 'share').waitFor();
  await get(page, 'share-email').fill('eve@');
  await get(page, 'unshare').click();
  await get(page, 'share').waitFor({ state: 'detached' });
  expect(await get(page, 'share-email').inputValue()).toBe('eve@');
  expect(faults).toEqual([]);
  await context.close();
});

it('shares a document and comments on it; HTML in a comment is text', async () => {
  const document = mock.newDocument('Lease', 'Lease.pdf', 1000);
  Object.assign(document, { state: 'sent', signers: [{ id: 's', name: 'Bo', email: 'bo@example.org', language: 'en', state: 'invited', typed: false }] });
  mock.documents.push(document);
  const { context, page, faults } = await open(browser, 'desktop');
  await page.goto(`${mock.url}/#/documents/${document.id}`);
  await get(page, 'share-email').fill('eve@elsewhere.example');
  await get(page, 'share-go').click();
  expect(await get(page, 'problem').textContent()).toContain('Nobody in your organisation');
  await get(page, 'share-email').fill('bea@atelier.example');
  await get(page, 'share-level').selectOption('use');
  await get(page, 'share-go').click();
  expect(await get(page, 'share-told').textContent()).toContain('Bea Collègue');
  expect(mock.shares).toMatchObject([{ email: 'bea@atelier.example', level: 'use' }]);

  const html = '<img src=x onerror="document.title=\'broken\'"><b>bold</b>\nsecond line';
  await get(page, 'comment-draft').fill(html);
  await get(page, 'comment-send').click();
  expect(await get(page, 'comment-text').textContent()).toBe(html);
  expect(await page.locator('[data-test=comment] img, [data-test=comment] b').count()).toBe(0);
  expect(await page.title()).not.toContain('broken');
  await shoot(page, 'own-sharing-desktop');
  await get(page, 'comment-delete').click();
  await get(page, 'comment').waitFor({ state: 'detached' });
  await get(page, 'unshare').click();
  await get(page, 'share').waitFor({ state: 'detached' });
  expect(faults).toEqual([]);
  await context.close();
});
