// What an examiner reads off the page: lengths with their units, curves that hold what
// was measured and no more, steps from sample to sample.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Case } from '../src/compare/service.ts';
import { get, launch, open } from './browser.ts';
import { CASE, device, fullCase } from './mock/evidence.ts';
import { Mock } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
let context: BrowserContext;
let page: Page;
let faults: string[];
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
  mock.signedIn = true;
  mock.disputes.cases = [fullCase()];
  ({ context, page, faults } = await open(browser, 'desktop', { reducedMotion: 'reduce' }));
});
afterEach(async () => {
  await context.close();
  await mock.stop();
});

const at = (tab: string) => `${mock.url}/compare#case/${CASE}/${tab}`;
const words = (test: string) => get(page, test).textContent();
const compare = async () => {
  await page.goto(at('compare'));
  await get(page, 'compare-questioned').waitFor();
};
const press = async (canvas: string, ...keys: string[]) => {
  await get(page, canvas).focus();
  for (const key of keys) await page.keyboard.press(key);
};
const RIGHT = Array.from({ length: 10 }, () => 'ArrowRight');

// A signature of which no scale is known, as from InkML without a resolution.
function unscale(label: string, most?: number): void {
  const of: Case = mock.disputes.cases[0]!;
  const item = of.items.find((one) => one.label === label)!;
  item.device = { ...device, unitsPerMM: 0, nominalScale: false };
  const first = <T>(values: T[]) => values.slice(0, most);
  mock.disputes.samples = mock.disputes.samples.map((one) => {
    if (one.item !== item.id) return one;
    const { t, x, y, p, tiltX, tiltY, down, start } = one.points;
    return { ...one, unitsPerMM: 0, device: item.device, points: { t: first(t), x: first(x), y: first(y), p: first(p), tiltX: first(tiltX), tiltY: first(tiltY), down: first(down), start: first(start) } };
  });
}

// Pixels of a canvas that hold ink, and how wide they lie.
const ink = (test: string) => get(page, test).evaluate((element) => {
  const canvas = element as HTMLCanvasElement;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height - 40);
  let [left, right, count] = [canvas.width, 0, 0];
  for (let i = 3; i < data.length; i += 4) {
    if (data[i]! < 100) continue;
    const x = ((i - 3) / 4) % canvas.width;
    [left, right, count] = [Math.min(left, x), Math.max(right, x), count + 1];
  }
  return { wide: (right - left) / canvas.width, count };
});
const settled = async (test: string) => {
  let before = { wide: 0, count: 0 };
  await expect.poll(async () => {
    const last = before;
    await page.waitForTimeout(100);
    before = await ink(test);
    return before.count > 0 && before.count === last.count;
  }).toBe(true);
  return before;
};

it('tells what forbids a decision before the words that it makes worthless', async () => {
  const found = mock.disputes.cases[0]!.runs[0]!.results[0]!.comparison!;
  mock.disputes.cases[0]!.runs[0]!.results[0]!.comparison = { ...found, decision: { ...found.decision, outcome: 'inconclusive' }, problems: [...found.problems, { code: 'replay', severity: 'refusal', text: 'A copy of reference 2.', index: 1 }] };
  await page.goto(at('findings'));
  const told = await words('verdict');
  expect(await words('comparison-refusals')).toContain('(K2)');
  expect(told!.indexOf('(K2)')).toBeLessThan(told!.indexOf('support that'));
  expect(await words('comparison-problems')).not.toContain('(K2)');
  expect(faults).toEqual([]);
});

it('says that a signature was not part of the comparison that is shown', async () => {
  mock.disputes.cases[0]!.runs[0]!.results.splice(0, 1); // Q1 came later
  await page.goto(at('findings'));
  expect(await words('not-in-run')).toContain('without Q1');
  expect(faults).toEqual([]);
});

it('shows which tool is in hand', async () => {
  await compare();
  const look = (test: string) => get(page, test).evaluate((button) => getComputedStyle(button).backgroundColor);
  await get(page, 'tool-ruler').click();
  await page.mouse.move(0, 0);
  expect(await look('tool-ruler')).not.toBe(await look('tool-angle'));
  expect(await look('tool-inspect')).toBe(await look('tool-angle'));
});

