// One device, several signers: each signs, and finds nothing of the one before.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { get, launch, open, shoot } from './browser.ts';
import { Mock } from './mock/server.ts';

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

async function typeName(page: Page, name: string): Promise<void> {
  await get(page, 'start-reading').click();
  await get(page, 'read-done').click();
  for (const purpose of ['handwriting', 'video', 'comparison']) await get(page, `consent-${purpose}-no`).check();
  await get(page, 'consent-done').click();
  await get(page, 'typed-name').fill(name);
  await get(page, 'confirm-typed').click();
  await get(page, 'done').waitFor();
}

// Everything that this origin keeps in the browser but the device's own number and the shell.
const kept = (page: Page) => page.evaluate(async () => {
  const texts = [JSON.stringify({ ...sessionStorage }), JSON.stringify(Object.keys(localStorage).filter((key) => key !== 'device'))];
  for (const { name } of await indexedDB.databases()) {
    const base = await new Promise<IDBDatabase>((resolve, reject) => Object.assign(indexedDB.open(name!), { onsuccess: (event: any) => resolve(event.target.result), onerror: reject }));
    for (const store of base.objectStoreNames) texts.push(JSON.stringify(await new Promise((resolve) => Object.assign(base.transaction(store).objectStore(store).getAll(), { onsuccess: (event: any) => resolve(event.target.result) }))));
    base.close();
  }
  for (const cache of await caches.keys()) for (const one of await (await caches.open(cache)).keys()) if (new URL(one.url).pathname.startsWith('/api')) texts.push(one.url);
  return texts.join('\n');
});

it('goes from the owner to two signers and back', async () => {
  mock.signedIn = true;
  const lease = mock.newDocument('Lease', 'Lease.pdf', 1000);
  const person = (id: string, name: string, language: string) => ({ id: id.repeat(32), name, email: `${id}@example.org`, language, state: 'invited' as const, typed: false });
  Object.assign(lease, { state: 'sent', signers: [person('a', 'Chloé Martin', 'fr'), person('b', 'Bo Berg', 'en')] });
  mock.documents.push(lease);
  const { context, page, faults } = await open(browser, 'tablet');
  await page.goto(`${mock.url}/#/documents/${lease.id}`);
  await page.evaluate(() => localStorage.setItem('link-of-somebody', JSON.stringify({ secret: 'left-from-a-link-opened-here-before', at: Date.now() })));
  await get(page, 'in-person').click();
  await get(page, 'in-person-go').click();
  await get(page, 'hand').waitFor();
  expect(mock.signedIn).toBe(false); // the owner's session does not go round
  expect(page.url()).toBe(`${mock.url}/sign?hand`);
  await shoot(page, 'hand-first-tablet');
  await get(page, 'hand-take').click();
  await page.getByText('vous demande de signer').waitFor(); // in the signer's own language
  await page.reload(); // goes on with the same signer
  await page.getByText('Chloé').first().waitFor();
  await typeName(page, 'Chloé Martin');
  expect(await get(page, 'download-pdf').count()).toBe(0);
  await shoot(page, 'hand-on-tablet');
  await get(page, 'hand-on').click();
  await page.getByRole('heading', { name: 'Bo Berg' }).waitFor();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
  expect(await kept(page)).not.toMatch(/Chlo|[\w]{20,}/);
  await page.goBack().catch(() => undefined);
  await page.goto(`${mock.url}/sign?hand`);
  await get(page, 'hand-take').click();
  await get(page, 'intro').waitFor();
  expect(await get(page, 'intro').textContent()).not.toContain('Chlo');
  await typeName(page, 'Bo Berg');
  await get(page, 'hand-on').click();
  await page.getByText('give the device back').waitFor();
  await shoot(page, 'hand-over-tablet');
  await get(page, 'hand-end').click();
  await get(page, 'hand-end-confirm').click();
  await get(page, 'sign-in').waitFor();
  expect(faults).toEqual([]);
  await context.close();
});
