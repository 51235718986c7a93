// Several windows of one browser, and what a dead recording leaves.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { drawPen, get, launch, open, readSignature, shoot, sleep } from './browser.ts';
import { Mock, TOKEN } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
  for (const consent of mock.ceremony.consents) consent.given = consent.purpose !== 'video';
  mock.ceremony.next = 'enrol';
});
afterEach(() => mock.stop());

const samples = readSignature('w1-genuine-01');
const half = samples.findIndex((one, i) => i > samples.length / 2 && !one.down);
const written = () => mock.lastSession().points().filter((point) => point.down).length;

async function live(page: Page): Promise<void> {
  await page.locator('[data-test=pad][data-state=live]').waitFor();
  await expect.poll(() => get(page, 'pad').getAttribute('data-capture'), { timeout: 15_000 }).toBe(mock.lastSession().id);
}

// Other lengths for what the page waits for.
async function timers(page: Page, shorter: number): Promise<void> {
  await page.addInitScript((factor) => {
    const real = window.setTimeout;
    window.setTimeout = ((work: () => void, ms = 0, ...rest: []) => real(work, ms >= 4000 ? ms * factor : ms, ...rest)) as typeof setTimeout;
  }, shorter);
}

const have = (n: number) => expect.poll(() => mock.ceremony.references.have, { timeout: 15_000 }).toBe(n);

it('uses one window at a time, and hands over what was drawn', async () => {
  const { context, page: first, faults } = await open(browser, 'tablet');
  await first.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(first, 'pad-start').click();
  await live(first);
  await drawPen(first, samples.slice(0, half), 4);
  const second = await context.newPage();
  await second.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(second, 'elsewhere').waitFor();
  await shoot(second, 'sign-elsewhere-tablet');
  await get(second, 'go-on-here').click();
  await get(first, 'elsewhere').waitFor();
  await get(second, 'resumed').waitFor();
  await live(second);
  await drawPen(second, samples.slice(half), 4);
  await get(second, 'pad-done').click();
  await have(1);
  expect(mock.sessions.size).toBeGreaterThan(0);
  expect([...mock.sessions.values()][0]!.points().filter((point) => point.down).length).toBe(samples.filter((one) => one.down).length);
  await live(second);
  await first.bringToFront();
  await get(first, 'go-on-here').click();
  await get(second, 'elsewhere').waitFor();
  await live(first);
  await drawPen(first, samples, 4);
  await get(first, 'pad-done').click();
  await have(2);
  await live(first);
  await first.reload(); // is the one again
  await live(first);
  await first.close();
  await second.bringToFront();
  await get(second, 'go-on-here').click(); // nobody is there to hand over
  await live(second);
  expect(faults).toEqual([]);
  await context.close();
});

it('is told by the other window itself, however long the page would wait', async () => {
  const { context, page: first } = await open(browser, 'tablet');
  await first.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(first, 'pad-start').waitFor();
  const second = await context.newPage();
  await timers(second, 1e6);
  await second.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(second, 'elsewhere').waitFor();
  expect(await get(first, 'pad-start').isVisible()).toBe(true);
  await second.reload();
  await get(second, 'elsewhere').waitFor(); // asks again
  await get(second, 'go-on-here').click();
  await get(first, 'elsewhere').waitFor(); // it handed over
  await get(second, 'pad-start').waitFor();
  await context.close();
});

it('waits a while for a window that sleeps, and takes over from it', async () => {
  const { context, page: first, faults } = await open(browser, 'tablet');
  await first.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(first, 'pad-start').click();
  await live(first);
  await drawPen(first, samples.slice(0, half), 8);
  const drawn = written();
  const wake = await sleep(first);
  const second = await context.newPage();
  await timers(second, 0.2);
  await second.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(second, 'elsewhere').waitFor();
  await get(second, 'go-on-here').click();
  await get(second, 'resumed').waitFor();
  await live(second);
  await wake();
  await get(first, 'elsewhere').waitFor();
  await drawPen(second, samples.slice(half), 8);
  await get(second, 'pad-done').click();
  await have(1);
  expect(drawn).toBeGreaterThan(0);
  expect(faults).toEqual([]);
  await context.close();
});

it('a page that is loaded again in a browser twenty times slower is the one again', async () => {
  const { context, page } = await open(browser, 'tablet');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'pad-start').waitFor();
  const client = await context.newCDPSession(page);
  await client.send('Emulation.setCPUThrottlingRate', { rate: 20 });
  await page.reload({ waitUntil: 'commit' });
  await get(page, 'pad-start').or(get(page, 'elsewhere')).waitFor();
  expect(await get(page, 'elsewhere').count()).toBe(0);
  await context.close();
});

it('keeps what it was given while the browser was busy longer than the page would wait', async () => {
  const { context, page } = await open(browser, 'tablet');
  await timers(page, 0.1);
  await page.addInitScript(() => {
    const request = LockManager.prototype.request;
    LockManager.prototype.request = function (this: LockManager, ...args: unknown[]) {
      const granted = (request as (...all: unknown[]) => unknown).apply(this, args);
      setTimeout(() => {
        for (const end = Date.now() + 1500; Date.now() < end;) void 0; // one long task
      });
      return granted;
    } as typeof request;
  });
  for (let i = 0; i < 3; i++) {
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await page.reload();
    await get(page, 'pad-start').or(get(page, 'elsewhere')).waitFor();
    expect(await get(page, 'elsewhere').count()).toBe(0);
  }
  await context.close();
});

it.each(['BroadcastChannel', 'locks'])('works in a browser without %s', async (missing) => {
  const { context, page: first, faults } = await open(browser, 'tablet');
  await context.addInitScript((name) => {
    if (name === 'locks') Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });
    else delete (window as unknown as Record<string, unknown>)[name];
  }, missing);
  await first.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(first, 'pad-start').waitFor();
  await first.reload();
  await get(first, 'pad-start').waitFor();
  const second = await context.newPage();
  await timers(second, 0.2);
  await second.goto(`${mock.url}/sign#t=${TOKEN}`);
  if (missing === 'BroadcastChannel') {
    await get(second, 'go-on-here').click();
    await get(first, 'elsewhere').waitFor();
  }
  await get(second, 'pad-start').click();
  await live(second);
  await drawPen(second, samples, 8);
  await get(second, 'pad-done').click();
  await have(1);
  expect(faults).toEqual([]);
  await context.close();
});

it('ends a recording that the service knows no more, and begins the next afresh', async () => {
  const { context, page } = await open(browser, 'tablet');
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'pad-start').click();
  await live(page);
  await drawPen(page, samples.slice(0, half), 4);
  mock.down = true;
  mock.lastSession().cut();
  await get(page, 'link-lost').waitFor();
  expect(await get(page, 'recording').textContent()).toContain('Kept on this device only');
  await shoot(page, 'sign-lost-tablet');
  mock.discardOpen();
  mock.down = false;
  await get(page, 'link-failed').waitFor();
  expect(await get(page, 'recording').textContent()).toBe('The recording has stopped.');
  await shoot(page, 'sign-failed-tablet');
  const dead = mock.sessions.size;
  await page.reload();
  await get(page, 'pad-gone').waitFor();
  await shoot(page, 'sign-gone-tablet');
  await get(page, 'pad-start').click();
  await live(page);
  expect(mock.sessions.size).toBe(dead + 1);
  await drawPen(page, samples, 4);
  await get(page, 'pad-done').click();
  await have(1);
  await live(page);
  expect(await get(page, 'link-lost').count()).toBe(0);
  expect(written()).toBe(0);
  await context.close();
});