it('says beside a size that its scale is nominal', async () => {
  await compare();
  expect(await words('compare-questioned')).toContain('nominal scale');
  await get(page, 'tab-findings').click();
  expect(await words('statistics')).toContain('96 pixels to the inch');
});

it('measures a signature without a scale in units, at a scale of its own', async () => {
  unscale('K2');
  await compare();
  expect((await settled('questioned-canvas')).wide).toBeGreaterThan(0.4); // nothing made it small
  expect(await words('unscaled')).toContain('of K2:');
  await get(page, 'choose-reference-2').check();
  expect((await settled('reference-canvas')).wide).toBeGreaterThan(0.4);
  expect(await words('compare-chosen')).toContain('no scale is known');
  await get(page, 'tool-ruler').click();
  await press('reference-canvas', 'ArrowRight', 'Enter', ...RIGHT, 'Enter');
  await expect.poll(() => words('measured')).toMatch(/Distance [\d,.]+ units/);
  // The points were set on K2, not on the sheet.
  await get(page, 'choose-reference-1').check();
  await expect.poll(() => words('measured')).not.toContain('Distance');
  await press('reference-canvas', 'Enter', ...RIGHT, 'Enter');
  await expect.poll(() => words('measured')).toMatch(/Distance [\d,.]+ mm/);
  // Over each other it is as large as the other one, whose unit counts.
  await get(page, 'choose-reference-2').check();
  await get(page, 'mode').selectOption('overlay');
  await expect.poll(() => words('placement')).toMatch(/ mm, .*size – %/);
  expect((await settled('overlay-canvas')).wide).toBeGreaterThan(0.4);
  // Curves in two units have two axes; what has no length has one.
  await expect.poll(() => get(page, 'plot-x').locator('.u-title').textContent()).toBe('x (Q1: mm, K2: units)');
  expect(await get(page, 'plot-x').locator('.u-axis').count()).toBe(3);
  await get(page, 'plot-p').scrollIntoViewIfNeeded();
  await get(page, 'plot-p').locator('.uplot').waitFor();
  expect(await get(page, 'plot-p').locator('.u-axis').count()).toBe(2);
  // Statistics: of lengths K2 is no part.
  await get(page, 'tab-findings').click();
  expect(await words('statistics-unscaled')).toContain('of K2:');
  const row = async (name: string) => (await get(page, 'statistics').locator('tr', { has: page.locator('th', { hasText: name }) }).locator('td').allTextContents()).map((value) => Number(value.replace(/[,–]/g, '')));
  const [mine, mean] = await row('Width');
  expect(Math.max(mean! / mine!, mine! / mean!)).toBeLessThan(1.5);
  expect(faults).toEqual([]);
});

it('says nothing of lengths where the questioned signature has no scale', async () => {
  unscale('Q2', 100);
  await compare();
  await get(page, 'seek').fill('2500');
  await get(page, 'plot-x').scrollIntoViewIfNeeded();
  await get(page, 'table-x').click();
  await expect.poll(() => get(page, 'plot-x').locator('.u-title').textContent()).toBe('x (mm)');
  await expect.poll(() => words('values')).toContain('Page 13 of 16');
  await get(page, 'choose-questioned').selectOption({ label: 'Q2' });
  // The picture says what its name says, and the table stays within its pages.
  await expect.poll(() => get(page, 'plot-x').locator('.u-title').textContent()).toBe('x (Q2: units, K1: mm)');
  expect(await get(page, 'plot-x').locator('.plot-box').getAttribute('aria-label')).toBe('x (Q2: units, K1: mm)');
  await expect.poll(() => words('values')).toContain('Page 3 of 3');
  expect(await get(page, 'values').locator('tbody tr').count()).toBe(20);
  await get(page, 'tab-findings').click();
  await get(page, 'statistics-unscaled').waitFor();
  const width = get(page, 'statistics').locator('tr', { has: page.locator('th', { hasText: 'Width' }) });
  expect((await width.locator('td').allTextContents()).slice(1)).toEqual(['–', '–', '–']);
  expect(await width.locator('th').textContent()).toContain('units');
  // Why there is no comparison is told in the reader's language; the exact words stay.
  await get(page, 'language').selectOption('fr');
  await expect.poll(() => words('trouble')).toBe('Très court.It has 12 points, at least 20 are needed (too-short).');
});

