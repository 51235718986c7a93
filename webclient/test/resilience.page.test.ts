// What happens to a tablet while somebody signs: it is turned, it saves power, it is
// used with a finger or a mouse. The signer is told and goes on.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
});
afterEach(() => mock.stop());

const samples = readSignature('w1-genuine-01');
const half = samples.findIndex((one, i) => i > samples.length / 2 && !one.down);
const POINTERS = ['', 'pen', 'touch', 'mouse']; // as the second byte of a device message has them
const down = (points: { down: boolean }[]) => points.filter((one) => one.down).length;

// A page that records the pen, without camera and references.
async function recording(page: Page): Promise<void> {
  mock.ceremony.consents.forEach((consent) => Object.assign(consent, { given: consent.purpose === 'handwriting', at: '2026-11-23T19:00:00Z' }));
  mock.ceremony.next = 'sign';
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'pad-start').click();
  await page.locator('[data-test=pad][data-state=live]').waitFor();
}

// A page that sleeps, between the two events that a browser gives.
async function freeze(page: Page, meanwhile: () => Promise<void>): Promise<void> {
  await page.evaluate(() => document.dispatchEvent(new Event('freeze')));
  const wake = await sleep(page);
  await meanwhile();
  await wake();
  await page.evaluate(() => document.dispatchEvent(new Event('resume')));
}

describe('while somebody signs', () => {
  it('a browser that is busy most of the time keeps the samples in their order', async () => {
    const { context, page, faults } = await open(browser, 'tablet');
    await recording(page);
    await page.evaluate(() => setInterval(() => {
      for (const end = performance.now() + 50 + 350 * Math.random(); performance.now() < end;) void 0;
    }, 20));
    await drawPen(page, samples, 4);
    await get(page, 'pad-done').click();
    await get(page, 'confirm-sign').waitFor();
    const points = mock.lastSession().points();
    expect(points.map((one) => one.t)).toEqual(points.map((one) => one.t).sort((a, b) => a - b));
    expect(points.filter((one) => one.down).length).toBe(down(samples));
    const lifts = (flags: boolean[]) => flags.filter((one, i) => !one && flags[i - 1]).length;
    expect(lifts(points.map((one) => one.down))).toBe(lifts([...samples.map((one) => one.down), false]));
    expect(faults).toEqual([]);
    await context.close();
  });

  it('a tablet that is turned and turned back loses nothing', async () => {
    const { context, page, faults } = await open(browser, 'tablet');
    await recording(page);
    await drawPen(page, samples.slice(0, half), 4);
    const done = await get(page, 'pad-done').boundingBox();
    await page.setViewportSize({ width: 620, height: 1024 });
    await get(page, 'turned').waitFor();
    expect(await get(page, 'pad-done').isDisabled()).toBe(true);
    await shoot(page, 'sign-turned-tablet');
    await page.setViewportSize({ width: 1024, height: 768 });
    await get(page, 'turned').waitFor({ state: 'detached' });
    await expect.poll(() => get(page, 'pad-done').boundingBox()).toEqual(done); // what was told leaves no hole
    await drawPen(page, samples.slice(half), 4);
    await get(page, 'pad-done').click();
    await get(page, 'confirm-sign').waitFor();
    expect(down(mock.lastSession().points())).toBe(down(samples));
    expect(faults).toEqual([]);
    await context.close();
  });

  it('a tab that the browser froze wakes up, says so and goes on', async () => {
    const { context, page, faults } = await open(browser, 'tablet');
    await recording(page);
    await drawPen(page, samples.slice(0, half), 4);
    await freeze(page, async () => {
      mock.lastSession().cut(); // a server does not wait for a tab that sleeps
      await new Promise((resolve) => setTimeout(resolve, 1500));
    });
    await get(page, 'slept').waitFor();
    await page.locator('[data-test=pad][data-state=live]').waitFor();
    await get(page, 'link-lost').waitFor({ state: 'detached' });
    await shoot(page, 'sign-slept-tablet');
    await drawPen(page, samples.slice(half), 4);
    await get(page, 'pad-done').click();
    await get(page, 'confirm-sign').waitFor();
    expect(down(mock.lastSession().points())).toBe(down(samples));
    expect(faults).toEqual([]);
    await context.close();
  });

  it('a finger and a mouse write as well, and the recording says which', async () => {
    for (const kind of ['touch', 'mouse'] as const) {
      const { context, page } = await open(browser, kind === 'touch' ? 'phone' : 'desktop');
      await recording(page);
      const pad = (await get(page, 'pad-canvas').boundingBox())!;
      const at = (i: number) => ({ x: pad.x + 40 + i * 6, y: pad.y + 60 + 20 * Math.sin(i / 2) });
      const client = await context.newCDPSession(page);
      for (let i = 0; i <= 30; i++) {
        if (kind === 'mouse') {
          if (i === 0) await page.mouse.move(at(0).x, at(0).y);
          if (i === 0) await page.mouse.down();
          await page.mouse.move(at(i).x, at(i).y);
        } else await client.send('Input.dispatchTouchEvent', { type: i === 0 ? 'touchStart' : 'touchMove', touchPoints: [at(i)] });
      }
      if (kind === 'mouse') await page.mouse.up();
      else await client.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
      await get(page, 'pad-done').click();
      await get(page, 'confirm-sign').waitFor();
      expect(down(mock.lastSession().points())).toBeGreaterThan(20);
      expect(POINTERS[mock.lastSession().device?.[1] ?? 0]).toBe(kind);
      mock.ceremony.captureId = undefined;
      await context.close();
    }
  });
});
