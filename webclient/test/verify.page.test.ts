import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { get, hold, launch, open, shoot } from './browser.ts';
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

const VECTOR = '../testdata/vectors/good.asice';
const answered = (page: Page, name: string) => page.locator('[data-test=verify-answer]', { has: page.getByRole('heading', { name, exact: true }) });

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
    const good = readFileSync(VECTOR);
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

  it('tells of each file what was found in that file, however quickly they follow', async () => {
    const { context, page, faults } = await open(browser, 'phone');
    await page.goto(`${mock.url}/verify`);
    const good = readFileSync(VECTOR);
    const changed = Buffer.from(good);
    changed[changed.length / 2 | 0]! ^= 1;
    const load = await hold(context, '**/wasm/inkverify.wasm'); // the first file waits for the verifier
    await get(page, 'verify-file').setInputFiles(file('good.asice', good));
    await load.asked;
    await get(page, 'verify-file').setInputFiles(file('changed.asice', changed));
    await page.getByText('Checking changed.asice').waitFor();
    await load.letGo();
    await answered(page, 'changed.asice').waitFor();
    expect(await get(page, 'verify-answer').getAttribute('data-state')).toBe('fails');
    await get(page, 'verify-file').setInputFiles(file('good.asice', good));
    await answered(page, 'good.asice').waitFor();
    expect(await get(page, 'verify-answer').getAttribute('data-state')).toBe('unknown');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('says so when a file goes away while it is checked, and checks the next', async () => {
    const { context, page } = await open(browser, 'phone');
    await page.goto(`${mock.url}/verify`);
    const folder = mkdtempSync(join(tmpdir(), 'verify-'));
    const path = join(folder, 'gone.asice');
    copyFileSync(VECTOR, path);
    const trust = await hold(context, '**/api/trust');
    await get(page, 'verify-file').setInputFiles(path);
    await trust.asked;
    rmSync(folder, { recursive: true });
    await trust.letGo();
    await answered(page, 'gone.asice').waitFor();
    expect(await get(page, 'verify-answer').getAttribute('data-state')).toBe('stopped');
    await get(page, 'verify-file').setInputFiles(VECTOR);
    await answered(page, 'good.asice').waitFor();
    expect(await get(page, 'verify-answer').getAttribute('data-state')).toBe('unknown');
    await context.close();
  });

  it.each(['inkverify.wasm', 'wasm_exec.js'])('loads the verifier again when %s was lost', async (part) => {
    const { context, page } = await open(browser, 'phone');
    await page.goto(`${mock.url}/verify`);
    await context.route(`**/wasm/${part}`, (route) => route.abort(), { times: 1 });
    await get(page, 'verify-file').setInputFiles(file('first.asice', readFileSync(VECTOR)));
    await answered(page, 'first.asice').waitFor();
    expect(await get(page, 'verify-answer').getAttribute('data-state')).toBe('missing');
    await get(page, 'verify-file').setInputFiles(file('second.asice', readFileSync(VECTOR)));
    await answered(page, 'second.asice').waitFor();
    expect(await get(page, 'verify-answer').getAttribute('data-state')).toBe('unknown');
    await context.close();
  });
});