// Whether a curve of the questioned signature crosses the column of a moment, ms.
const crosses = (test: string, moment: number) => get(page, test).evaluate((element, { moment, end }) => {
  const canvas = element.querySelector('canvas')!;
  const [box, over] = [canvas.getBoundingClientRect(), element.querySelector('.u-over')!.getBoundingClientRect()];
  const x = Math.round((over.left - box.left + (over.width * moment) / end) * devicePixelRatio);
  const { data } = canvas.getContext('2d')!.getImageData(x, 0, 1, canvas.height);
  for (let i = 0; i < data.length; i += 4) if (Math.hypot(data[i]! - 20, data[i + 1]! - 35, data[i + 2]! - 92) < 30 && data[i + 3]! > 150) return true;
  return false;
}, { moment, end: Math.max(...[0, 2].map((i) => mock.disputes.samples[i]!.points.t.at(-1)! / 1000)) });

it('draws no pressure while the pen is in the air, and every digit of an axis', async () => {
  const { t, down, start } = mock.disputes.samples[0]!.points;
  // Without samples in the air a stroke still ends where it ended.
  const lift = down.findIndex((touching, i) => touching && !down[i + 1]);
  const next = start.findIndex((first, i) => first && i > lift);
  const middle = (t[lift]! + t[next]!) / 2000;
  const writing = t[Math.floor(lift / 2)]! / 1000;
  for (const air of ['samples', 'nothing']) {
    if (air === 'nothing') mock.disputes.samples = mock.disputes.samples.map((one) => ({ ...one, points: Object.fromEntries(Object.entries(one.points).map(([name, values]) => [name, (values as unknown[]).filter((_, i) => one.points.down[i])])) as unknown as typeof one.points }));
    await page.goto(`${mock.url}/compare#openings`);
    await page.reload();
    await compare();
    for (const test of ['plot-p', 'plot-speed', 'plot-jerk', ...(air === 'nothing' ? ['plot-x'] : [])]) {
      await get(page, test).scrollIntoViewIfNeeded();
      await get(page, test).locator('.uplot').waitFor();
      await expect.poll(() => crosses(test, writing), { message: `${test} writing` }).toBe(true);
      expect(await crosses(test, middle), `${test} over ${air}`).toBe(false);
    }
    if (air === 'samples') await expect.poll(() => crosses('plot-y', middle), { message: 'y in the air' }).toBe(true);
  }
  // The axis of the jerk, which goes to millions, has room for its labels.
  const free = await get(page, 'plot-jerk').evaluate((element) => {
    const canvas = element.querySelector('canvas')!;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, 2, canvas.height);
    return data.every((value, i) => i % 4 !== 3 || value < 100);
  });
  expect(free).toBe(true);
});

