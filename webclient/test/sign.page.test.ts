import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FieldKind } from '../src/api.ts';
import type { Point } from '../src/ink/point.ts';
import { answerMedia, drawPen, get, hold, kept, launch, open, readSignature, type Sample, shoot } from './browser.ts';
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

const samples = readSignature('w1-genuine-01');

async function read(page: Page, url = `${mock.url}/sign#t=${TOKEN}`): Promise<void> {
  await page.goto(url);
  await get(page, 'start-reading').click();
  await page.locator('.pdf-text[data-ready]').first().waitFor();
  await get(page, 'read-done').click();
}

async function agree(page: Page, answers: Record<string, boolean>): Promise<void> {
  for (const [purpose, given] of Object.entries(answers)) await get(page, `consent-${purpose}-${given ? 'yes' : 'no'}`).check();
  await get(page, 'consent-done').click();
}

// Waits until the newest capture takes samples.
async function live(page: Page): Promise<void> {
  await page.locator('[data-test=pad][data-state=live]').waitFor();
  await expect.poll(() => get(page, 'pad').getAttribute('data-capture'), { timeout: 15_000 }).toBe(mock.lastSession().id);
}

// One field of each kind beside the signatures, initials on every page.
function withFields(): void {
  const at = (kind: FieldKind, page: number, y: number, more: object = {}) => ({ name: `${kind}-${page}-${y}`, kind, page, x: 60, y, width: 180, height: 24, ...more });
  mock.ceremony.fields.push(
    ...[1, 2, 3].map((page) => at('initials', page, 40, { width: 60, required: true })),
    at('text', 1, 300, { label: 'Place of birth', required: true }), at('date', 1, 340, { label: 'Moving in' }),
    at('checkbox', 1, 380, { label: 'I have the keys', width: 18, height: 18, required: true }), at('text', 1, 420, { fixed: true, value: 'Contract 2026-17' }),
  );
}

describe('reading', () => {
  it('can be confirmed only while the document is shown, and is not skipped by a reload', async () => {
    const { context, page } = await open(browser, 'tablet');
    let answer: 'hang' | 'fail' | 'cut' | 'go on' = 'hang';
    const answered: string[] = [];
    await context.route('**/api/signing/pdf', (route) => {
      answered.push(answer);
      if (answer === 'fail') return route.fulfill({ status: 503 });
      if (answer === 'cut') return route.fulfill({ body: Buffer.from(mock.pdf.subarray(0, mock.pdf.length / 2)), contentType: 'application/pdf' });
      if (answer === 'go on') return route.continue();
    });
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').click();
    await expect.poll(() => get(page, 'document-wait').textContent(), { timeout: 15_000 }).toContain('The document is loading');
    expect(await get(page, 'read-done').isDisabled()).toBe(true);
    await shoot(page, 'sign-read-waiting-tablet');
    await page.reload();
    await get(page, 'read-done').waitFor(); // the document, not consent
    expect(await get(page, 'read-done').isDisabled()).toBe(true);
    for (const bad of ['fail', 'cut'] as const) {
      answer = bad;
      if (bad === 'fail') await page.reload();
      else await get(page, 'retry').click();
      await expect.poll(() => answered).toContain(bad); // what is told until then is about the one before
      await expect.poll(() => get(page, 'document-wait').textContent(), { timeout: 15_000, message: bad }).toContain('not shown');
      expect(await get(page, 'read-done').isDisabled()).toBe(true);
    }
    await shoot(page, 'sign-read-failed-tablet');
    answer = 'go on';
    await get(page, 'retry').click();
    await get(page, 'read-done').click();
    await get(page, 'consents').waitFor();
    await page.reload();
    await get(page, 'consents').waitFor();
    await context.close();
  });

  it('takes a press of the button during which another page comes into view, once that one is drawn', async () => {
    const { context, page, faults } = await open(browser, 'tablet');
    await context.addInitScript(() => { // what is drawn, is drawn in frames
      const held: FrameRequestCallback[] = [];
      const frame = window.requestAnimationFrame.bind(window);
      Object.assign(window, {
        holding: false,
        requestAnimationFrame: (callback: FrameRequestCallback) => ((window as any).holding ? held.push(callback) : frame(callback)),
        letGo: () => { (window as any).holding = false; held.splice(0).forEach((callback) => frame(callback)); },
      });
    });
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').click();
    await page.locator('.pdf-text[data-ready]').first().waitFor();
    expect(await get(page, 'document-wait').textContent()).toBe('');
    await get(page, 'read-done').hover();
    await page.mouse.down();
    await page.evaluate(() => new Promise((scrolled) => {
      (window as any).holding = true;
      const pages = document.querySelector('.pdf-scroll');
      pages?.addEventListener('scroll', () => setTimeout(scrolled));
      pages?.scrollTo({ top: 1e6 });
    }));
    await page.mouse.up();
    await expect.poll(() => get(page, 'document-wait').textContent()).toContain('The document is loading');
    expect(await get(page, 'read-done').getAttribute('aria-busy')).toBe('true');
    expect(await get(page, 'consents').count()).toBe(0);
    await page.evaluate(() => (window as any).letGo());
    await get(page, 'consents').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });
});

