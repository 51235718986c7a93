import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHANNELS } from '../src/compare/signal.ts';
import { get, hold, launch, open, shoot } from './browser.ts';
import { CASE, emptyCase, fullCase, opening } from './mock/evidence.ts';
import { Mock } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
  mock.signedIn = true;
});
afterEach(() => mock.stop());

const at = (tab: string) => `${mock.url}/compare#case/${CASE}/${tab}`;
const words = (page: Page, test: string) => get(page, test).textContent();

describe('opening evidence', () => {
  it('is asked for, approved, and opened once', async () => {
    const { context, page, faults } = await open(browser, 'desktop');
    await page.goto(`${mock.url}/compare#${'1'.repeat(32)}/${'2'.repeat(32)}`);
    await get(page, 'compare-open').click();
    await expect.poll(() => page.locator('.field-error').count()).toBe(3);
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('data-test'))).toBe('ask-reference');
    expect(mock.disputes.openings).toEqual([]);
    await get(page, 'ask-reference').fill('2026-18');
    await get(page, 'ask-question').fill('Whose signature is it?');
    await get(page, 'compare-reason').fill('Dispute 2026-18');
    await get(page, 'compare-open').click();
    await get(page, 'opening-next').waitFor();
    expect(await get(page, 'open-evidence').count()).toBe(0);
    mock.disputes.openings[0]!.state = 'approved';
    await get(page, 'opening-refresh').click();
    await get(page, 'open-evidence').click();
    await get(page, 'open-evidence').waitFor({ state: 'detached' });
    expect(mock.requests.filter((one) => one.endsWith('/open'))).toHaveLength(1);
    expect(faults).toEqual([]);
    await context.close();
  });

  it('is asked for of a document from long ago', async () => {
    const [newest] = mock.disputes.evidence;
    const old = { ...newest!.signatures[0]!, document: '7'.repeat(32), title: 'Lease of 2019' };
    mock.disputes.evidence = [{ before: '', signatures: [] }, { before: '2026-01-01T00:00:00Z', signatures: newest!.signatures }, { before: '2020-01-01T00:00:00Z', signatures: [old] }];
    const { context, page, faults } = await open(browser, 'desktop');
    await page.goto(`${mock.url}/compare#${'1'.repeat(32)}/${'2'.repeat(32)}`);
    await get(page, 'ask-signature').selectOption(`${old.document}/${old.signer}`); // waits for it
    await get(page, 'ask-reference').fill('2026-18');
    await get(page, 'ask-question').fill('Whose signature is it?');
    await get(page, 'compare-reason').fill('Dispute 2026-18');
    await get(page, 'compare-open').click();
    await expect.poll(() => mock.disputes.openings[0]?.document).toBe(old.document);
    expect(faults).toEqual([]);
    await context.close();
  });

  it('is decided by the second person', async () => {
    mock.disputes.openings = [{ ...opening }, { ...opening, id: '6'.repeat(32) }];
    const { context, page } = await open(browser, 'phone');
    await page.goto(`${mock.url}/compare#openings`);
    await get(page, 'approve').first().click();
    await expect.poll(() => get(page, 'approve').count()).toBe(1);
    await get(page, 'refuse').click();
    await get(page, 'refuse-answer').fill('Ask the court first.');
    await get(page, 'refuse-go').click();
    await get(page, 'openings-none').waitFor();
    expect(mock.disputes.openings.map((one) => one.state)).toEqual(['approved', 'refused']);
    expect(mock.disputes.openings[1]!.answer).toBe('Ask the court first.');
    await context.close();
  });

  it('is not asked about again when an older answer comes late', async () => {
    mock.disputes.openings = [{ ...opening }];
    const { context, page } = await open(browser, 'desktop');
    await page.goto(`${mock.url}/compare#openings`);
    await get(page, 'approve').waitFor();
    const older = await hold(context, '**/api/openings');
    await older.asked;
    await get(page, 'approve').click();
    await get(page, 'openings-none').waitFor();
    await context.route('**/api/openings', () => undefined); // and nothing newer is heard
    await older.letGo();
    await page.waitForTimeout(300);
    expect(await get(page, 'approve').count()).toBe(0);
    await context.close();
  });

  it('asks to sign in first', async () => {
    mock.signedIn = false;
    mock.disputes.cases = [fullCase()];
    const { context, page } = await open(browser, 'phone');
    await page.goto(at('compare'));
    await get(page, 'compare-signed-out').waitFor();
    mock.signedIn = true;
    await get(page, 'signed-in-again').click();
    await get(page, 'compare').waitFor();
    await context.close();
  });
});