it('steps through samples of one time, and the table follows', async () => {
  const { t } = mock.disputes.samples[0]!.points;
  t[20] = t[19]!;
  await compare();
  await press('questioned-canvas', ...Array.from({ length: 22 }, () => 'ArrowRight'));
  await expect.poll(() => words('moment')).toContain('sample 23 of');
  for (let n = 22; n > 17; n--) {
    await get(page, 'sample-back').click();
    await expect.poll(() => words('moment')).toContain(`sample ${n} of`);
  }
  for (let n = 19; n < 23; n++) {
    await get(page, 'sample-on').click();
    await expect.poll(() => words('moment')).toContain(`sample ${n} of`);
  }
  await get(page, 'stroke-on').click();
  await get(page, 'stroke-on').click();
  await expect.poll(() => words('moment')).toContain('stroke 3');
  await get(page, 'stroke-back').click();
  await expect.poll(() => words('moment')).toContain('stroke 2');
  // Said as it moves, by the slider too.
  expect(await get(page, 'seek').getAttribute('aria-valuetext')).toBe(await words('moment'));
  expect(await get(page, 'moment').evaluate((one) => [one.getAttribute('role'), one.getAttribute('aria-live')])).toEqual(['status', 'polite']);
  await get(page, 'plot-x').scrollIntoViewIfNeeded();
  await get(page, 'table-x').click();
  await get(page, 'seek').fill('2500');
  await expect.poll(() => get(page, 'values').locator('tr.here').count()).toBe(1);
  await expect.poll(() => words('values')).toContain('Page 13 of 16');
  // Ctrl and + are the browser's.
  await get(page, 'questioned-canvas').focus();
  expect(await page.evaluate(() => ['+', '-', '0'].map((key) => document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, ctrlKey: true, bubbles: true, cancelable: true }))))).toEqual([true, true, true]);
  expect(await page.evaluate(() => document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key: '+', bubbles: true, cancelable: true })))).toBe(false);
});

it('draws what is chosen', async () => {
  await compare();
  const plain = await settled('questioned-canvas');
  for (const [test, before, after] of [['in-air', true, false], ['order', false, true], ['dots', false, true]] as const) {
    await get(page, test).setChecked(after);
    await expect.poll(async () => Math.sign((await ink('questioned-canvas')).count - plain.count), { message: test }).toBe(after ? 1 : -1);
    await get(page, test).setChecked(before);
    await expect.poll(async () => (await ink('questioned-canvas')).count, { message: test }).toBe(plain.count);
  }
  // Less of the reference, and none of it.
  await get(page, 'mode').selectOption('overlay');
  const both = await settled('overlay-canvas');
  await get(page, 'opacity').fill('0');
  await expect.poll(async () => (await ink('overlay-canvas')).count).toBeLessThan(both.count);
  // In turn: who is seen is told.
  await get(page, 'mode').selectOption('flicker');
  await expect.poll(() => words('compare-overlay')).toContain('Questioned Q1');
  const one = (await settled('overlay-canvas')).count;
  await get(page, 'flick').click();
  await expect.poll(() => words('compare-overlay')).toContain('Reference K1');
  await expect.poll(async () => (await ink('overlay-canvas')).count).not.toBe(one);
  // Times are laid on each other in four ways, each said, and each on an axis of its own.
  const axis = () => get(page, 'values').locator('thead th').nth(1).textContent();
  const last = () => get(page, 'values').locator('tbody tr').last().locator('td').first().textContent().then((value) => Number(value!.replace(',', '')));
  await get(page, 'plot-x').scrollIntoViewIfNeeded();
  await get(page, 'table-x').click();
  await get(page, 'seek').fill('3090');
  for (const [timing, said, unit, least, most] of [['normalised', 'same length', '%', 99, 100], ['stroke', 'second stroke', 'stroke', 5.9, 6], ['warped', 'aligns it with', 'ms', 3000, 3200], ['raw', 'own pace', 'ms', 3000, 3200]] as const) {
    await get(page, 'timing').selectOption(timing);
    await expect.poll(() => words('timing-note'), { message: timing }).toContain(said);
    await expect.poll(axis, { message: timing }).toBe(unit);
    await expect.poll(last, { message: timing }).toBeGreaterThanOrEqual(least);
    expect(await last(), timing).toBeLessThanOrEqual(most);
  }
});

it('gives each raw value its own unit, and the names in the reader’s language', async () => {
  await compare();
  await get(page, 'seek').fill('1500');
  const cells = (name: string) => get(page, 'inspector').locator('tr', { has: page.locator('th', { hasText: name }) }).locator('td').allTextContents();
  await expect.poll(async () => (await cells('x'))[0]).toMatch(/^\d+ units$/);
  expect((await cells('x'))[1]).toMatch(/^[\d.]+ mm$/);
  expect((await cells('Pressure'))[0]).toMatch(/^\d+ of 65,535$/);
  expect((await cells('Tilt'))[0]).toMatch(/ × 0\.01°$/);
  expect(await get(page, 'rate').locator('option').allTextContents()).toEqual(['0.1 ×', '0.25 ×', '0.5 ×', '1 ×', '2 ×', '4 ×']);
  await get(page, 'language').selectOption('fr');
  await expect.poll(() => get(page, 'rate').locator('option').first().textContent()).toBe('0,1 ×');
  await expect.poll(() => get(page, 'alignment').locator('.shares').textContent()).toContain('Pression: 2,40');
});

