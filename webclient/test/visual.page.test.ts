// The main screens against pictures kept in test/screens, and what a page audit
// asks of each page. UPDATE=1 writes the pictures anew.
//
// Tolerance: a pixel differs when a channel is more than 40 of 255 away; of all
// pixels 1 % may. That leaves room for another version's way of smoothing letters
// and none for a part that moved or is missing.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { get, launch, open, SIZES } from './browser.ts';
import { CASE, fullCase } from './mock/evidence.ts';
import { Mock, TOKEN } from './mock/server.ts';

const FOLDER = fileURLToPath(new URL('./screens/', import.meta.url));
const OUT = fileURLToPath(new URL('../../out/web/', import.meta.url));
const CHANNEL = 40;
const SHARE = 0.01;

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

// The share of pixels that differ, worked out in another page, which has a decoder.
function difference(blank: Page, one: Buffer, other: Buffer): Promise<number> {
  return blank.evaluate(async ([a, b, channel]) => {
    const pixels = async (base64: string) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext('2d')!;
      context.drawImage(bitmap, 0, 0);
      return context.getImageData(0, 0, bitmap.width, bitmap.height);
    };
    const [left, right] = [await pixels(a as string), await pixels(b as string)];
    if (left.width !== right.width || left.height !== right.height) return 1;
    let differ = 0;
    const [p, q, most] = [left.data, right.data, channel as number];
    for (let i = 0; i < p.length; i += 4) {
      if (Math.abs(p[i]! - q[i]!) > most || Math.abs(p[i + 1]! - q[i + 1]!) > most || Math.abs(p[i + 2]! - q[i + 2]!) > most) differ++;
    }
    return differ / (p.length / 4);
  }, [one.toString('base64'), other.toString('base64'), CHANNEL] as const);
}

const SCREENS: Record<string, (page: Page) => Promise<unknown>> = {
  'sign-intro': async (page) => { await page.goto(`${mock.url}/sign#t=${TOKEN}`); await get(page, 'intro').waitFor(); },
  'sign-consent': async (page) => {
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').click();
    await get(page, 'read-done').click();
    await get(page, 'consents').waitFor();
  },
  'sign-answered': async (page) => {
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').click();
    await get(page, 'read-done').click();
    for (const answer of ['handwriting-yes', 'video-no', 'comparison-yes']) await get(page, `consent-${answer}`).check();
  },
  'sign-read': async (page) => {
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'start-reading').click();
    await page.locator('.pdf-text[data-ready]').first().waitFor();
  },
  // Live, and where the pad has no room any more, turned since.
  'sign-pad': async (page) => {
    for (const consent of mock.ceremony.consents) Object.assign(consent, { given: consent.purpose === 'handwriting', at: '2026-11-23T19:00:00Z' });
    mock.ceremony.next = 'sign';
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'pad-start').click();
    await page.locator('[data-test=pad][data-state=live]').waitFor();
  },
  'own-list': async (page) => {
    mock.signedIn = true;
    for (const [i, state] of (['draft', 'sent', 'completed'] as const).entries()) {
      mock.documents.push(Object.assign(mock.newDocument(`Rental agreement ${i + 1}`, 'agreement.pdf', 48_213), { id: String(i).repeat(32), state }));
    }
    await page.goto(mock.url);
    await get(page, 'document-line').first().waitFor();
  },
  'case-findings': async (page) => {
    mock.signedIn = true;
    mock.disputes.cases = [fullCase()];
    await page.goto(`${mock.url}/compare#case/${CASE}/findings`);
    await get(page, 'verdict').waitFor();
  },
  verify: async (page) => {
    await page.goto(`${mock.url}/verify`);
    await get(page, 'verify-file').setInputFiles({ name: 'good.asice', mimeType: 'application/octet-stream', buffer: readFileSync('../testdata/vectors/good.asice') });
    await get(page, 'verify-second').waitFor();
  },
};

// The pages of a document that are in view stand in their new size.
const drawn = () => [...document.querySelectorAll<HTMLElement>('.pdf-page')].filter((one) => one.getBoundingClientRect().top < innerHeight).every((one) => {
  const text = one.querySelector('.pdf-text')!;
  return text.childElementCount > 0 && Math.abs(one.querySelector('canvas')!.width - one.clientWidth * devicePixelRatio) < 2;
});