describe('fields beside the signature', () => {
  it('are filled in on the page and below it, and survive a lost connection and a reload', async () => {
    withFields();
    const { context, page, faults } = await open(browser, 'phone');
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').click();
    await page.locator('.pdf-text[data-ready]').first().waitFor();
    expect(await page.locator('.pdf-field-given').textContent()).toBe('Contract 2026-17');
    await get(page, 'read-done').click();
    expect(await get(page, 'fields-missing').textContent()).toContain('5');
    await shoot(page, 'sign-fields-missing-phone');
    expect(await get(page, 'initials').inputValue()).toBe('CM');
    expect(await page.locator('.initials .field-error').textContent()).toContain('Press “Initial all 3 places”'); // not that the field is empty
    await get(page, 'initial-all').click();
    expect(await get(page, 'initials-done').textContent()).toContain('3 of 3');
    await page.locator('[data-test=fill][data-name="checkbox-1-380"]').click();
    await expect.poll(() => mock.ceremony.fields.find((field) => field.kind === 'checkbox')?.value).toBe('yes');
    await context.setOffline(true);
    await page.locator('[data-test=fill][data-name="text-1-300"]').click();
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('text-1-300');
    await page.keyboard.type('Lyon');
    await get(page, 'fields-unsent').waitFor();
    await context.setOffline(false);
    await expect.poll(() => mock.ceremony.fields.find((field) => field.label === 'Place of birth')?.value).toBe('Lyon');
    await page.reload();
    await get(page, 'pdf').waitFor(); // goes on where it was
    expect(await get(page, 'entry-text-1-300').inputValue()).toBe('Lyon');
    await page.locator('[data-test=fill][data-name="date-1-340"]').click();
    await expect.poll(() => get(page, 'entry-date-1-340').inputValue()).toMatch(/^\d{4}-\d\d-\d\d$/);
    await shoot(page, 'sign-fields-phone');
    await get(page, 'read-done').click();
    await get(page, 'consents').waitFor();
    expect(mock.ceremony.fields.filter((field) => field.kind === 'initials').map((field) => field.value)).toEqual(['CM', 'CM', 'CM']);
    expect(faults).toEqual([]);
    await context.close();
  });

  it('reach the service in the order in which they were entered, however long an answer takes', async () => {
    withFields();
    const { context, page, faults } = await open(browser, 'desktop');
    const sent: string[] = [];
    let letGo: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (letGo = resolve));
    await context.route('**/api/signing/fields', async (route) => {
      sent.push(route.request().postDataJSON().values['text-1-300']);
      if (sent.length === 1) await first;
      await route.continue();
    });
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').click();
    await get(page, 'entry-text-1-300').fill('Lyo');
    await expect.poll(() => sent).toEqual(['Lyo']);
    await get(page, 'entry-text-1-300').fill('Lyon');
    await page.waitForTimeout(1500); // twice as long as the page waits for the next key
    expect(sent).toEqual(['Lyo']);
    letGo();
    await expect.poll(() => sent).toEqual(['Lyo', 'Lyon']);
    await expect.poll(() => mock.ceremony.fields.find((field) => field.label === 'Place of birth')?.value).toBe('Lyon');
    expect(await get(page, 'entry-text-1-300').inputValue()).toBe('Lyon');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('are sent again when the service does not answer at all', async () => {
    withFields();
    const { context, page, faults } = await open(browser, 'desktop');
    await context.addInitScript(() => {
      const real = AbortSignal.timeout.bind(AbortSignal);
      let first = true;
      AbortSignal.timeout = (ms) => {
        const shorter = first ? 0.02 : 1;
        first = false;
        return real(ms * shorter);
      };
    });
    let sent = 0;
    await context.route('**/api/signing/fields', (route) => {
      if (++sent > 1) return route.continue();
    });
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').click();
    await get(page, 'entry-text-1-300').fill('Lyon');
    await expect.poll(() => mock.ceremony.fields.find((field) => field.label === 'Place of birth')?.value).toBe('Lyon');
    expect(sent).toBe(2);
    expect(faults).toEqual([]);
    await context.close();
  });

  it('are asked for again where they are all that is missing', async () => {
    withFields();
    mock.ceremony.consents.forEach((consent) => Object.assign(consent, { given: false, at: '2026-11-23T19:00:00Z' }));
    mock.ceremony.next = 'fill';
    const { context, page } = await open(browser, 'desktop');
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await page.locator('.pdf-text[data-ready]').first().waitFor();
    await get(page, 'initial-all').click();
    await get(page, 'entry-text-1-300').fill('Lyon');
    await get(page, 'entry-checkbox-1-380').check();
    await shoot(page, 'sign-fields-desktop');
    await get(page, 'read-done').click();
    await get(page, 'type').waitFor();
    await context.close();
  });
});

describe('signing', () => {
  it('goes from the link to the download with pen and camera', async () => {
    mock.ceremony.controller = 'Atelier Durand SARL, privacy@atelier.example';
    const { context, page, faults } = await open(browser, 'tablet');
    const media = await answerMedia(context, mock);
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').waitFor();
    expect(await get(page, 'controller').textContent()).toBe('Responsible for your personal data: Atelier Durand SARL, privacy@atelier.example.');
    expect(page.url()).not.toContain(TOKEN);
    await shoot(page, 'sign-1-intro-tablet');
    await get(page, 'start-reading').click();
    await page.locator('.pdf-text[data-ready]').first().waitFor();
    expect(await page.locator('.pdf-text').first().textContent()).toContain('Agreement, page 1');
    await get(page, 'next-field').click();
    await get(page, 'next-field').click();
    await expect.poll(() => get(page, 'pdf-where').textContent()).toContain('3');
    await shoot(page, 'sign-2-read-tablet');
    await get(page, 'read-done').click();
    await shoot(page, 'sign-3-consent-tablet');
    await agree(page, { handwriting: true, video: true, comparison: true });

    for (let n = 0; n < 5; n++) {
      if (n === 0) await get(page, 'pad-start').click();
      await live(page);
      await drawPen(page, readSignature(`w1-genuine-0${n + 1}`), 4);
      if (n === 0) await shoot(page, 'sign-4-enrol-tablet');
      await get(page, 'pad-done').click();
      await expect.poll(() => mock.ceremony.references.have, { timeout: 5000 }).toBe(n + 1);
    }
    expect(mock.mediaOffers).toBe(0);

    await get(page, 'camera-on').click();
    await get(page, 'camera-hint').waitFor();
    await shoot(page, 'sign-5-camera-tablet');
    expect(await media.frames()).toBe(0);
    await get(page, 'camera-ready').click();
    await get(page, 'pad-start').click();
    await live(page);
    const drawn = await drawPen(page, samples);
    await shoot(page, 'sign-6-pad-tablet');
    expect(await media.frames()).toBeGreaterThan(10);
    await get(page, 'pad-done').click();
    await get(page, 'confirm-sign').waitFor();
    expect(media.ended()).toBe(1);
    checkSamples(mock.lastSession().points(), drawn);
    await shoot(page, 'sign-7-confirm-tablet');
    await get(page, 'confirm-sign').click();
    await get(page, 'sealing').waitFor();
    await shoot(page, 'sign-8-sealing-tablet');
    await get(page, 'done').waitFor();
    await shoot(page, 'sign-9-done-tablet');
    const download = page.waitForEvent('download');
    await get(page, 'download-deposit').click();
    expect((await download).suggestedFilename()).toMatch(/\.asice$/);
    const left = await page.evaluate(() => new Promise((resolve) => {
      const request = indexedDB.open('inkwitness', 1);
      request.onsuccess = () => {
        const count = request.result.transaction('batches').objectStore('batches').count();
        count.onsuccess = () => resolve(count.result);
      };
    }));
    expect(left).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });

  it('keeps every stroke over a cut and a reload', async () => {
    const { context, page } = await open(browser, 'tablet');
    await read(page);
    await agree(page, { handwriting: true, video: false, comparison: false });
    await get(page, 'pad-start').click();
    await live(page);
    const half = samples.findIndex((one, i) => i > samples.length / 2 && !one.down);
    await drawPen(page, samples.slice(0, half), 4);
    mock.lastSession().cut();
    await get(page, 'link-lost').waitFor();
    await get(page, 'link-lost').waitFor({ state: 'detached' });
    await page.reload();
    await get(page, 'resumed').waitFor();
    await live(page);
    await shoot(page, 'sign-resumed-tablet');
    await drawPen(page, samples.slice(half), 4);
    await get(page, 'pad-done').click();
    await get(page, 'confirm-sign').waitFor();
    const points = mock.lastSession().points();
    // The replay gives its samples their times up to 4 ms ahead; movements that the
    // browser makes up by itself have its own clock. So only the written points are in order.
    const written = points.filter((point) => point.down);
    expect(written.length).toBe(samples.filter((one) => one.down).length);
    expect(written.flatMap((point, i) => (i > 0 && point.t < written[i - 1]!.t ? [[i, written[i - 1]!.t, point.t]] : []))).toEqual([]);
    await page.reload();
    await get(page, 'picture').waitFor();
    expect(await get(page, 'unseen').count()).toBe(0); // said only where the device has lost it
    await get(page, 'confirm-sign').click();
    await get(page, 'done').waitFor();
    await context.close();
  });

  it('speaks the language of the signer before it shows anything', async () => {
    mock.ceremony.signer.language = 'fr';
    const { context, page } = await open(browser, 'tablet');
    const french = await hold(context, '**/assets/fr-*.js');
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await french.asked;
    expect(await get(page, 'intro').count()).toBe(0);
    await french.letGo();
    await get(page, 'intro').waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('fr');
    await context.close();
  });

  it('asks for consent in the language of the page, and records it', async () => {
    const { context, page, faults } = await open(browser, 'tablet');
    await read(page);
    await page.getByText('camera and microphone are recorded').waitFor();
    await get(page, 'language').selectOption('fr');
    await page.getByText('J’accepte que la caméra').waitFor();
    expect(await page.locator('.consent-text[lang=fr]').count()).toBe(3);
    await shoot(page, 'sign-consent-french-tablet');
    await agree(page, { handwriting: false, video: false, comparison: false });
    await get(page, 'typed-name').waitFor();
    expect(mock.consentLanguages).toEqual(['fr', 'fr', 'fr']);
    expect(await get(page, 'type').textContent()).toContain('rien de votre écriture n’est enregistré');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('asks for consent in the language that was chosen last', async () => {
    const { context, page } = await open(browser, 'tablet');
    await read(page);
    await page.getByText('camera and microphone are recorded').waitFor();
    const french = await hold(context, '**/api/signing');
    await get(page, 'language').selectOption('fr');
    await french.asked;
    await get(page, 'language').selectOption('en');
    await expect.poll(() => page.evaluate(() => document.documentElement.lang)).toBe('en');
    const english = await hold(context, '**/api/signing');
    await french.letGo();
    await english.asked;
    await english.letGo();
    await expect.poll(() => page.locator('.consent-text[lang=en]').count()).toBe(3);
    await context.close();
  });

  it('does not go back when an older answer comes late', async () => {
    mock.ceremony.consents.forEach((consent) => Object.assign(consent, { given: false, at: '2026-11-23T19:05:00Z' }));
    mock.ceremony.next = 'sealing';
    mock.sealingUntil = Infinity;
    const { context, page } = await open(browser, 'tablet');
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'sealing').waitFor();
    const older = await hold(context, '**/api/signing');
    await older.asked;
    mock.sealingUntil = 0;
    await get(page, 'done').waitFor();
    await context.route('**/api/signing', () => undefined); // and nothing newer is heard
    await older.letGo();
    await page.waitForTimeout(300);
    expect(await get(page, 'done').count()).toBe(1);
    await context.close();
  });

  it('says that the proof is being made, or waits for others', async () => {
    Object.assign(mock.ceremony, { next: 'done', others: 0, deposit: undefined });
    const { context, page } = await open(browser, 'phone');
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await expect.poll(() => get(page, 'deposit-later').textContent()).toContain('is being made');
    mock.ceremony.others = 1;
    await page.reload();
    await expect.poll(() => get(page, 'deposit-later').textContent()).toContain('everybody has signed');
    await context.close();
  });

  it('offers typing to those who refuse to be recorded', async () => {
    const { context, page, faults } = await open(browser, 'phone');
    await read(page);
    await agree(page, { handwriting: false, video: false, comparison: false });
    await get(page, 'typed-name').fill('Chloé Martin');
    await shoot(page, 'sign-type-phone');
    await get(page, 'confirm-typed').click();
    await get(page, 'done').waitFor();
    expect(mock.sessions.size).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });

  it('sends the signer to the certificate provider, and goes on when they are back', async () => {
    mock.elsewhere = true;
    const { context, page, faults } = await open(browser, 'phone');
    await read(page);
    await agree(page, { handwriting: false, video: false, comparison: false });
    await get(page, 'typed-name').fill('Chloé Martin');
    await get(page, 'confirm-typed').click();
    await get(page, 'provider-consent').waitFor();
    await shoot(page, 'sign-provider-phone');
    await get(page, 'provider-consent').click();
    await get(page, 'done').waitFor();
    expect(new URL(page.url()).search).toBe('');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('restores a broken camera stream and says so', async () => {
    const { context, page } = await open(browser, 'tablet');
    const media = await answerMedia(context, mock);
    await read(page);
    await agree(page, { handwriting: true, video: true, comparison: false });
    await get(page, 'camera-on').click();
    await get(page, 'camera-ready').click();
    await get(page, 'pad-start').click();
    await live(page);
    await media.drop();
    await get(page, 'media-lost').waitFor({ timeout: 20_000 });
    await get(page, 'media-lost').waitFor({ state: 'detached', timeout: 20_000 });
    await context.close();
  });

  it('tells what to do when the camera is refused', async () => {
    const { context, page } = await open(browser, 'phone');
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await read(page);
    await agree(page, { handwriting: true, video: true, comparison: false });
    await get(page, 'camera-on').click();
    await get(page, 'camera-fault').waitFor();
    await shoot(page, 'sign-camera-refused-phone');
    await get(page, 'camera-without').click();
    await get(page, 'pad-start').waitFor();
    await context.close();
  });

  it('lets a refused signature be written again', async () => {
    const { context, page } = await open(browser, 'tablet');
    await read(page);
    await agree(page, { handwriting: true, video: false, comparison: false });
    mock.accepted = false;
    mock.problems = [{ code: 'too-short', severity: 'refusal', text: 'Too short.' }];
    await get(page, 'pad-start').click();
    await live(page);
    await drawPen(page, samples.slice(0, 40));
    await get(page, 'pad-done').click();
    await get(page, 'quality').waitFor();
    expect(await get(page, 'quality-keep').count()).toBe(0);
    await shoot(page, 'sign-quality-tablet');
    await get(page, 'quality-again').click();
    await live(page);
    await drawPen(page, samples, 4);
    expect(mock.sessions.size).toBe(2);
    await get(page, 'pad-clear').dblclick(); // begins one anew, not two
    await expect.poll(() => mock.sessions.size).toBe(3);
    await live(page);
    const drawn = await drawPen(page, samples);
    await get(page, 'pad-done').click();
    await get(page, 'confirm-sign').waitFor();
    expect(mock.sessions.size).toBe(3);
    checkSamples(mock.lastSession().points(), drawn);
    await context.close();
  });

  it('explains a dead link, a missing link and a service that is away', async () => {
    const { context, page } = await open(browser, 'phone');
    await page.goto(`${mock.url}/sign#t=wrong`);
    await get(page, 'link-expired').waitFor();
    await shoot(page, 'sign-expired-phone');
    await page.goto(`${mock.url}/verify`);
    await page.goto(`${mock.url}/sign`);
    await get(page, 'link-missing').waitFor();
    mock.down = true;
    await page.goto(`${mock.url}/verify`);
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'problem').waitFor();
    mock.down = false;
    await get(page, 'retry').click();
    await get(page, 'start-reading').waitFor();
    await context.close();
  });

  it('stands without a network after a first visit, and goes on when it is back', async () => {
    const { context, page } = await open(browser, 'tablet', { serviceWorkers: 'allow' });
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'intro').waitFor();
    await kept(page);
    await context.setOffline(true);
    await page.reload();
    await get(page, 'problem').waitFor();
    await shoot(page, 'sign-offline-tablet');
    await context.setOffline(false);
    await get(page, 'retry').click();
    await get(page, 'intro').waitFor();
    expect((await kept(page)).filter((path) => path.startsWith('/api/'))).toEqual([]);
    await context.close();
  });

  it('opens its link again in every tab of one browser, in no other, and keeps no secret when it is over', async () => {
    mock.oneBrowser = true;
    const { context, page } = await open(browser, 'phone');
    const kept = (of: Page) => of.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('link-')).map((key) => [key, localStorage.getItem(key) ?? '']));
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'intro').waitFor();
    expect(JSON.stringify(await kept(page))).not.toContain(TOKEN);
    await page.close();
    const again = await context.newPage();
    await again.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(again, 'intro').waitFor();
    const other = await open(browser, 'phone');
    await other.page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(other.page, 'link-expired').waitFor();
    expect(await kept(other.page)).toEqual([]);
    await other.context.close();
    await again.reload(); // from here on it is the cookie that opens
    await get(again, 'decline').click();
    await get(again, 'decline-confirm').click();
    await get(again, 'declined').waitFor();
    expect(JSON.stringify(await kept(again))).not.toContain('secret');
    await again.close();
    const after = await context.newPage();
    await after.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(after, 'declined').waitFor(); // by the cookie
    await context.clearCookies();
    await after.goto(`${mock.url}/verify`);
    await after.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(after, 'link-expired').waitFor();
    await context.close();
  });

  it('declines', async () => {
    const { context, page } = await open(browser, 'phone');
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'decline').click();
    await get(page, 'decline-reason').fill('Not my contract');
    await get(page, 'decline-confirm').click();
    await get(page, 'declined').waitFor();
    await context.close();
  });
});

// Every sample that was drawn, once, where, when and as hard as it was drawn.
function checkSamples(points: Point[], samples: Sample[]): void {
  const drawn = samples.filter((one) => one.down);
  const kept = points.filter((point) => point.down);
  expect(kept.length).toBe(drawn.length);
  const begin = kept[0]!.t / 1000 - drawn[0]!.time;
  const off = kept.flatMap((point, i) => {
    const wanted = drawn[i]!;
    const differences = {
      i, x: point.x / 100 - wanted.x, y: point.y / 100 - wanted.y,
      pressure: point.p / 65535 - wanted.pressure, time: point.t / 1000 - wanted.time - begin,
    };
    const { x, y, pressure, time } = differences;
    return Math.max(Math.abs(x), Math.abs(y)) <= 0.5 && Math.abs(pressure) <= 1 / 1024 && Math.abs(time) <= 5 ? [] : [differences];
  });
  expect(off, `${off.length} samples differ: ${JSON.stringify(off.slice(0, 3))}`).toEqual([]);
}
