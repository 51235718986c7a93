import jsQR from 'jsqr';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
});
afterEach(() => mock.stop());

const file = (name: string, buffer: Uint8Array, mimeType = 'application/pdf') => ({ name, mimeType, buffer: Buffer.from(buffer) });

// What a phone's camera reads from the screen.
async function readCode(page: Page): Promise<string | undefined> {
  const png = await get(page, 'qr').screenshot();
  const { data, width, height } = await page.evaluate(async (base64) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return { data: btoa(data.reduce((bytes, byte) => bytes + String.fromCharCode(byte), '')), width, height };
  }, png.toString('base64'));
  return jsQR(Uint8ClampedArray.from(Buffer.from(data, 'base64')), width, height)?.data;
}

describe('owning', () => {
  it('takes 8 characters together with a second factor, and shows its recovery codes', async () => {
    const { context, page, faults } = await open(browser, 'phone');
    await page.goto(`${mock.url}/#invitation=good`);
    await get(page, 'invite-name').fill('Ada Durand');
    await get(page, 'invite-password').fill('kite lamp');
    await get(page, 'invite-second').check();
    expect(await get(page, 'invite-secret').textContent()).toContain('JBSW Y3DP');
    expect(await readCode(page)).toBe('otpauth://totp/Inkwitness:ada');
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await readCode(page)).toBe('otpauth://totp/Inkwitness:ada');
    await get(page, 'invite-code').fill('123 456');
    await shoot(page, 'own-invite-second-phone');
    await get(page, 'invite-accept').click();
    await page.getByText('cccc-dddd').waitFor();
    await get(page, 'invite-codes-kept').click();
    await get(page, 'documents').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  it('goes from the invitation to a document that is sent, followed and downloaded', async () => {
    mock.providers.push({ name: 'elsewhere', legal: 'Test Trust Services', country: 'FR', level: 'qualified' });
    const { context, page, faults } = await open(browser, 'desktop');
    await page.goto(`${mock.url}/#invitation=good`);
    await get(page, 'invite-name').fill('Ada Durand');
    await get(page, 'invite-password').fill('too short');
    await get(page, 'invite-accept').click();
    expect(await get(page, 'problem').textContent()).toContain('15 characters');
    await shoot(page, 'own-1-invitation-desktop');
    await get(page, 'invite-password').fill('correct horse battery');
    await get(page, 'invite-accept').click();
    await get(page, 'documents-empty').waitFor();
    await shoot(page, 'own-2-empty-desktop');

    await get(page, 'upload-file').setInputFiles(file('notes.txt', new TextEncoder().encode('hello'), 'text/plain'));
    await get(page, 'problem').waitFor();
    await get(page, 'upload-file').setInputFiles(file('Rental agreement.pdf', mock.pdf));
    await get(page, 'plan').waitFor();
    await page.locator('.pdf-text[data-ready]').first().waitFor();
    await get(page, 'send').click();
    await get(page, 'plan-missing').waitFor();
    await get(page, 'signer-name').fill('Chloé Martin');
    await get(page, 'signer-email').fill('chloe@example.org');
    await get(page, 'provider').selectOption('elsewhere');
    await expect.poll(() => mock.documents[0]!.provider).toBe('elsewhere');
    await get(page, 'place-field').click();
    await get(page, 'field').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowDown');
    const box = (await get(page, 'field').boundingBox())!;
    await page.mouse.move(box.x + 20, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x - 60, box.y - 100, { steps: 4 });
    await page.mouse.up();
    await get(page, 'field-kind').selectOption('initials');
    await get(page, 'place-field').click();
    await page.locator('[data-test=field-numbers]').nth(1).locator('summary').click();
    await get(page, 'field-everywhere').nth(1).click();
    await get(page, 'field-kind').selectOption('text');
    await get(page, 'place-field').click();
    await page.locator('[data-test=field-numbers]').nth(4).locator('summary').click();
    await get(page, 'field-label').last().fill('Place of birth');
    await get(page, 'field-required').last().check();
    await shoot(page, 'own-3-plan-desktop');
    await get(page, 'send').click();
    await get(page, 'document-state').waitFor();
    expect(await get(page, 'mails-kept').locator('a').getAttribute('href')).toBe('#/outbox');
    await shoot(page, 'own-mails-kept');
    const document = mock.documents[0]!;
    const field = document.fields[0]!;
    expect(field).toMatchObject({ signer: 0, page: 1, width: 200, height: 75 });
    expect(field.x).toBeLessThan(202.5);
    expect(document.fields.slice(1).map(({ kind, page, required }) => [kind, page, required])).toEqual([
      ['initials', 1, true], ['initials', 2, true], ['initials', 3, true], ['text', 1, true],
    ]);
    expect(document.fields.at(-1)?.label).toBe('Place of birth');
    expect(page.url()).toContain(`#/documents/${document.id}`);
    expect(await get(page, 'erase').count()).toBe(0); // nothing is recorded of them yet
    await shoot(page, 'own-4-sent-desktop');

    await get(page, 'signer-correct').click();
    await get(page, 'correct-email').fill('chloe.martin@example.org');
    await get(page, 'signer-second').check();
    await get(page, 'signer-phone').fill('+33 6 12 34 56 78');
    await get(page, 'correct-go').click();
    await expect.poll(() => document.signers[0]).toMatchObject({ email: 'chloe.martin@example.org', second: true, phone: '+33 6 12 34 56 78' });
    await get(page, 'reminders').selectOption('3');
    await get(page, 'reminder-next').waitFor();
    document.state = 'completed';
    Object.assign(document.signers[0]!, { state: 'signed', signedAt: '2026-11-23T19:00:00Z' });
    document.deposit = { id: 'd', size: 300_000, sha256: document.sha256, createdAt: '2026-11-23T19:00:01Z', retainUntil: '2036-11-23T19:00:01Z', hold: false, state: 'kept', mayDownload: true };
    await get(page, 'download-deposit').waitFor();
    await shoot(page, 'own-5-completed-desktop');
    const download = page.waitForEvent('download');
    await get(page, 'download-deposit').click();
    expect((await download).suggestedFilename()).toBe('Rental agreement.asice');
    expect(await get(page, 'investigate').getAttribute('href')).toBe(`/compare#${document.id}/s0`);
    await get(page, 'nav-outbox').click();
    await get(page, 'mail-link').waitFor();
    await shoot(page, 'own-6-outbox-desktop');
    await get(page, 'nav-documents').click();
    await get(page, 'document-line').waitFor();
    await shoot(page, 'own-7-list-desktop');
    await get(page, 'sign-out').click();
    await get(page, 'sign-in').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  it('signs in, and says what is wrong when it cannot', async () => {
    const { context, page } = await open(browser, 'phone');
    await page.goto(mock.url);
    await get(page, 'sign-in-email').fill('ada@atelier.example');
    await get(page, 'sign-in-password').fill('wrong');
    await get(page, 'sign-in-go').click();
    expect(await get(page, 'problem').textContent()).toContain('password is wrong');
    await shoot(page, 'own-signin-phone');
    await get(page, 'sign-in-password').fill('correct horse battery');
    await get(page, 'sign-in-go').click();
    await get(page, 'documents').waitFor();
    mock.signedIn = false;
    await page.reload();
    await get(page, 'sign-in').waitFor();
    await context.close();
  });

  it('stores the last of several choices that the arrow keys make, and tells of one that it could not store', async () => {
    mock.signedIn = true;
    const document = mock.newDocument('Lease', 'Lease.pdf', 1000);
    Object.assign(document, { state: 'sent', signers: [{ id: 's', name: 'Bo', email: 'bo@example.org', language: 'en', state: 'invited', typed: false }] });
    mock.documents.push(document);
    const { context, page } = await open(browser, 'desktop');
    const sent: number[] = [];
    let letGo: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (letGo = resolve));
    await context.route('**/reminders', async (route) => {
      sent.push(route.request().postDataJSON().days);
      if (sent.length === 1) await first;
      if (sent.length === 3) return route.fulfill({ status: 503 });
      await route.continue();
    });
    await page.goto(`${mock.url}/#/documents/${document.id}`);
    await get(page, 'reminders').focus();
    for (const days of ['1', '2', '3']) {
      await page.keyboard.press('ArrowDown');
      expect(await get(page, 'reminders').inputValue()).toBe(days);
    }
    await expect.poll(() => sent).toEqual([1]);
    letGo();
    await expect.poll(() => document.remindDays).toBe(3);
    expect(sent).toEqual([1, 3]);
    await get(page, 'reminder-next').waitFor();
    expect(await get(page, 'reminders').inputValue()).toBe('3');
    await get(page, 'reminders').selectOption('7');
    await get(page, 'problem').waitFor();
    expect(await get(page, 'reminders').inputValue()).toBe('3'); // what is stored
    await context.close();
  });

  it('sends a document only with what was chosen for it', async () => {
    mock.signedIn = true;
    const document = mock.newDocument('Lease', 'Lease.pdf', 1000);
    Object.assign(document, { signers: [{ id: 's', name: 'Bo', email: 'bo@example.org', language: 'en', state: 'waiting', typed: false }], fields: [{ signer: 0, kind: 'signature', page: 1, x: 60, y: 60, width: 180, height: 60 }] });
    mock.documents.push(document);
    const { context, page } = await open(browser, 'desktop');
    const asked: string[] = [];
    let letGo: () => void = () => undefined;
    const until = new Promise<void>((resolve) => (letGo = resolve));
    await context.route(`**/api/documents/${document.id}/*`, async (route) => {
      asked.push(new URL(route.request().url()).pathname.split('/').at(-1)!);
      if (asked.at(-1) === 'reminders') await until;
      await route.continue();
    });
    await page.goto(`${mock.url}/#/documents/${document.id}`);
    await get(page, 'reminders').selectOption('3');
    await get(page, 'send').click();
    await expect.poll(() => get(page, 'send').getAttribute('aria-busy')).toBe('true');
    await page.waitForTimeout(300);
    expect(asked.filter((one) => one === 'send')).toEqual([]);
    letGo();
    await get(page, 'document-state').waitFor();
    expect(document).toMatchObject({ state: 'sent', remindDays: 3 });
    await context.close();
  });

  it('leaves who went elsewhere during an upload where they are', async () => {
    const { context, page, faults } = await open(browser, 'desktop');
    mock.signedIn = true;
    await page.goto(mock.url);
    await get(page, 'upload-file').waitFor({ state: 'attached' });
    const slow = await hold(context, '**/api/documents*title=*');
    await get(page, 'upload-file').setInputFiles(file('Lease.pdf', mock.pdf));
    await slow.asked;
    await get(page, 'nav-outbox').click();
    await get(page, 'outbox').waitFor();
    await slow.letGo();
    await page.waitForFunction(() => performance.getEntriesByType('resource').some((one) => one.name.includes('title=')));
    await get(page, 'nav-activity').click(); // a press later, the answer has come
    await get(page, 'record').waitFor();
    expect(page.url()).toContain('#/activity');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('does not show again what was asked for before a change was made', async () => {
    mock.signedIn = true;
    const document = mock.newDocument('Lease', 'Lease.pdf', 1000);
    Object.assign(document, { state: 'sent', signers: [{ id: 's', name: 'Bo', email: 'bo@example.org', language: 'en', state: 'invited', typed: false }] });
    mock.documents.push(document);
    const { context, page } = await open(browser, 'desktop');
    await page.goto(`${mock.url}/#/documents/${document.id}`);
    await get(page, 'reminders').waitFor();
    await context.route(`**/api/documents/${document.id}`, () => undefined); // and nothing newer is heard
    const older = await hold(context, `**/api/documents/${document.id}`); // as the page asks every 3 s
    await older.asked;
    await get(page, 'reminders').selectOption('3');
    await get(page, 'reminder-next').waitFor();
    await older.letGo();
    await page.waitForTimeout(300);
    expect(await get(page, 'reminders').inputValue()).toBe('3');
    expect(await get(page, 'reminder-next').count()).toBe(1);
    await context.close();
  });

  it('keeps the older documents in the list when new ones come', async () => {
    mock.signedIn = true;
    const { context, page, faults } = await open(browser, 'phone');
    const make = (i: number) => Object.assign(mock.newDocument(`Lease ${i}`, 'a.pdf', 10), { id: String(i).padStart(32, '0'), createdAt: new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString() });
    const all = Array.from({ length: 60 }, (_, i) => make(i)).reverse(); // the newest first
    await context.route(/\/api\/documents(\?.*)?$/, (route) => {
      const before = new URL(route.request().url()).searchParams.get('before');
      return route.fulfill({ json: { documents: all.filter(({ createdAt }) => !before || createdAt < before).slice(0, 50) } });
    });
    const listed = () => get(page, 'document-line').locator('strong').allTextContents();
    const made = () => all.map(({ title }) => title);
    await page.clock.install();
    await page.goto(mock.url);
    await expect.poll(async () => (await listed()).length).toBe(50);
    await get(page, 'older').click();
    await expect.poll(listed).toEqual(made());
    all.unshift(make(100));
    await page.clock.runFor(5000); // the page asks again
    await expect.poll(listed).toEqual(made());
    all.splice(3, 1); // deleted elsewhere
    await page.clock.runFor(5000);
    await expect.poll(listed).toEqual(made());
    all.unshift(...Array.from({ length: 70 }, (_, i) => make(270 - i))); // while the device slept
    await page.clock.runFor(5000);
    await expect.poll(listed).toEqual(made().slice(0, 50));
    for (const n of [100, 130]) {
      await get(page, 'older').click();
      await expect.poll(listed).toEqual(made().slice(0, n));
    }
    expect(faults).toEqual([]);
    await context.close();
  });

  it('lists no fewer documents than it has listed when an older answer comes late', async () => {
    mock.signedIn = true;
    mock.documents.push(mock.newDocument('Lease', 'Lease.pdf', 1000));
    const { context, page } = await open(browser, 'desktop');
    await page.goto(mock.url);
    await get(page, 'document-line').waitFor();
    const older = await hold(context, '**/api/documents');
    await older.asked;
    mock.documents.push(mock.newDocument('Deed', 'Deed.pdf', 1000));
    await expect.poll(() => get(page, 'document-line').count()).toBe(2);
    await context.route('**/api/documents', () => undefined); // and nothing newer is heard
    await older.letGo();
    await page.waitForTimeout(300);
    expect(await get(page, 'document-line').count()).toBe(2);
    await context.close();
  });

  it('withdraws a document after asking', async () => {
    mock.signedIn = true;
    const document = mock.newDocument('Lease', 'Lease.pdf', 1000);
    Object.assign(document, { state: 'sent', signers: [{ id: 's', name: 'Bo', email: 'bo@example.org', language: 'en', state: 'invited', typed: false }] });
    mock.documents.push(document);
    const { context, page } = await open(browser, 'phone');
    await page.goto(`${mock.url}/#/documents/${document.id}`);
    await get(page, 'activity').getByText('Former member cccccccc: ').waitFor(); // no account any more
    await get(page, 'cancel').click();
    await get(page, 'cancel-confirm').click();
    await page.getByText('Withdrawn').first().waitFor();
    await shoot(page, 'own-withdrawn-phone');
    await context.close();
  });
});
