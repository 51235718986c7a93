// Members, settings, activity: what the owner does beside documents.
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

it('invites a member, changes a role after a proof, and removes', async () => {
  const { context, page, faults } = await open(browser, 'desktop');
  await page.goto(mock.url);
  await get(page, 'nav-members').click();
  await page.getByText('You are alone here').waitFor();
  await get(page, 'invite-member-email').fill('bo@example.org');
  await get(page, 'invite-member-role').selectOption('investigator');
  await get(page, 'invite-member-go').click();
  await get(page, 'invite-member-sent').waitFor();
  expect(mock.people.invitations[0]).toMatchObject({ email: 'bo@example.org', role: 'investigator' });
  await get(page, 'invitation-revoke').click();
  await expect.poll(() => mock.people.invitations[0]!.state).toBe('revoked');
  mock.people.members.push({ account: 'b1', name: 'Bo Berg', email: 'bo@example.org', role: 'sender', addedAt: '2026-11-21T10:00:00Z' });
  await page.reload();
  await get(page, 'member-role').focus();
  await page.keyboard.press('Home'); // passes through other roles, which must not be given on the way
  await get(page, 'member-role').selectOption('reviewer');
  await get(page, 'member-role-change').waitFor();
  await page.waitForTimeout(300);
  expect(mock.requests.filter((one) => one.startsWith('PATCH /api/members'))).toEqual([]);
  await get(page, 'member-role-change').click();
  await get(page, 'proof-password').fill('wrong');
  await get(page, 'proof-go').click();
  await page.locator('[data-test=proof] [data-test=problem]').waitFor();
  await get(page, 'proof-password').fill('correct horse battery');
  await get(page, 'proof-go').click();
  await expect.poll(() => mock.people.members[1]!.role).toBe('reviewer');
  await get(page, 'member-role-change').waitFor({ state: 'detached' });
  await shoot(page, 'people-members-desktop');
  await get(page, 'member-remove').click();
  await get(page, 'member-remove-confirm').click();
  await expect.poll(() => mock.people.members.length).toBe(1);
  expect(faults).toEqual([]);
  await context.close();
});

it('changes profile, password, factors, keys, webhooks and the provider', async () => {
  const { context, page, faults } = await open(browser, 'tablet');
  await page.goto(`${mock.url}/#/settings`);
  await expect.poll(() => get(page, 'profile-name').inputValue()).toBe('Ada Durand');
  await get(page, 'profile-name').fill('Ada D.');
  await get(page, 'profile-save').click();
  await get(page, 'profile-saved').waitFor();
  expect(mock.people.profile.name).toBe('Ada D.');
  await get(page, 'password-current').fill('an older one of mine');
  await get(page, 'password-new').fill('another long password');
  await get(page, 'password-go').click();
  await get(page, 'proof-password').fill('correct horse battery');
  await get(page, 'proof-go').click();
  await get(page, 'password').getByText('The current password is not this one.').waitFor();
  await get(page, 'password-current').fill('correct horse battery');
  await get(page, 'password-go').click();
  await get(page, 'password-changed').waitFor();
  expect(mock.people.password).toBe('another long password');
  await get(page, 'totp-begin').click();
  expect(await get(page, 'totp-secret').textContent()).toContain('JBSW Y3DP');
  await get(page, 'totp-code').fill('123456');
  await get(page, 'totp-confirm').click();
  expect(await get(page, 'codes').textContent()).toContain('aaaa-bbbb');
  await get(page, 'organisation-second-factor').click();
  await expect.poll(() => mock.people.organisation.secondFactor).toBe(true);
  await get(page, 'key-name').fill('Bookkeeping');
  await get(page, 'key-use').selectOption('collect');
  await get(page, 'key-days').fill('');
  await get(page, 'key-days').pressSequentially('1-2'); // a number field tells nothing of it but that it is none
  await get(page, 'key-make').click();
  await expect.poll(() => page.locator('.field-error').textContent()).toContain('cannot be read');
  expect(mock.people.keys).toEqual([]);
  await get(page, 'key-days').fill('30');
  await get(page, 'key-make').click();
  expect(await get(page, 'secret').first().textContent()).toContain('ink_secret');
  await get(page, 'key-revoke').click();
  await get(page, 'key-revoke-confirm').click();
  await expect.poll(() => mock.people.keys[0]!.revokedAt).toBeTruthy();
  await get(page, 'webhook-url').fill('https://hooks.example.org/ink');
  await get(page, 'webhook-make').click();
  await get(page, 'webhook-deliveries').click();
  await get(page, 'delivery').waitFor();
  await get(page, 'webhook-active').click();
  await expect.poll(() => mock.people.webhooks[0]!.active).toBe(false);
  await get(page, 'provider-issuer').fill('https://login.example.org');
  await get(page, 'provider-client').fill('inkwitness');
  await get(page, 'provider-secret').fill('s');
  expect(await get(page, 'provider-second').isChecked()).toBe(false);
  await get(page, 'provider-second').check();
  await get(page, 'provider-save').click();
  await page.getByText('https://sign.example/api/sso/back').waitFor();
  expect(mock.people.provider).toMatchObject({ enforced: false, secondFactor: true });
  await get(page, 'provider-name').fill('atelier');
  await get(page, 'provider-name-add').click();
  await get(page, 'provider-name-line').waitFor();
  await get(page, 'provider-name').fill('atelier.example');
  await get(page, 'provider-name-add').click();
  expect(await get(page, 'provider-name-value').textContent()).toBe('inkwitness-verification=abc');
  await get(page, 'provider-name-verify').click();
  await page.locator('[data-test=provider-names] [data-test=problem]').waitFor();
  await shoot(page, 'people-names-tablet');
  mock.people.shown = true;
  await get(page, 'provider-name-verify').click();
  await expect.poll(() => mock.people.names[1]!.verified).toBeTruthy();
  await get(page, 'provider-name-remove').first().click();
  await get(page, 'provider-name-remove-confirm').click();
  await expect.poll(() => mock.people.names.length).toBe(1);
  await shoot(page, 'people-settings-tablet');
  expect(faults).toEqual([]);
  await context.close();
});

