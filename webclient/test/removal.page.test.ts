// What is removed for good is asked about first, and named.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { get, hold, launch, open, shoot } from './browser.ts';
import { Mock } from './mock/server.ts';
import { untranslated } from './untranslated.ts';

let browser: Browser;
let mock: Mock;
let context: BrowserContext;
let page: Page;
let faults: string[];
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
  mock.signedIn = true;
  const at = '2026-11-20T10:00:00Z';
  mock.people.members.push({ account: 'b1', name: 'Bo Berg', email: 'bo@example.org', role: 'sender', addedAt: at });
  mock.people.keys = ['Bookkeeping', 'Archive'].map((name, i) => ({ id: `k${i}`, name, scopes: ['document:list'], createdAt: at, expiresAt: '2027-02-18T10:00:00Z' }));
  mock.people.webhooks = ['ink', 'other'].map((path, i) => ({ id: `w${i}`, url: `https://hooks.example.org/${path}`, kinds: [], active: true, createdAt: at }));
  Object.assign(mock.people.factors, { totp: true, recoveryCodes: 2, passkeys: ['Phone of Ada', 'Desk'].map((name, i) => ({ id: `p${i}`, name, createdAt: at })) });
  mock.people.provider = { kind: 'oidc', role: 'sender', issuer: 'https://login.example.org', clientId: 'ink' };
  mock.people.names = [{ name: 'atelier', domain: false, verified: at }];
  ({ context, page, faults } = await open(browser, 'tablet'));
});
afterEach(async () => {
  await context.close();
  await mock.stop();
});

const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-test') ?? document.activeElement?.tagName);
const deleted = () => mock.requests.filter((one) => one.startsWith('DELETE'));

// What goes, the name by which the question calls it, what is sent, and where the focus is then.
const REMOVALS: Record<string, { at: string; names: string; sends: string; then: string }> = {
  'member-remove': { at: 'members', names: 'Bo Berg', sends: 'DELETE /api/members/b1', then: 'Members' },
  'key-revoke': { at: 'settings', names: 'Bookkeeping', sends: 'DELETE /api/keys/k0', then: 'API keys' },
  'webhook-remove': { at: 'settings', names: 'https://hooks.example.org/ink', sends: 'DELETE /api/webhooks/w0', then: 'Webhooks' },
  'passkey-remove': { at: 'settings', names: 'Phone of Ada', sends: 'DELETE /api/factors/passkeys/p0', then: 'Second factor' },
  'totp-remove': { at: 'settings', names: 'authenticator app', sends: 'DELETE /api/factors/totp', then: 'Second factor' },
  'provider-name-remove': { at: 'settings', names: 'atelier', sends: 'DELETE /api/organisation/provider/names/atelier', then: 'How members find this sign-in' },
  'provider-remove': { at: 'settings', names: 'organisation', sends: 'DELETE /api/organisation/provider', then: 'Sign-in with your organisation' },
};

// By keyboard alone.
it.each(Object.keys(REMOVALS))('asks first: %s', async (test) => {
  const removal = REMOVALS[test]!;
  const dialog = get(page, `${test}-dialog`).and(page.locator('[open]')); // each line has one
  await page.goto(`${mock.url}/#/${removal.at}`);
  const opener = get(page, test).first();
  await opener.focus();
  await page.keyboard.press('Enter');
  await get(page, `${test}-confirm`).waitFor();
  expect(await dialog.getByRole('heading').textContent()).toContain(removal.names);
  expect(await dialog.locator('p').textContent()).toMatch(/\w.*\.$/); // what stops working
  expect(await dialog.evaluate((element) => element.matches(':modal') && element.contains(document.activeElement))).toBe(true);
  await shoot(page, `removal-${test}`);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await expect.poll(focused).toBe(test);
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Cancel' }).focus();
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await expect.poll(focused).toBe(test);
  expect(deleted()).toEqual([]);

  await page.keyboard.press('Enter');
  await get(page, `${test}-confirm`).focus();
  await page.keyboard.press('Enter');
  await expect.poll(deleted).toEqual([removal.sends]);
  await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toBe(removal.then);
  expect(faults).toEqual([]);
});

it('stays where it is asked for again at once', async () => {
  await page.goto(`${mock.url}/#/settings`);
  await get(page, 'provider-remove').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).evaluate(async (cancel: HTMLElement) => {
    cancel.click();
    while (document.querySelector('dialog[open]')) await Promise.resolve();
    document.querySelector<HTMLElement>('[data-test=provider-remove]')!.click();
    await new Promise((resolve) => setTimeout(resolve)); // the browser tells late that the dialog was closed
  });
  await get(page, 'provider-remove-confirm').click();
  await expect.poll(deleted).toEqual(['DELETE /api/organisation/provider']);
});

it('can be asked again as soon as a key has closed it', async () => {
  await page.goto(`${mock.url}/#/settings`);
  const opener = get(page, 'provider-remove');
  await opener.evaluate((element: HTMLElement) => { // a click in the very moment in which the dialog is closed
    const watch = new MutationObserver(() => {
      if (document.querySelector('dialog[open]')) return;
      watch.disconnect();
      element.click();
    });
    addEventListener('close', () => Object.assign(window, { told: true }), { capture: true, once: true });
    watch.observe(document.body, { subtree: true, attributes: true, attributeFilter: ['open'] });
  });
  await opener.click();
  await get(page, 'provider-remove-confirm').waitFor();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => 'told' in window); // the browser has told that it was closed
  await get(page, 'provider-remove-confirm').click();
  await expect.poll(deleted).toEqual(['DELETE /api/organisation/provider']);
});

it('says that nothing was removed where the service refuses, and leaves the focus on the button', async () => {
  await page.goto(`${mock.url}/#/settings`);
  await context.route('**/api/keys/k0', (route) => route.fulfill({ status: 500, json: {} }));
  await get(page, 'key-revoke').first().click();
  await get(page, 'key-revoke-confirm').click();
  await get(page, 'keys').locator('[data-test=problem]').waitFor();
  expect(await get(page, 'key').count()).toBe(2);
  expect(await focused()).toBe('key-revoke');
});

it('leaves the focus where somebody went meanwhile', async () => {
  await page.goto(`${mock.url}/#/settings`);
  await get(page, 'key-revoke').first().waitFor();
  const slow = await hold(context, '**/api/keys/k0');
  await get(page, 'key-revoke').first().click();
  await get(page, 'key-revoke-confirm').click();
  await slow.asked;
  await get(page, 'key-name').focus();
  await slow.letGo();
  await expect.poll(() => get(page, 'key').count()).toBe(1);
  expect(await focused()).toBe('key-name');
});

it.each(['fr', 'zh-Hant', 'zh-Hans'])('asks in the language of the page: %s', async (language) => {
  await page.goto(`${mock.url}/#/settings`);
  await get(page, 'language').selectOption(language);
  for (const test of ['key-revoke', 'webhook-remove', 'passkey-remove', 'totp-remove', 'provider-remove', 'provider-name-remove']) {
    await get(page, test).first().click();
    await get(page, `${test}-confirm`).waitFor();
    expect(await untranslated(page), test).toEqual([]);
    await shoot(page, `removal-${test}-${language}`);
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
  }
});
