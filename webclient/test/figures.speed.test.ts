// Figures of the signing page and of the investigator's, printed; `npm run speed`. They are asserted here
// and not in the ordinary tests, because a busy machine would make them lie.
import type { Browser } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { answerMedia, drawPen, get, launch, open, readSignature, WHOLE } from './browser.ts';
import { CASE, fullCase, fullSamples } from './mock/evidence.ts';
import { Mock, TOKEN } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
// Each figure in a browser of its own that has come to rest: one that still starts, or
// that collects what 50 signatures left, paints late whatever the page does.
beforeEach(async () => {
  mock = await Mock.start();
  browser = await launch(WHOLE);
  await rest();
});
afterEach(async () => {
  await browser.close();
  await mock.stop();
});

const REST_MS = 500;
const BUSY = 0.1; // of a core

// Waits until all processes of the browser together take less than a tenth of a core.
async function rest(): Promise<void> {
  const client = await browser.newBrowserCDPSession();
  const spent = async () => {
    const { processInfo } = (await client.send('SystemInfo.getProcessInfo')) as { processInfo: { cpuTime: number }[] };
    return processInfo.reduce((sum, one) => sum + one.cpuTime, 0); // s
  };
  for (let before = await spent(), tries = 0; tries < 60; tries++) {
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const now = await spent();
    const took = now - before; // less than nothing when a process has ended
    if (took >= 0 && took < (BUSY * REST_MS) / 1000) return void client.detach();
    before = now;
  }
  throw new Error('the browser does not come to rest');
}

// The pad of a signer who has agreed, with the camera on or without it.
async function signing(camera: boolean) {
  mock.ceremony.consents.forEach((consent) => Object.assign(consent, { given: consent.purpose === 'handwriting' || (camera && consent.purpose === 'video'), at: '2026-11-23T19:00:00Z' }));
  mock.ceremony.next = 'sign';
  const { context, page } = await open(browser, 'tablet');
  if (camera) await answerMedia(context, mock);
  await page.goto(`${mock.url}/sign#t=${TOKEN}`);
  if (camera) {
    await get(page, 'camera-on').click();
    await get(page, 'camera-ready').click();
  }
  return { context, page };
}

// A page that signs again and again must not grow: 50 whole signatures, each drawn, finished
// and refused, with the camera on throughout.
it('memory over 50 signatures', async () => {
  const { context, page } = await signing(true);
  const client = await context.newCDPSession(page);
  const heap = async () => {
    await client.send('HeapProfiler.collectGarbage');
    return ((await client.send('Runtime.getHeapUsage')) as { usedSize: number }).usedSize;
  };
  await get(page, 'pad-start').click();
  const sizes: number[] = [];
  let before: string | null = null;
  const samples = readSignature('w1-genuine-01');
  for (let n = 1; n <= 50; n++) {
    // Another recording than the one before, and ready for the pen.
    await expect.poll(() => get(page, 'pad').getAttribute('data-capture'), { timeout: 15_000 }).not.toBe(before);
    before = (await get(page, 'pad').getAttribute('data-capture'))!;
    await page.locator('[data-test=pad][data-state=live]').waitFor();
    await drawPen(page, samples, 40);
    mock.accepted = false;
    mock.problems = [{ code: 'too-short', severity: 'refusal', text: 'Too short.' }];
    await get(page, 'pad-done').click();
    await get(page, 'quality-again').click();
    if (n % 10 === 0) sizes.push(await heap());
  }
  console.log('heap after 10, 20, ... 50 signatures, MB:', sizes.map((size) => (size / 1e6).toFixed(2)).join(' '));
  expect(sizes.at(-1)! - sizes[0]!).toBeLessThan(1e6); // one MB: less than 20 kB a signature
  await context.close();
}, 600_000);

