import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { get, launch, open, shoot } from './browser.ts';
import { Mock } from './mock/server.ts';

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

const file = (name: string, buffer: Uint8Array) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(buffer) });

describe('verifying', () => {
  it('refuses what is no deposit, without uploading it', async () => {
    const { context, page, faults } = await open(browser, 'phone');
    await page.goto(`${mock.url}/verify`);
    await get(page, 'verify-file').setInputFiles(file('notes.asice', new TextEncoder().encode('hello')));
    await get(page, 'verify-answer').waitFor();
    await expect.poll(() => get(page, 'verify-answer').getAttribute('data-state')).toMatch(/unreadable|fails/);
    await shoot(page, 'verify-unreadable-phone');
    await get(page, 'verify-file').setInputFiles(file('plain.pdf', mock.pdf));
    await expect.poll(() => page.getByRole('heading', { level: 2 }).first().textContent()).toBe('plain.pdf');
    await get(page, 'verify-answer').waitFor();
    expect(await get(page, 'verify-answer').getAttribute('data-state')).not.toBe('holds');
    const good = readFileSync('../testdata/vectors/good.asice');
    await get(page, 'verify-file').setInputFiles(file('good.asice', good));
    await get(page, 'verify-second').waitFor();
    await expect.poll(() => get(page, 'verify-answer').getAttribute('data-state')).toBe('unknown'); // nobody's roots are known here
    await expect.poll(() => page.locator('[data-agree]').getAttribute('data-agree')).toBe('true');
    await shoot(page, 'verify-good-phone');
    const changed = Buffer.from(good);
    changed[changed.length / 2 | 0]! ^= 1;
    await get(page, 'verify-file').setInputFiles(file('changed.asice', changed));
    await page.getByRole('heading', { level: 2, name: 'changed.asice' }).waitFor();
    await get(page, 'verify-second').waitFor();
    await expect.poll(() => get(page, 'verify-answer').getAttribute('data-state')).toBe('fails');
    await expect.poll(() => page.locator('[data-agree]').getAttribute('data-agree')).toBe('true');
    expect(mock.requests.filter((one) => !one.startsWith('GET /api/trust'))).toEqual([]);
    expect(faults).toEqual([]);
    await context.close();
  });
});
