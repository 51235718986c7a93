import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { get, launch, open, shoot } from './browser.ts';
import { evidence } from './mock/evidence.ts';
import { Mock } from './mock/server.ts';

let browser: Browser;
let mock: Mock;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  mock = await Mock.start();
  mock.investigation = evidence;
});
afterEach(() => mock.stop());

const address = () => `${mock.url}/compare#${'1'.repeat(32)}/${'2'.repeat(32)}`;

describe('comparing', () => {
  it('opens with a reason, replays, overlays and exports', async () => {
    mock.signedIn = true;
    const { context, page, faults } = await open(browser, 'desktop');
    await page.goto(address());
    expect(await get(page, 'compare-open').isDisabled()).toBe(true);
    await get(page, 'compare-reason').fill('Dispute 2026-17');
    await shoot(page, 'compare-1-reason-desktop');
    await get(page, 'compare-open').click();
    await get(page, 'compare-questioned').waitFor();
    expect(await get(page, 'compare-reference').count()).toBe(5);
    expect(await page.locator('.uplot').count()).toBe(6);
    expect(await get(page, 'verdict').textContent()).toContain('moderately strong support');
    await get(page, 'colouring').selectOption('p');
    await get(page, 'order').check();
    await shoot(page, 'compare-2-desktop');
    await get(page, 'choose-reference-3').check();
    await get(page, 'rate').selectOption('4');
    await get(page, 'play').click();
    await expect.poll(() => get(page, 'seek').inputValue().then(Number), { timeout: 5000 }).toBeGreaterThan(3000);
    await get(page, 'seek').fill('1500');
    await get(page, 'normalised').check();
    await shoot(page, 'compare-3-moment-desktop');
    const download = page.waitForEvent('download');
    await get(page, 'export-csv').click();
    expect((await download).suggestedFilename()).toBe('questioned.csv');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('asks to sign in first', async () => {
    const { context, page } = await open(browser, 'phone');
    await page.goto(address());
    await get(page, 'compare-reason').fill('Dispute 2026-17');
    await get(page, 'compare-open').click();
    await get(page, 'compare-signed-out').waitFor();
    mock.signedIn = true;
    await get(page, 'compare-open').click();
    await get(page, 'compare').waitFor();
    await shoot(page, 'compare-phone');
    await context.close();
  });
});