it('names who acted and on what, also who has left', async () => {
  const at = '2026-11-24T19:00:00Z';
  const [lease, gone] = ['3'.repeat(32), '4'.repeat(32)].map((id) => `document:${id}`);
  mock.people.audit = [
    { at, kind: 'evidence.opened', account: 'b'.repeat(32), who: 'Bo Berg', object: lease, title: 'Lease', signer: 'Chloé Martin' }, // no member any more
    { at, kind: 'evidence.opened', account: 'c'.repeat(32), object: gone },
    { at, kind: 'signer.opened', object: lease, title: 'Lease', signer: 'Chloé Martin' },
    { at, kind: 'signer.reminded', object: lease, title: 'Lease', signer: 'Chloé Martin' },
  ];
  const { context, page, faults } = await open(browser, 'phone');
  await context.route('**/api/members', (route) => route.fulfill({ status: 503 })); // the names do not hang on it
  await page.goto(`${mock.url}/#/activity`);
  await expect.poll(() => get(page, 'record-line').evaluateAll((lines) => lines.map((line) => line.textContent!.replace(/^.*?(?=Bo|Former|Chloé|Inkwitness)/, '')))).toEqual([
    'Bo Berg: opened the recorded evidence · Lease · Chloé Martin',
    'Former member cccccccc: opened the recorded evidence · Document 44444444',
    'Chloé Martin: opened the document to sign · Lease',
    'Inkwitness: reminder sent · Lease · Chloé Martin',
  ]);
  expect(await page.getByRole('link', { name: 'Lease' }).count()).toBe(3);
  expect(faults).toEqual([]);
  await context.close();
});

it('adds older lines once however often they are asked for', async () => {
  mock.people.audit = Array.from({ length: 100 }, (_, i) => ({ at: `2026-11-24T19:00:${String(59 - (i % 60)).padStart(2, '0')}Z`, kind: 'signer.reminded', object: `document:${'3'.repeat(32)}`, title: 'Lease', signer: 'Chloé Martin' }));
  const { context, page, faults } = await open(browser, 'desktop');
  await page.goto(`${mock.url}/#/activity`);
  await expect.poll(() => get(page, 'record-line').count()).toBe(100);
  const slow = await hold(context, '**/api/audit*');
  await get(page, 'record-more').evaluate((button) => { (button as HTMLElement).click(); setTimeout(() => (button as HTMLElement).click(), 50); });
  await slow.asked;
  await page.waitForTimeout(100); // for the second press
  await slow.letGo();
  await expect.poll(() => get(page, 'record-line').count()).toBeGreaterThan(100);
  await expect.poll(() => get(page, 'record-more').isEnabled()).toBe(true);
  expect(await get(page, 'record-line').count()).toBe(200);
  expect(faults).toEqual([]);
  await context.close();
});

