// Answers that come late, are lost, or meet what was done in another window.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Case } from '../src/compare/service.ts';
import { get, hold, launch, open } from './browser.ts';
import { CASE, fullCase, opening } from './mock/evidence.ts';
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
  ({ context, page, faults } = await open(browser, 'desktop'));
});
afterEach(async () => {
  await context.close();
  await mock.stop();
});

const at = (tab: string, id = CASE) => `${mock.url}/compare#case/${id}/${tab}`;
const words = (test: string) => get(page, test).textContent();
const focused = () => page.evaluate(() => document.activeElement?.tagName);

// A second case, of signatures of its own.
function another(): Case {
  const renamed = (id: string) => `b${id.slice(1)}`;
  const of = structuredClone(mock.disputes.cases[0]!);
  of.items.forEach((item) => (item.id = renamed(item.id)));
  mock.disputes.samples.push(...mock.disputes.samples.map((one) => ({ ...one, item: renamed(one.item) })));
  Object.assign(of, { id: 'd'.repeat(32), reference: '2026-99', runs: [], notes: [] });
  mock.disputes.cases.push(of);
  return of;
}

it('begins a case afresh, however the one before was looked at', async () => {
  const other = another();
  await page.goto(at('compare'));
  await get(page, 'compare-questioned').waitFor();
  for (let i = 0; i < 3; i++) await get(page, 'stroke-back').click();
  await get(page, 'zoom-in').click();
  const whole = /^(\S+) of \1 s/; // at its end
  expect(await words('moment')).not.toMatch(whole);
  await get(page, 'nav-cases').click();
  await page.locator(`a[href="#case/${other.id}/signatures"]`).click();
  await get(page, 'tab-compare').click();
  await get(page, 'compare-questioned').waitFor();
  expect(await words('moment')).toMatch(whole);
  expect(await get(page, 'zoom-fit').locator('xpath=following-sibling::span').textContent()).toBe('100 %');
  expect(faults).toEqual([]);
});

it('asks before a signature leaves the case', async () => {
  await page.goto(at('signatures'));
  const all = await (async () => { await get(page, 'items').waitFor(); return get(page, 'item').count(); })();
  await get(page, 'item-edit').first().click();
  await get(page, 'item-remove').click();
  expect(await get(page, 'item').count()).toBe(all);
  await get(page, 'item-remove-go').click();
  await expect.poll(() => get(page, 'item').count()).toBe(all - 1);
  expect(faults).toEqual([]);
});

it('keeps the case that is open when a comparison of another one ends', async () => {
  const other = another();
  await page.goto(at('findings'));
  await get(page, 'run-compare').waitFor();
  const slow = await hold(context, '**/compare');
  await get(page, 'run-compare').click();
  await slow.asked;
  await get(page, 'nav-cases').click();
  await page.locator(`a[href="#case/${other.id}/signatures"]`).click();
  await get(page, 'items').waitFor();
  await slow.letGo();
  await page.waitForFunction(() => performance.getEntriesByType('resource').some((one) => one.name.endsWith('/compare')));
  await get(page, 'tab-findings').click(); // a press later, the answer has come
  await get(page, 'runs').waitFor();
  expect(await page.locator('h1').textContent()).toContain('2026-99');
  expect(await get(page, 'run-choose').count()).toBe(0); // which has no comparison
  expect(faults).toEqual([]);
});

it('keeps the newer of two states of a case', async () => {
  mock.disputes.cases[0]!.openings.unshift({ ...opening, mine: true });
  await page.goto(at('signatures'));
  await get(page, 'opening-refresh').waitFor();
  const older = await hold(context, `**/cases/${CASE}`);
  await get(page, 'opening-refresh').click();
  await older.asked;
  await get(page, 'item-edit').first().click();
  await get(page, 'item-label').fill('Q7');
  await get(page, 'item-save').click();
  await expect.poll(() => words('items')).toContain('Q7');
  await older.letGo();
  await expect.poll(() => get(page, 'opening-refresh').isDisabled()).toBe(false); // the answer has come
  expect(await words('items')).toContain('Q7');
});

it('keeps the samples of the case that is open', async () => {
  const other = another();
  const slow = await hold(context, `**/cases/${CASE}/samples`);
  await page.goto(at('compare'));
  await slow.asked;
  await page.goto(at('compare', other.id));
  await get(page, 'compare-questioned').waitFor();
  await slow.letGo();
  await get(page, 'stroke-on').click();
  await get(page, 'stroke-on').click();
  await expect.poll(() => words('moment')).toContain('stroke 2');
  expect(await get(page, 'compare-nothing').count()).toBe(0);
  // And the first one's are asked for again.
  await page.goto(at('compare'));
  await get(page, 'compare-questioned').waitFor();
  expect(mock.requests.filter((one) => one.endsWith(`/cases/${CASE}/samples`))).toHaveLength(2);
});