// The browser takes longer to load a page than to show it in another look.
describe.each(Object.keys(SCREENS))('%s', (name) => {
  it('looks as it did, at every size, light and dark', async () => {
    const { context, page } = await open(browser, 'tablet', { colorScheme: 'light', reducedMotion: 'reduce', timezoneId: 'UTC', deviceScaleFactor: 1 });
    await SCREENS[name]!(page);
    await page.evaluate(() => document.fonts.ready);
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const blank = await context.newPage();
    await blank.goto(`${mock.url}/icon.svg`);
    await page.bringToFront();
    const others: string[] = [];
    for (const [size, [width, height]] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width, height });
        await page.evaluate(() => scrollTo(0, 0));
        await page.waitForFunction((wanted) => innerWidth === wanted, width);
        await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(shown))))); // what follows a new size
        await page.waitForFunction(drawn);
        const picture = `${name}-${size}-${colorScheme}`;
        const now = await page.screenshot({ animations: 'disabled', caret: 'hide' });
        if (process.env['UPDATE']) keep(FOLDER, picture, now);
        const path = `${FOLDER}${picture}.png`;
        expect(existsSync(path), `${path} is missing: run with UPDATE=1, look at it, and keep it`).toBe(true);
        const share = await difference(blank, now, readFileSync(path));
        if (share <= SHARE) continue;
        keep(OUT, `differs-${picture}`, now);
        others.push(`${picture}: ${(100 * share).toFixed(2)} %`);
      }
    }
    expect(others).toEqual([]);
    await context.close();
  });
});

function keep(folder: string, name: string, picture: Buffer): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${name}.png`, picture);
}

// What a page audit looks for, as far as it can be told without a clock.
describe('every page', () => {
  it.each(['/', `/sign#t=${TOKEN}`, '/compare', '/verify'])('%s is sound', async (path) => {
    const { context, page, faults } = await open(browser, 'phone');
    const answers: { url: string; status: number; type: string }[] = [];
    page.on('response', (response) => answers.push({ url: response.url(), status: response.status(), type: response.headers()['content-type'] ?? '' }));
    await page.addInitScript(() => {
      Object.assign(globalThis, { shift: 0 });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!entry.hadRecentInput) (globalThis as any).shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto(mock.url + path);
    await page.locator('h1').first().waitFor();
    await page.waitForTimeout(300);
    const facts = await page.evaluate(() => ({
      title: document.title, lang: document.documentElement.lang, doctype: document.doctype?.name ?? '',
      description: document.querySelector('meta[name=description]')?.getAttribute('content') ?? '',
      viewport: document.querySelector('meta[name=viewport]')?.getAttribute('content') ?? '',
      headings: document.querySelectorAll('h1').length, main: document.querySelectorAll('main').length,
      images: [...document.querySelectorAll('img')].filter((image) => !image.alt).length,
      small: [...document.querySelectorAll<HTMLElement>('button, select, input:not([type=file]):not([type=checkbox]):not([type=radio])')].filter((one) => one.offsetParent && one.getBoundingClientRect().height < 44).map((one) => one.outerHTML.slice(0, 80)),
      inline: [...document.querySelectorAll('script:not([src]), style')].map((one) => one.tagName),
      shift: (globalThis as any).shift as number,
    }));
    expect(facts.title).toMatch(/^.+ · Inkwitness$/);
    expect(facts).toMatchObject({ lang: 'en', doctype: 'html', headings: 1, main: 1, images: 0, small: [], inline: ['SCRIPT'] }); // src/start.ts
    expect(facts.description.length).toBeGreaterThan(10);
    expect(facts.viewport).not.toMatch(/user-scalable=no|maximum-scale/);
    expect(facts.shift).toBeLessThan(0.01); // what a reader could see move
    expect(answers.filter(({ url, status }) => status >= 400 && !url.includes('/api/'))).toEqual([]);
    expect(answers.filter(({ url }) => !url.startsWith(mock.url))).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});