it('asks for no proof on another page than the one that acted', async () => {
  const { context, page } = await open(browser, 'desktop');
  mock.people.members.push({ account: 'b1', name: 'Bo Berg', email: 'bo@example.org', role: 'sender', addedAt: '2026-11-21T10:00:00Z' });
  await page.goto(`${mock.url}/#/members`);
  await get(page, 'member-role').selectOption('admin');
  await get(page, 'member-role-change').click();
  await get(page, 'proof-password').waitFor();
  await page.evaluate(() => (location.hash = '#/settings'));
  await get(page, 'settings').waitFor();
  await get(page, 'profile').waitFor();
  expect(await get(page, 'proof-password').count()).toBe(0);
  expect(mock.people.members[1]!.role).toBe('sender');
  await context.close();
});

it('shows who looked at what, and finds documents', async () => {
  for (const [i, title] of ['Lease of the Old Mill', 'Sale of a horse'].entries()) {
    const made = mock.newDocument(title, `${i}.pdf`, 1000);
    Object.assign(made, { state: i === 0 ? 'draft' : 'cancelled', signers: [{ id: 's', name: i === 0 ? 'Chloé' : 'Bo', email: 'x@example.org', language: 'en', state: 'waiting', typed: false }] });
    mock.documents.push(made);
  }
  const { context, page } = await open(browser, 'phone');
  await page.goto(`${mock.url}/#/activity`);
  await get(page, 'record-line').first().waitFor();
  expect(await get(page, 'record-line').first().textContent()).toContain('Ada Durand: opened the recorded evidence · Lease 17 · Chloé Martin');
  await shoot(page, 'people-activity-phone');
  await get(page, 'nav-documents').click();
  await get(page, 'search').fill('MILL chlo');
  await expect.poll(() => get(page, 'document-line').count()).toBe(1);
  await get(page, 'search').fill('');
  await get(page, 'filter-state').selectOption('cancelled');
  await expect.poll(() => get(page, 'document-line').textContent()).toContain('horse');
  await get(page, 'filter-state').selectOption('completed');
  await get(page, 'no-match').waitFor();
  await context.close();
});

it('goes to the organisation’s own sign-in by address or short name, and says what went wrong there', async () => {
  mock.signedIn = false;
  const { context, page, faults } = await open(browser, 'phone');
  await page.goto(mock.url);
  await get(page, 'sign-in-email').fill('ada@nowhere.example');
  await get(page, 'sso').click();
  expect(await get(page, 'sso-name').inputValue()).toBe('ada@nowhere.example');
  await get(page, 'sso-go').click();
  expect(await get(page, 'sso-problem').textContent()).toContain('No organisation signs in under this name');
  await shoot(page, 'own-sso-phone');
  await get(page, 'sso-name').fill('ada@atelier.example');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/sign/); // where the stand-in's provider sends everybody
  await page.goto(`${mock.url}/#sso=p1&problem=signed-in-elsewhere`);
  await get(page, 'sso-again').waitFor();
  expect(page.url()).not.toContain('sso');
  await get(page, 'sso-again').click();
  await page.waitForURL(/\/sign/);
  expect(mock.tookOver).toBe(true);
  await page.goto(`${mock.url}/#sso=p1&problem=not-signed-in`);
  expect(await get(page, 'sso-problem').textContent()).toContain('did not work');
  expect(faults).toEqual([]);
  await context.close();
});

it('keeps what is written in the settings when an answer comes', async () => {
  const { context, page } = await open(browser, 'desktop');
  const profile = await hold(context, '**/api/profile');
  await page.goto(`${mock.url}/#/settings`);
  await profile.asked;
  await get(page, 'organisation-name').fill('Atelier Durand & Co');
  expect(await get(page, 'profile-name').count()).toBe(0); // nothing to write in before it is known what stands there
  await profile.letGo();
  await expect.poll(() => get(page, 'profile-name').inputValue()).toBe('Ada Durand');
  const organisation = await hold(context, '**/api/organisation'); // the change of another setting
  await get(page, 'organisation-second-factor').click();
  await organisation.asked;
  await get(page, 'organisation-controller').fill('Bo Berg, 5 rue Basse');
  await organisation.letGo();
  await get(page, 'organisation-saved').waitFor();
  expect(await get(page, 'organisation-name').inputValue()).toBe('Atelier Durand & Co');
  expect(await get(page, 'organisation-controller').inputValue()).toBe('Bo Berg, 5 rue Basse');
  expect(await get(page, 'organisation-second-factor').isChecked()).toBe(true);
  await context.close();
});