const percentile = (values: number[], part: number) => [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? NaN;
const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

it('first contentful paint with the CPU slowed six times', async () => {
  const { context, page } = await open(browser, 'tablet');
  const client = await context.newCDPSession(page);
  await rest(); // before: slowing a browser down takes processor time itself
  await client.send('Emulation.setCPUThrottlingRate', { rate: 6 });
  const paints: number[] = [];
  const parts: string[] = [];
  for (let i = 0; i < 5; i++) {
    await page.goto(`${mock.url}/sign?${i}#t=${TOKEN}`);
    await get(page, 'intro').waitFor();
    const [paint, html, style] = await page.evaluate(() => {
      const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
      const styles = (performance.getEntriesByType('resource') as PerformanceResourceTiming[]).filter(({ name }) => name.endsWith('.css'));
      return [performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN, navigation!.responseEnd, Math.max(...styles.map((one) => one.responseEnd))] as const;
    });
    paints.push(paint);
    parts.push(`${Math.round(html)}/${Math.round(style)}/${Math.round(paint)}`);
  }
  console.log('first contentful paint, ms:', paints.map(Math.round).join(' '), '(page there/styles there/painted:', `${parts.join(' ')})`);
  expect(percentile(paints, 0.5)).toBeLessThanOrEqual(1000);
  await context.close();
});

// From each sample of the pen to the frame on the screen that shows it. Event Timing leaves
// movements out, and the pad's canvas goes to the screen past the page's own frames
// (`desynchronized`): Chromium's trace tells when the display began a frame and when it was
// presented. A sample is shown by the first frame that was begun after it was drawn.
it('from input to presented ink, with the camera on', async () => {
  const { context, page } = await signing(true);
  await get(page, 'pad-start').click();
  await page.locator('[data-test=pad][data-state=live]').waitFor();
  // Each sample with the pen down draws one segment, in its order: in the event that
  // brings it, or before.
  await page.evaluate(() => {
    const figures = { samples: [] as number[], drawn: [] as number[], frames: [] as number[] };
    Object.assign(globalThis, { figures });
    const stroke = CanvasRenderingContext2D.prototype.stroke;
    CanvasRenderingContext2D.prototype.stroke = function () {
      (stroke as () => void).call(this);
      figures.drawn.push(performance.now());
    };
    const pad = document.querySelector('[data-test=pad-canvas]')!;
    pad.addEventListener('pointerdown', (event) => figures.samples.push(event.timeStamp));
    pad.addEventListener('pointermove', (event) => {
      if ((event as PointerEvent).buttons === 0) return;
      figures.samples.push(...(event as PointerEvent).getCoalescedEvents().map((one) => one.timeStamp));
    });
    let before = performance.now();
    requestAnimationFrame(function tick(now) {
      figures.frames.push(now - before);
      before = now;
      requestAnimationFrame(tick);
    });
  });
  await browser.startTracing(page, { categories: ['viz', 'cc', 'benchmark', 'graphics.pipeline', 'blink.user_timing'] });
  const mark = await page.evaluate(() => performance.mark('clock').startTime);
  await drawPen(page, readSignature('w1-genuine-01'), 1, false);
  const { samples, drawn, frames } = await page.evaluate(() => (globalThis as any).figures as { samples: number[]; drawn: number[]; frames: number[] });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))); // the last is shown, too
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString('utf8')) as { traceEvents: TraceEvent[] };
  const clock = traceEvents.find(({ name, cat }) => name === 'clock' && cat.includes('blink.user_timing'))!.ts / 1000 - mark;
  const displayed = spans(traceEvents, 'Graphics.Pipeline.DrawAndSwap');
  expect(drawn.length).toBe(samples.length);
  const latency = drawn.map((at, i) => displayed.find(({ begin }) => begin >= at + clock)!.end - clock - samples[i]!);
  const ink = drawn.map((at, i) => at - samples[i]!);
  // Frames that began between the sample and its ink: they show it one frame later than could be.
  const missed = drawn.map((at, i) => displayed.filter(({ begin }) => begin >= samples[i]! + clock && begin < at + clock).length);
  const rate = 1000 / mean(frames);
  const next = (100 * missed.filter((count) => count === 0).length) / missed.length;
  console.log(`input to ink over ${latency.length} samples, ms: drawn p50 ${percentile(ink, 0.5).toFixed(1)} p95 ${percentile(ink, 0.95).toFixed(1)}, presented p50 ${percentile(latency, 0.5).toFixed(1)} p95 ${percentile(latency, 0.95).toFixed(1)}; by the next frame ${next.toFixed(1)} %; frame p50 ${percentile(frames, 0.5).toFixed(1)} p95 ${percentile(frames, 0.95).toFixed(1)}; ${rate.toFixed(1)} frames/s`);
  expect(percentile(missed, 0.95)).toBe(0); // on the screen with the frame that follows the input
  expect(rate).toBeGreaterThanOrEqual(59);
  await context.close();
});