it('sends no more files once the dialog is closed, and none to another case', async () => {
  another();
  await page.goto(at('signatures'));
  await get(page, 'add-file').click();
  await get(page, 'bring-file').setInputFiles(['a.csv', 'b.csv', 'c.csv'].map((name) => ({ name, mimeType: 'text/csv', buffer: Buffer.from('x') })));
  await get(page, 'bring-note').fill('from the claimant');
  const slow = await hold(context, '**/items?**');
  const sent: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && sent.push(new URL(request.url()).searchParams.get('filename')!));
  await get(page, 'bring-go').click();
  await slow.asked;
  await get(page, 'add-file-dialog').getByRole('button', { name: 'Cancel' }).click();
  await get(page, 'bring-go').waitFor({ state: 'detached' });
  await slow.letGo().catch(() => undefined); // nobody waits for it any more
  // The first one had arrived: the case says so.
  await expect.poll(() => get(page, 'item').count()).toBe(8);
  expect(sent).toEqual(['a.csv']);
});

it('asks again for an alignment that was lost, and says what is impossible', async () => {
  await context.route('**/alignment?**', (route) => route.abort(), { times: 1 });
  await page.goto(at('compare'));
  await get(page, 'alignment').locator('[data-test=retry]').waitFor();
  expect(await words('alignment')).not.toContain('too short');
  await get(page, 'timing').selectOption('warped');
  await expect.poll(() => words('timing-note')).toContain('could not be asked for');
  await get(page, 'retry').click();
  await get(page, 'connectors').waitFor();
  await expect.poll(() => words('timing-note')).toContain('aligns it with');
  await context.route('**/alignment?**', (route) => route.fulfill({ status: 422, contentType: 'application/problem+json', body: JSON.stringify({ type: '/problems/signature', title: 'Signature not usable', status: 422 }) }));
  await get(page, 'choose-reference-2').check();
  await get(page, 'alignment-impossible').waitFor();
  expect(await get(page, 'retry').count()).toBe(0);
});

it('keeps notes of two windows, and asks before one is removed', async () => {
  const other = await context.newPage();
  for (const one of [page, other]) {
    await one.goto(at('compare'));
    await get(one, 'compare-questioned').waitFor();
  }
  for (const [one, note] of [[page, 'first'], [other, 'second']] as const) {
    await get(one, 'tool-note').click();
    await get(one, 'questioned-canvas').click({ position: { x: 120, y: 120 } });
    await get(one, 'note-text').fill(note);
    await get(one, 'note-save').click();
    await get(one, 'note').filter({ hasText: note }).waitFor();
  }
  expect(mock.disputes.cases[0]!.notes.map((one) => one.text)).toEqual(['The pen stops here.', 'first', 'second']);
  await get(page, 'note-remove').first().click();
  expect(mock.requests.filter((one) => one.startsWith('DELETE'))).toEqual([]);
  await get(page, 'note-remove-go').click();
  await get(page, 'note').filter({ hasText: 'second' }).waitFor(); // the other window's is there now
  await expect.poll(focused).toBe('H2');
  expect(mock.disputes.cases[0]!.notes.map((one) => one.text)).toEqual(['first', 'second']);
});

it('exports once however often it is pressed', async () => {
  await page.goto(at('record'));
  const slow = await hold(context, '**/samples/csv');
  await get(page, 'export-csv').first().dblclick();
  await slow.asked;
  await expect.poll(() => get(page, 'export-csv').first().isDisabled()).toBe(true);
  await slow.letGo();
  await expect.poll(() => get(page, 'export-csv').first().isDisabled()).toBe(false);
  expect(mock.requests.filter((one) => one.endsWith('/samples/csv'))).toHaveLength(1);
});

it('keeps the focus when the second person has agreed', async () => {
  mock.disputes.openings = [{ ...opening }, { ...opening, id: '6'.repeat(32) }];
  await page.goto(`${mock.url}/compare#openings`);
  await get(page, 'approve').first().focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => get(page, 'approve').count()).toBe(1);
  await expect.poll(focused).toBe('H2');
});

it('ends on the same day everywhere', async () => {
  const { context: west, page: there } = await open(browser, 'desktop', { timezoneId: 'America/New_York' });
  await there.goto(at('signatures'));
  await get(there, 'case-edit').click();
  await get(there, 'case-until').fill('2027-12-24');
  await get(there, 'case-save').click();
  await expect.poll(() => there.locator('main').textContent()).toContain('erased on December 24, 2027');
  await there.goto(`${mock.url}/compare`);
  await expect.poll(() => get(there, 'case-line').textContent()).toContain('December 24, 2027');
  await west.close();
});
