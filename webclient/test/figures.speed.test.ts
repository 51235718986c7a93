// Figures of the signing page, printed; `npm run speed`. They are asserted here
// and not in the ordinary tests, because a busy machine would make them lie.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerMedia, drawPen, get, launch, open, readSignature } from './browser.ts';
import { Mock, TOKEN } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await launch();
  mock = await Mock.start();
});
afterAll(async () => {
  await browser.close();
  await mock.stop();
});

// A page that signs again and again must not grow.
it('memory over 50 signatures', async () => {
  mock.ceremony.consents.forEach((consent) => Object.assign(consent, { given: consent.purpose === 'handwriting', at: '2026-11-23T19:00:00Z' }));
  mock.ceremony.next = 'sign';
  const { context, page } = await open(browser, 'tablet');
  const client = await context.newCDPSession(page);
  const heap = async () => {
    await client.send('HeapProfiler.collectGarbage');
    return ((await client.send('Runtime.getHeapUsage')) as { usedSize: number }).usedSize;
  };
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'pad-start').click();
  const sizes: number[] = [];
  const samples = readSignature('w1-genuine-01');
  for (let n = 1; n <= 50; n++) {
    await expect.poll(() => get(page, 'pad').getAttribute('data-capture'), { timeout: 15_000 }).toBe(mock.lastSession().id);
    await page.locator('[data-test=pad][data-state=live]').waitFor();
    await drawPen(page, samples, 40);
    await get(page, 'pad-clear').click();
    if (n % 10 === 0) sizes.push(await heap());
  }
  console.log('heap after 10, 20, ... 50 signatures, MB:', sizes.map((size) => (size / 1e6).toFixed(2)).join(' '));
  expect(sizes.at(-1)! - sizes[0]!).toBeLessThan(1e6); // one MB: less than 20 kB a signature
  await context.close();
}, 300_000);

const percentile = (values: number[], part: number) => [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? NaN;

it('first contentful paint with the CPU slowed six times', async () => {
  const { context, page } = await open(browser, 'tablet');
  const client = await context.newCDPSession(page);
  await client.send('Emulation.setCPUThrottlingRate', { rate: 6 });
  const paints: number[] = [];
  for (let i = 0; i < 5; i++) {
    await page.goto(`${mock.url}/sign?${i}#t=${TOKEN}`);
    await get(page, 'intro').waitFor();
    paints.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN));
  }
  console.log('first contentful paint, ms:', paints.map(Math.round).join(' '));
  expect(percentile(paints, 0.5)).toBeLessThanOrEqual(1000);
  await context.close();
});

it('from input to ink, with the camera on', async () => {
  mock.ceremony.consents.forEach((consent) => Object.assign(consent, { given: consent.purpose !== 'comparison', at: '2026-11-23T19:00:00Z' }));
  mock.ceremony.next = 'sign';
  const { context, page } = await open(browser, 'tablet');
  await answerMedia(context, mock);
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  await get(page, 'camera-on').click();
  await get(page, 'camera-ready').click();
  await get(page, 'pad-start').click();
  await page.locator('[data-state=live]').waitFor();
  // This listener runs after the page's own, so the ink is on the canvas by then.
  await page.evaluate(() => {
    const figures = { latency: [] as number[], frames: [] as number[] };
    Object.assign(globalThis, { figures });
    document.querySelector('[data-test=pad-canvas]')?.addEventListener('pointerrawupdate', (event) => {
      for (const one of (event as PointerEvent).getCoalescedEvents()) figures.latency.push(performance.now() - one.timeStamp);
    });
    let before = performance.now();
    requestAnimationFrame(function tick(now) {
      figures.frames.push(now - before);
      before = now;
      requestAnimationFrame(tick);
    });
  });
  await drawPen(page, readSignature('w1-genuine-01'), 1, false);
  const { latency, frames } = await page.evaluate(() => (globalThis as any).figures as { latency: number[]; frames: number[] });
  console.log(`input to ink over ${latency.length} samples, ms: p50 ${percentile(latency, 0.5).toFixed(1)} p95 ${percentile(latency, 0.95).toFixed(1)}; frame p50 ${percentile(frames, 0.5).toFixed(1)} p95 ${percentile(frames, 0.95).toFixed(1)}`);
  expect(percentile(latency, 0.95)).toBeLessThanOrEqual(16.7);
  await context.close();
});