interface TraceEvent {
  name: string;
  cat: string;
  ph: string;
  ts: number; // µs
  pid: number;
  id?: string;
  id2?: { local?: string };
}

// The spans of one name, in ms, in the order of their beginnings.
function spans(events: TraceEvent[], name: string): { begin: number; end: number }[] {
  const begun = new Map<string, number>();
  const found: { begin: number; end: number }[] = [];
  for (const { ph, ts, pid, id, id2 } of events.filter((one) => one.name === name).sort((one, other) => one.ts - other.ts)) {
    const key = `${pid} ${id ?? id2?.local}`;
    const begin = begun.get(key);
    if (ph === 'b') begun.set(key, ts / 1000);
    else if (ph === 'e' && begin !== undefined) found.push({ begin, end: ts / 1000 });
  }
  return found.sort((one, other) => one.begin - other.begin);
}

// What Event Timing says of a page with 1 + 10 signatures of 3,000 points each:
// from the input to the frame that shows its effect. Work that a page puts off to
// the frame counts with it.
it('interactions with 1 + 10 signatures of 3,000 points', async () => {
  mock.signedIn = true;
  mock.disputes.cases = [fullCase(10)];
  mock.disputes.samples = fullSamples(10, 5);
  console.log('points of each signature:', mock.disputes.samples.map((one) => one.points.t.length).join(' '));
  const { context, page } = await open(browser, 'desktop');
  await page.goto(`${mock.url}/compare#case/${CASE}/compare`);
  await get(page, 'compare-reference').nth(9).waitFor();
  await get(page, 'plot-x').waitFor();
  const settled = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))));
  await settled();
  await page.evaluate(() => {
    const seen: { name: string; id: number; duration: number }[] = [];
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { interactionId: number })[]) seen.push({ name: entry.name, id: entry.interactionId, duration: entry.duration });
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  });
  const all: Record<string, number[]> = {};
  const took = async (what: string, act: () => Promise<unknown>) => {
    await page.evaluate(() => void (globalThis as any).seen.splice(0));
    await act();
    await settled();
    const seen: { id: number; duration: number }[] = await page.evaluate(() => (globalThis as any).seen);
    const longest = new Map<number, number>(); // of the events of one interaction
    for (const { id, duration } of seen) if (id) longest.set(id, Math.max(duration, longest.get(id) ?? 0));
    (all[what] ??= []).push(...(longest.size > 0 ? longest.values() : [0])); // under 16 ms: no entry
  };
  const keys = async (what: string, test: string, ...pressed: string[]) => {
    await get(page, test).focus();
    for (const key of pressed) await took(what, () => page.keyboard.press(key));
  };
  for (let round = 0; round < 2; round++) {
    for (const n of [2, 5, 9]) await took('reference', () => get(page, `choose-reference-${n}`).click());
    await keys('sample', 'questioned-canvas', 'ArrowRight', 'ArrowRight', 'ArrowLeft');
    await keys('colouring', 'colouring', 'ArrowDown', 'ArrowDown', 'ArrowDown');
    await keys('timing', 'timing', 'ArrowDown', 'ArrowDown', 'ArrowUp', 'ArrowUp');
    await keys('seek', 'seek', 'ArrowLeft', 'Home', 'End');
    for (const test of ['in-air', 'order', 'dots', 'filtered']) await took(test, () => get(page, test).click());
    await took('zoom', () => get(page, 'zoom-in').click());
    await keys('mode', 'mode', 'ArrowDown', 'ArrowDown', 'ArrowUp', 'ArrowUp');
  }
  const every = Object.values(all).flat();
  for (const [what, times] of Object.entries(all)) console.log(`${what}: ms ${times.join(' ')}`);
  console.log(`interactions with 1 + 10 signatures of 3,000 points: ${every.length}, ms p50 ${percentile(every, 0.5)} p95 ${percentile(every, 0.95)} most ${Math.max(...every)}`);
  expect(percentile(every, 0.95)).toBeLessThanOrEqual(100);
  await context.close();
});
