// A page of which something was lost on its way: it goes on by itself, and neither hurries
// a slow network nor loads itself again for ever.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { get, launch, open, shoot } from './browser.ts';
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

const PAGES: Record<string, { address: string; runs: string }> = {
  sign: { address: `/sign#t=${TOKEN}`, runs: 'start-reading' },
  own: { address: '/', runs: 'sign-in' },
};

// How often the page was asked for.
function loads(page: Page): () => number {
  let count = 0;
  page.on('request', (request) => {
    if (request.isNavigationRequest()) count++;
  });
  return () => count;
}

// The parts that a page asks for until it runs.
async function partsOf(name: string): Promise<string[]> {
  const { context, page } = await open(browser, 'desktop');
  const parts = new Set<string>();
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith('/assets/')) parts.add(pathname + search);
  });
  await page.goto(mock.url + PAGES[name]!.address);
  await get(page, PAGES[name]!.runs).waitFor();
  await context.close();
  return [...parts];
}

const at = (part: string) => (url: URL) => url.pathname + url.search === part;

// Every style sheet of the page is there.
const styled = (page: Page) => page.evaluate(() => {
  try {
    return [...document.styleSheets].every((sheet) => sheet.cssRules.length > 0);
  } catch {
    return false;
  }
});

// The page's own waiting, shorter.
const hurry = (context: BrowserContext, factor: number) => context.addInitScript((by) => {
  const real = window.setTimeout;
  window.setTimeout = ((work: () => void, ms = 0, ...rest: []) => real(work, ms * by, ...rest)) as typeof setTimeout;
}, factor);

const tried = new Set<string>(); // the pages share some

it.each(Object.keys(PAGES))('%s runs whichever of its parts was lost', async (name) => {
  const parts = (await partsOf(name)).filter((part) => !tried.has(part));
  expect(parts.length).toBeGreaterThan(3);
  for (const part of parts) {
    tried.add(part);
    const { context, page } = await open(browser, 'desktop');
    const count = loads(page);
    await context.route(at(part), (route) => (count() === 1 ? route.abort() : route.continue()));
    await page.goto(mock.url + PAGES[name]!.address);
    await expect.poll(() => get(page, PAGES[name]!.runs).count(), { message: part }).toBe(1);
    await expect.poll(() => styled(page), { message: part }).toBe(true);
    expect(count(), part).toBe(2);
    await expect.poll(() => page.evaluate(() => sessionStorage.getItem('loaded-again')), { message: part }).toBe(null);
    await context.close();
  }
});

it('goes on when all of its parts are lost', async () => {
  const { context, page } = await open(browser, 'desktop');
  const count = loads(page);
  await context.route((url) => url.pathname !== '/', (route) => (count() === 1 ? route.abort() : route.continue()));
  await page.goto(mock.url + PAGES['own']!.address);
  await get(page, 'sign-in').waitFor();
  expect(count()).toBe(2);
  await context.close();
});

it('goes on when each time another of its parts is lost', async () => {
  const { context, page } = await open(browser, 'desktop');
  const count = loads(page);
  await hurry(context, 0.1);
  const lost: string[] = [];
  await context.route(/\/assets\//, (route) => {
    const part = new URL(route.request().url()).pathname;
    if (lost.length < count() && !lost.includes(part)) lost.push(part);
    return lost.length === count() && lost.at(-1) === part && count() < 7 ? route.abort() : route.continue();
  });
  await page.goto(mock.url + PAGES['own']!.address);
  await expect.poll(() => lost.length, { timeout: 20_000 }).toBe(6);
  await get(page, 'sign-in').waitFor();
  await context.close();
});

it('goes on once the service is back', async () => {
  const { context, page } = await open(browser, 'desktop');
  await hurry(context, 0.2);
  let away = false;
  let asked = 0;
  await context.route((url) => away && url.origin === mock.url, (route) => {
    if (route.request().method() === 'HEAD') asked++;
    return route.abort();
  });
  await context.route(/\/assets\/index-.*\.js/, (route) => {
    away = true;
    return route.abort();
  }, { times: 1 });
  await page.goto(mock.url + PAGES['own']!.address);
  await expect.poll(() => asked).toBeGreaterThan(3);
  away = false;
  await get(page, 'sign-in').waitFor();
  await context.close();
});

it('does not load a page again whose program is merely slow', async () => {
  const { context, page } = await open(browser, 'desktop');
  const count = loads(page);
  await hurry(context, 0.02); // 30 s are 0.6 s
  await context.route(/\/assets\/sign-.*\.js/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await route.continue();
  });
  await page.goto(`${mock.url}${PAGES['sign']!.address}`);
  await get(page, 'start-reading').waitFor();
  expect(count()).toBe(1);
  await context.close();
});

it.each([['is missing', 'sign-', 404, ''], ['does not run here', 'sign-', 200, 'throw new Error("old browser")'], ['has no language', '(en|fr)-', 404, '']])('gives up with a word of advice when its program %s', async (_, part, status, body) => {
  const { context, page } = await open(browser, 'phone', { locale: 'fr-FR' });
  const count = loads(page);
  await hurry(context, 0.005);
  await context.route(new RegExp(`/assets/${part}.*\\.js`), (route) => route.fulfill({ status, body, contentType: 'text/javascript' }));
  await page.goto(`${mock.url}${PAGES['sign']!.address}`);
  await expect.poll(() => count(), { timeout: 20_000 }).toBe(9);
  const advice = page.locator('.shell-late [lang=fr]').or(get(page, 'away'));
  await expect.poll(() => advice.isVisible()).toBe(true);
  expect(await advice.textContent()).toContain('rechargez-la');
  expect(await page.locator('.shell-brand').isVisible()).toBe(true);
  await page.waitForTimeout(500); // 100 s
  expect(count()).toBe(9);
  await shoot(page, `program-away-${part.length}-phone`);
  await context.close();
});

it('does not load a page again for ever whose style is missing', async () => {
  const { context, page } = await open(browser, 'phone');
  const count = loads(page);
  await hurry(context, 0.005);
  await context.route(/\/assets\/sign-.*\.css/, (route) => route.fulfill({ status: 404 }));
  await page.goto(`${mock.url}${PAGES['sign']!.address}`);
  await expect.poll(() => count(), { timeout: 20_000 }).toBe(9);
  await get(page, 'start-reading').waitFor(); // it works as it is
  await page.waitForTimeout(500);
  expect(count()).toBe(9);
  await context.close();
});

it('says that it takes long before it gives up', async () => {
  const { context, page } = await open(browser, 'phone', { locale: 'fr-FR' });
  await context.route((url) => url.pathname.startsWith('/assets/sign-'), (route) => route.abort());
  await context.route((url) => url.pathname === '/sign', (route) => (route.request().method() === 'HEAD' ? route.abort() : route.continue()));
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  const advice = page.locator('.shell-late [lang=fr]');
  expect(await advice.isVisible()).toBe(false); // most pages come in time
  await page.evaluate(() => document.getAnimations().forEach((one) => one.finish())); // as after 8 s
  expect(await advice.isVisible()).toBe(true);
  await context.close();
});