describe('a case', () => {
  it('begins, takes files, and is changed', async () => {
    const { context, page, faults } = await open(browser, 'desktop');
    await page.goto(`${mock.url}/compare`);
    await get(page, 'case-reference').fill('2026-17');
    await get(page, 'case-question').fill('Whose?');
    await get(page, 'case-save').click();
    await get(page, 'items-empty').waitFor();
    await get(page, 'add-file').click();
    await get(page, 'bring-go').click();
    await expect.poll(() => page.locator('.field-error').count()).toBe(2); // no file either
    await get(page, 'bring-file').setInputFiles([{ name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('x') }, { name: 'b.csv', mimeType: 'text/csv', buffer: Buffer.from('y') }]);
    await get(page, 'bring-go').click(); // no word on where they are from
    await expect.poll(() => page.locator('.field-error').count()).toBe(1);
    await get(page, 'bring-note').fill('from the claimant');
    await get(page, 'bring-go').click();
    await expect.poll(() => get(page, 'item').count()).toBe(2);
    await get(page, 'item-edit').first().click();
    await get(page, 'item-label').fill('K7');
    await get(page, 'item-save').click();
    await expect.poll(() => words(page, 'items')).toContain('K7');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('is compared in every view, and measured', async () => {
    mock.disputes.cases = [fullCase()];
    const { context, page, faults } = await open(browser, 'desktop');
    await page.goto(at('compare'));
    await get(page, 'compare-questioned').waitFor();
    expect(await get(page, 'compare-reference').count()).toBe(5);
    // Replay: at four times its speed to the end, then by samples and strokes.
    await get(page, 'rate').selectOption('4');
    await get(page, 'play').click();
    await expect.poll(() => get(page, 'seek').inputValue().then(Number), { timeout: 10_000 }).toBeGreaterThan(3000);
    await get(page, 'seek').fill('0');
    await get(page, 'sample-on').click();
    await expect.poll(() => words(page, 'moment')).toContain('sample 2 of');
    await get(page, 'stroke-on').click();
    await expect.poll(() => words(page, 'moment')).toContain('stroke 2');
    await get(page, 'inspector').locator('tbody tr').nth(7).waitFor();
    // By keys on the sheet: the next sample, closer, and back.
    const before = await words(page, 'moment');
    await get(page, 'questioned-canvas').focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => words(page, 'moment')).not.toBe(before);
    // Filtered, a derived value stands beside the one before; what the device said stays.
    const row = (i: number) => get(page, 'inspector').locator('tbody tr').nth(i).locator('td').allTextContents();
    const speed = 1 + CHANNELS.indexOf('speed');
    const ink = () => get(page, 'questioned-canvas').evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    let still = '';
    await expect.poll(async () => { // it is drawn after what is said
      const before = still;
      await page.waitForTimeout(200);
      return (still = await ink()) === before;
    }).toBe(true);
    const [plain, x] = [await row(speed), await row(1 + CHANNELS.indexOf('x'))];
    await get(page, 'filtered').check();
    await expect.poll(() => words(page, 'inspector')).toContain('Filtered:');
    expect([(await row(speed))[0], (await row(1 + CHANNELS.indexOf('x')))[0]]).toEqual([plain[1], x[0]]);
    expect((await row(speed))[1]).not.toBe(plain[1]);
    await get(page, 'filtered').uncheck();
    await expect.poll(() => row(speed)).toEqual(plain);
    await expect.poll(ink).toBe(still);
    // Moved under the hand, and back to the same place.
    const sheet = (await get(page, 'questioned-canvas').boundingBox())!;
    const drag = async (x: number, y: number) => {
      await page.mouse.move(sheet.x + 150, sheet.y + 80);
      await page.mouse.down();
      await page.mouse.move(sheet.x + 150 + x, sheet.y + 80 + y, { steps: 3 });
      await page.mouse.up();
    };
    await get(page, 'tool-pan').click();
    await drag(60, 20);
    await expect.poll(ink).not.toBe(still);
    await drag(-60, -20);
    await expect.poll(ink).toBe(still);
    // The ruler by keys: a cross, moved by 40 px.
    await get(page, 'tool-ruler').click();
    await get(page, 'questioned-canvas').focus();
    for (const key of ['ArrowRight', 'Enter', ...Array.from({ length: 10 }, () => 'ArrowRight'), 'Enter']) await page.keyboard.press(key);
    await expect.poll(() => words(page, 'measured')).toMatch(/Distance \d+\.\d\d mm/);
    await get(page, 'tool-angle').click();
    await get(page, 'questioned-canvas').focus();
    for (const key of ['ArrowRight', 'Enter', ...Array.from({ length: 10 }, () => 'ArrowRight'), 'Enter', ...Array.from({ length: 10 }, () => 'ArrowDown'), 'Enter']) await page.keyboard.press(key);
    await expect.poll(() => words(page, 'measured')).toBe('Angle 90.0°.');
    await get(page, 'tool-note').click();
    await get(page, 'questioned-canvas').click({ position: { x: 120, y: 120 } });
    await get(page, 'note-text').fill('a hook');
    await get(page, 'note-save').click();
    await expect.poll(() => get(page, 'note').count()).toBe(2);
    // Over each other: laid by hand, then as close as possible.
    await get(page, 'mode').selectOption('overlay');
    await get(page, 'placing').selectOption('manual');
    await get(page, 'manual-degrees').fill('10');
    await expect.poll(() => words(page, 'placement')).toContain('turned 10.0°');
    await get(page, 'placing').selectOption('procrustes');
    await expect.poll(() => words(page, 'placement')).not.toContain('turned 10.0°');
    await get(page, 'mode').selectOption('flicker');
    await get(page, 'flicker-auto').uncheck();
    const seen = await words(page, 'compare-overlay');
    await get(page, 'flick').click();
    await expect.poll(() => words(page, 'compare-overlay')).not.toBe(seen);
    // Curves: all ways to lay times on each other, and a table.
    for (const [timing, said] of [['normalised', 'same length'], ['stroke', 'second stroke'], ['warped', 'aligns it with'], ['raw', 'own pace']] as const) {
      await get(page, 'timing').selectOption(timing);
      await expect.poll(() => words(page, 'timing-note')).toContain(said);
    }
    await get(page, 'plot-x').scrollIntoViewIfNeeded();
    await get(page, 'table-x').click();
    await expect.poll(() => get(page, 'values').locator('tbody tr').count()).toBe(40);
    await get(page, 'choose-reference-3').check();
    await expect.poll(() => mock.requests.filter((one) => one.endsWith('/alignment')).length).toBe(2);
    await get(page, 'colouring').selectOption('cost');
    await get(page, 'legend').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  it('prints without what only a screen needs', async () => {
    mock.disputes.cases = [fullCase()];
    const { context, page } = await open(browser, 'desktop', { colorScheme: 'dark' });
    for (const tab of ['signatures', 'compare', 'findings', 'record']) {
      await page.goto(at(tab));
      await page.locator('.panel').first().waitFor();
      if (tab === 'compare') await page.locator('.uplot').nth(6).waitFor();
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      for (const screen of ['.shell-bar', '.button', '.tabs', '.toolbar', 'video']) {
        for (const one of await page.locator(screen).all()) expect(await one.isVisible(), `${screen} on ${tab}`).toBe(false);
      }
      const colours = await page.evaluate(() => [document.body, document.querySelector('.panel')!].map((one) => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]));
      expect(colours, tab).toEqual([['rgb(0, 0, 0)', 'rgb(255, 255, 255)'], ['rgb(0, 0, 0)', 'rgb(255, 255, 255)']]);
      const paper = await page.pdf({ format: 'A4' });
      expect(paper.subarray(0, 5).toString()).toBe('%PDF-');
      if (process.env['SHOTS']) {
        const folder = fileURLToPath(new URL('../../out/web/', import.meta.url));
        mkdirSync(folder, { recursive: true });
        writeFileSync(`${folder}print-${tab}.pdf`, paper);
      }
      // On paper nothing stands beyond the right margin: 180 mm at 96 px to an inch.
      await page.setViewportSize({ width: 680, height: 960 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth), tab).toBeLessThanOrEqual(680);
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.emulateMedia({ media: 'screen', colorScheme: 'dark' });
    }
    await context.close();
  });

  it('says what was found, warns of other devices, and exports', async () => {
    mock.disputes.cases = [fullCase()];
    const { context, page, faults } = await open(browser, 'tablet');
    await page.goto(at('findings'));
    expect(await words(page, 'verdict')).toContain('moderately strong support');
    expect((await words(page, 'verdict'))!.toLowerCase()).not.toContain('same person');
    expect(await words(page, 'quality-warnings')).toContain('K2');
    await expect.poll(() => get(page, 'statistics').locator('tbody tr').count()).toBe(14);
    await get(page, 'tab-record').click();
    await expect.poll(() => get(page, 'custody').locator('tbody tr').count()).toBe(4);
    const download = page.waitForEvent('download');
    await get(page, 'export-csv').first().click();
    expect((await download).suggestedFilename()).toBe('Q1.csv');
    const report = page.waitForEvent('download');
    await get(page, 'report-make').click();
    expect((await report).suggestedFilename()).toContain('report-');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('goes to a colleague, after a question', async () => {
    mock.disputes.cases = [fullCase()];
    const { context, page, faults } = await open(browser, 'phone');
    await page.goto(at('record'));
    await get(page, 'hand-over-email').fill('ines@nowhere.example');
    await get(page, 'hand-over-ask').click();
    await get(page, 'hand-over-go').click();
    await expect.poll(() => words(page, 'hand-over')).toContain('Nobody with this address');
    await get(page, 'hand-over-email').fill('ines@atelier.example');
    await get(page, 'hand-over-ask').click();
    await shoot(page, 'compare-hand-over-phone');
    await get(page, 'hand-over-go').click();
    await get(page, 'cases-empty').waitFor();
    expect(faults).toEqual([]);
    await context.close();
  });

  it('closes what may no longer be read', async () => {
    const of = fullCase();
    of.items.forEach((item) => (item.readable = false));
    mock.disputes.cases = [of, emptyCase()];
    const { context, page } = await open(browser, 'phone');
    await page.goto(at('signatures'));
    await expect.poll(() => get(page, 'item-closed').count()).toBe(of.items.length);
    await get(page, 'tab-compare').click();
    await get(page, 'compare-nothing').waitFor();
    await shoot(page, 'compare-closed-phone');
    await context.close();
  });
});
