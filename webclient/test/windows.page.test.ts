// Several windows of one browser, and what a dead recording leaves.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { drawPen, get, launch, open, readSignature, shoot } from './browser.ts';
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