it('computes statistics of what was recorded, filtered or not', async () => {
  await page.goto(at('findings'));
  await get(page, 'statistics').waitFor();
  const rows = () => get(page, 'statistics').locator('tbody tr').allTextContents();
  const plain = await rows();
  expect(await words('statistics')).toContain('unfiltered');
  await get(page, 'tab-compare').click();
  await get(page, 'filtered').check();
  await get(page, 'tab-findings').click();
  await get(page, 'statistics').waitFor();
  expect(await rows()).toEqual(plain);
});

it('prints what the colours mean and how it was drawn, and follows the light', async () => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await compare();
  await get(page, 'colouring').selectOption('speed');
  await get(page, 'filtered').check();
  await get(page, 'plot-p').scrollIntoViewIfNeeded();
  await get(page, 'plot-p').locator('.uplot[data-dark]').waitFor();
  await page.emulateMedia({ colorScheme: 'light' });
  await get(page, 'plot-p').locator('.uplot:not([data-dark])').waitFor();
  expect(await get(page, 'shown-state').isVisible()).toBe(false);
  await page.emulateMedia({ media: 'print' });
  for (const test of ['legend', 'timing-note', 'shown-state']) expect(await get(page, test).isVisible(), test).toBe(true);
  expect(await words('shown-state')).toBe('Side by side · In the air · Colour by: Speed · Filtered');
});

it('moves the replay by the video’s own controls, and stops it with the replay', async () => {
  mock.disputes.cases[0]!.items[0]!.videoUrl = '/api/video.webm'; // which is not there: what is asked of the element counts
  await page.addInitScript(() => {
    Object.defineProperties(HTMLMediaElement.prototype, {
      currentTime: { get() { return this.where ?? 0; }, set(to) { this.where = to; setTimeout(() => this.dispatchEvent(new Event('seeked'))); } },
      paused: { get() { return !this.running; } },
      play: { async value() { this.running = true; setTimeout(() => this.dispatchEvent(new Event('play'))); } },
      pause: { value() { this.running = false; setTimeout(() => this.dispatchEvent(new Event('pause'))); } },
    });
  });
  await compare();
  const video = get(page, 'compare-video');
  const where = () => video.evaluate((one) => (one as HTMLVideoElement).currentTime);
  const still = () => video.evaluate((one) => (one as HTMLVideoElement).paused);
  await get(page, 'seek').fill('1000');
  await expect.poll(where).toBeCloseTo(2.98, 2); // 1.98 s of the file before the pen begins
  await video.evaluate((one) => ((one as HTMLVideoElement).currentTime = 3.98));
  await expect.poll(() => words('moment')).toContain('2.00 of');
  // Before the writing the replay waits at its beginning, and the video stays there.
  await video.evaluate((one) => ((one as HTMLVideoElement).currentTime = 1));
  await expect.poll(() => words('moment')).toContain('0.00 of');
  expect(await where()).toBe(1);
  await video.evaluate((one) => ((one as HTMLVideoElement).currentTime = 2.5));
  await expect.poll(() => words('moment')).toContain('0.52 of');
  await get(page, 'rate').selectOption('0.1');
  await video.evaluate((one) => (one as HTMLVideoElement).play());
  await expect.poll(() => words('play')).toBe('Pause');
  await video.evaluate((one) => (one as HTMLVideoElement).pause());
  await expect.poll(() => words('play')).toBe('Play');
  await get(page, 'play').click();
  await expect.poll(still).toBe(false);
  await get(page, 'show-all').click();
  await expect.poll(still).toBe(true);
  expect(faults).toEqual([]);
});
