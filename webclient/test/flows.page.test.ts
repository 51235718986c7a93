// Every flow from its beginning to its end, in each language and at each size, by mouse,
// finger and keyboard alone, with the network lost on the way. One run of a flow has one
// language and one size: four runs see all of them.
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drawPen, get, launch, open, readSignature, shoot, type Size } from './browser.ts';
import { CASE, fullCase, opening } from './mock/evidence.ts';
import { Mock, TOKEN } from './mock/server.ts';
import { untranslated } from './untranslated.ts';
import { byFinger, byKeyboard, byMouse, type Way } from './ways.ts';

type Tag = 'en' | 'fr' | 'zh-Hant' | 'zh-Hans';
const LOCALES: Record<Tag, string> = { en: 'en-GB', fr: 'fr-FR', 'zh-Hant': 'zh-TW', 'zh-Hans': 'zh-CN' };
const RUNS: [tag: Tag, size: Size, by: 'mouse' | 'finger' | 'keyboard'][] = [
  ['en', 'tablet', 'finger'], ['fr', 'phone', 'finger'], ['zh-Hant', 'desktop', 'keyboard'], ['zh-Hans', 'tablet', 'mouse'],
];

interface Run {
  page: Page;
  context: BrowserContext;
  way: Way;
  tag: Tag;
  keyboard: boolean;
  seen(name: string): Promise<void>; // a screen of the flow: nothing of it is in another language
}

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

const pdf = (name: string) => ({ name, mimeType: 'application/pdf', buffer: Buffer.from(mock.pdf) });

// Without a network for what happens inside.
async function offline(context: BrowserContext, meanwhile: () => Promise<void>): Promise<void> {
  await context.setOffline(true);
  await meanwhile();
  await context.setOffline(false);
}

// A press that the network loses, and says so where it was made; then, with the network back, again.
async function lost(run: Run, test: string): Promise<void> {
  const { page, context, way, seen } = run;
  await get(page, test).first().waitFor(); // what brings it there still needs the network
  await offline(context, async () => {
    await way.press(test);
    await shownProblem(page).first().waitFor({ timeout: 15_000 });
    await seen(`offline-${test}`);
  });
  await way.press(test);
}

// What is behind an open dialog is not shown to anybody.
const shownProblem = (page: Page) => page.locator('dialog[open] [data-test=problem], body:not(:has(dialog[open])) [data-test=problem]');

async function refuse(way: Way): Promise<void> {
  for (const purpose of ['handwriting', 'video', 'comparison']) await way.tick(`consent-${purpose}-no`);
  await way.press('consent-done');
}

async function typeName(run: Run, name: string): Promise<void> {
  await run.way.press('start-reading');
  await run.page.locator('.pdf-text[data-ready]').first().waitFor();
  await run.way.press('read-done');
  await refuse(run.way);
  await run.way.write('typed-name', name);
  await run.seen('type');
  await run.way.press('confirm-typed');
  await get(run.page, 'done').waitFor();
}

const FLOWS: Record<string, (run: Run) => Promise<void>> = {
  // Who cannot draw signs by typing; a keyboard alone cannot draw.
  sign: async ({ page, context, way, tag, keyboard, seen }) => {
    mock.ceremony.references = { have: 0, need: 1, want: 1 };
    mock.ceremony.fields.push({ name: 'Text3', kind: 'text', page: 1, x: 60, y: 300, width: 180, height: 24, label: 'Lyon?', required: true }, { name: 'Check4', kind: 'checkbox', page: 1, x: 60, y: 340, width: 18, height: 18, required: true });
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await get(page, 'intro').waitFor();
    await seen('intro');
    await way.press('start-reading');
    await page.locator('.pdf-text[data-ready]').first().waitFor();
    await way.press('pdf-larger');
    await way.press('pdf-turn');
    await way.press('next-field');
    await way.write('entry-Text3', 'Lyon');
    await way.tick('entry-Check4');
    await seen('read');
    await way.press('read-done');
    await get(page, 'consents').waitFor();
    await seen('consent');
    if (keyboard) {
      await refuse(way);
      await way.write('typed-name', 'Chloé Martin');
      await seen('type');
      await way.press('confirm-typed');
    } else {
      for (const [purpose, answer] of [['handwriting', 'yes'], ['video', 'yes'], ['comparison', 'yes']]) await way.tick(`consent-${purpose}-${answer}`);
      await way.press('consent-done');
      await way.press('pad-start');
      await page.locator('[data-test=pad][data-state=live]').waitFor();
      await seen('enrol');
      await drawPen(page, readSignature('w1-genuine-01'), 8);
      await way.press('pad-done');
      await way.press('camera-on');
      await get(page, 'camera-hint').waitFor();
      await seen('camera');
      await way.press('camera-without');
      await way.press('pad-start');
      await page.locator('[data-test=pad][data-state=live]').waitFor();
      const samples = readSignature('w1-genuine-02');
      await drawPen(page, samples, 8);
      let pad = await get(page, 'pad-canvas').boundingBox();
      await offline(context, async () => {
        mock.lastSession().cut();
        await get(page, 'link-lost').waitFor();
        expect(await get(page, 'pad-canvas').boundingBox()).toEqual(pad); // nothing moves under the pen
        await seen('lost');
        await page.evaluate(() => scrollTo(0, 1e6)); // as far as the page goes while it is longer
        pad = await get(page, 'pad-canvas').boundingBox();
      });
      await get(page, 'link-lost').waitFor({ state: 'detached' });
      expect(await get(page, 'pad-canvas').boundingBox()).toEqual(pad);
      await way.press('pad-done');
      await get(page, 'confirm-sign').waitFor();
      expect(mock.lastSession().points().filter((point) => point.down).length).toBe(samples.filter((one) => one.down).length);
      await seen('confirm');
      await way.press('confirm-sign');
    }
    await get(page, 'done').waitFor();
    await seen('done');
    const download = page.waitForEvent('download');
    await way.press('download-deposit');
    expect((await download).suggestedFilename()).toMatch(/\.asice$/);
    expect(new Set(mock.consentLanguages)).toEqual(new Set([tag === 'fr' ? 'fr' : 'en'])); // the stand-in has two
  },

  decline: async (run) => {
    const { page, way, seen } = run;
    await page.goto(`${mock.url}/sign#t=${TOKEN}`);
    await way.press('decline');
    await way.write('decline-reason', '17');
    await seen('decline');
    await lost(run, 'decline-confirm');
    await get(page, 'declined').waitFor();
    await seen('declined');
  },

  hand: async (run) => {
    const { page, way, tag, seen } = run;
    mock.signedIn = true;
    const lease = mock.newDocument('17', 'Lease.pdf', 1000);
    const person = (id: string, name: string) => ({ id: id.repeat(32), name, email: `${id}@example.org`, language: tag, state: 'invited' as const, typed: false });
    Object.assign(lease, { state: 'sent', signers: [person('a', 'Chloé Martin'), person('b', 'Bo Berg')] });
    mock.documents.push(lease);
    await page.goto(`${mock.url}/#/documents/${lease.id}`);
    await way.press('in-person');
    await seen('ask');
    await lost(run, 'in-person-go');
    await get(page, 'hand-take').waitFor();
    expect(mock.signedIn).toBe(false);
    await page.goto(mock.url); // whoever has the device now does not reach the owner's account
    await get(page, 'sign-in').waitFor();
    await page.goto(`${mock.url}/sign?hand`);
    for (const name of ['Chloé Martin', 'Bo Berg']) {
      await get(page, 'hand-take').waitFor();
      await seen('turn');
      await (name === 'Bo Berg' ? lost(run, 'hand-take') : way.press('hand-take'));
      await typeName(run, name);
      await (name === 'Bo Berg' ? lost(run, 'hand-on') : way.press('hand-on'));
    }
    await page.locator('[data-test=hand-end].button-primary').waitFor();
    await seen('over');
    await way.press('hand-end');
    await lost(run, 'hand-end-confirm');
    await way.write('sign-in-email', 'ada@atelier.example'); // the owner comes back by password
    await way.write('sign-in-password', 'correct horse battery');
    await way.press('sign-in-go');
    await get(page, 'documents').waitFor();
  },

  own: async ({ page, context, way, keyboard, seen }) => {
    await page.goto(mock.url);
    await way.write('sign-in-email', 'ada@atelier.example');
    await way.write('sign-in-password', 'correct horse battery');
    await seen('sign-in');
    await way.press('sign-in-go');
    await get(page, 'documents-empty').waitFor();
    await seen('empty');
    await offline(context, async () => {
      await way.bring('upload', pdf('Lease.pdf'));
      await get(page, 'problem').waitFor();
      await seen('offline');
    });
    await way.bring('upload', pdf('Lease.pdf'));
    await get(page, 'plan').waitFor();
    await page.locator('.pdf-text[data-ready]').first().waitFor();
    await way.write('signer-name', 'Bo Berg');
    await way.write('signer-email', 'bo@example.org');
    await way.press('place-field');
    await get(page, 'field').waitFor();
    if (keyboard) await page.keyboard.press('ArrowUp'); // the new field has the focus
    await seen('plan');
    await way.press('send');
    await get(page, 'document-state').waitFor();
    await way.choose('reminders', '3');
    await get(page, 'reminder-next').waitFor();
    await seen('sent');
    const [document] = mock.documents;
    await expect.poll(() => document).toMatchObject({ state: 'sent', remindDays: 3, fields: [{ signer: 0, page: 1 }] }); // the days between come first
    Object.assign(document!, { state: 'completed', deposit: { id: 'd', size: 300_000, sha256: document!.sha256, createdAt: '2026-11-23T19:00:01Z', retainUntil: '2036-11-23T19:00:01Z', hold: false, state: 'kept', mayDownload: true } });
    Object.assign(document!.signers[0]!, { state: 'signed', signedAt: '2026-11-23T19:00:00Z' });
    await get(page, 'download-deposit').waitFor();
    const download = page.waitForEvent('download');
    await way.press('download-deposit');
    expect((await download).suggestedFilename()).toBe('Lease.asice');
    await way.write('hold-reason', '2026-17');
    await way.press('hold-place');
    await page.locator('[data-test=hold][data-state=placed]').waitFor();
    await seen('completed');
    await way.press('nav-deposits');
    await get(page, 'deposit-line').waitFor();
    await seen('deposits');
    await way.press('nav-outbox');
    await get(page, 'mail').first().waitFor();
    await way.press('nav-activity');
    await get(page, 'record-line').first().waitFor();
    await way.press('sign-out');
    await get(page, 'sign-in').waitFor();
  },

  people: async (run) => {
    const { page, way, seen } = run;
    mock.signedIn = true;
    await page.goto(mock.url);
    await way.press('nav-members');
    await way.write('invite-member-email', 'bo@example.org');
    await way.choose('invite-member-role', 'investigator');
    await lost(run, 'invite-member-go');
    await get(page, 'invite-member-sent').waitFor();
    await seen('members');
    await way.press('nav-settings');
    await get(page, 'totp-begin').waitFor();
    await way.write('profile-name', 'Ada D.');
    await lost(run, 'profile-save');
    await get(page, 'profile-saved').waitFor();
    await way.press('totp-begin');
    await way.write('proof-password', 'correct horse battery');
    await seen('proof');
    await lost(run, 'proof-go');
    await way.write('totp-code', '123456');
    await lost(run, 'totp-confirm');
    await get(page, 'codes').waitFor();
    await seen('settings');
    await lost(run, 'sign-out'); // nobody leaves the device who is signed in still
    await get(page, 'sign-in').waitFor();
  },

  dispute: async (run) => {
    const { page, way, seen } = run;
    mock.signedIn = true;
    mock.disputes.openings = [{ ...opening, title: '17', reason: '2026-17' }];
    await page.goto(`${mock.url}/compare#openings`);
    await get(page, 'approve').waitFor();
    await seen('approve');
    await lost(run, 'approve');
    await get(page, 'openings-none').waitFor();
    mock.disputes.openings = [];
    await page.goto(`${mock.url}/compare#${'1'.repeat(32)}/${'2'.repeat(32)}`);
    await way.write('ask-reference', '2026-18');
    await way.write('ask-question', 'Q 2026-18');
    await way.write('compare-reason', '2026-18');
    await seen('ask');
    await lost(run, 'compare-open');
    await get(page, 'opening-next').waitFor();
    mock.disputes.openings[0]!.state = 'approved';
    await way.press('opening-refresh');
    await lost(run, 'open-evidence');
    await get(page, 'open-evidence').waitFor({ state: 'detached' });
    mock.disputes.cases = [fullCase()];
    await page.goto(`${mock.url}/compare#case/${CASE}/signatures`);
    await page.reload(); // the stand-in's case has more in it now
    await way.press('tab-compare');
    await get(page, 'connectors').waitFor();
    await way.choose('mode', 'overlay');
    await way.choose('placing', 'procrustes');
    await way.choose('timing', 'warped');
    await way.press('stroke-on');
    await expect.poll(() => get(page, 'moment').textContent()).toMatch(/2/);
    await seen('compare');
    await way.press('tab-findings');
    await get(page, 'verdict').waitFor();
    await way.press('tab-record');
    await get(page, 'custody').waitFor();
    const report = page.waitForEvent('download');
    await lost(run, 'report-make');
    expect((await report).suggestedFilename()).toContain('report-');
    await way.write('hand-over-email', 'ines@atelier.example');
    await way.press('hand-over-ask');
    await offline(run.context, async () => {
      await way.press('hand-over-go');
      await shownProblem(page).first().waitFor({ timeout: 15_000 });
    });
    await way.press('hand-over-ask');
    await way.press('hand-over-go');
    await get(page, 'cases-empty').waitFor();
  },

  verify: async ({ page, context, way, seen }) => {
    await page.goto(`${mock.url}/verify`);
    await get(page, 'verify-choose').waitFor();
    const bring = (name: string, buffer: Buffer) => way.bring('verify-choose', { name, mimeType: 'application/octet-stream', buffer });
    await bring('good.asice', readFileSync('../testdata/vectors/good.asice'));
    await get(page, 'verify-second').waitFor();
    await seen('good');
    expect(await get(page, 'verify-check').count()).toBeGreaterThan(10);
    expect(await page.locator('[data-test=verify-check] .grow > span').count()).toBe(0); // the verifier's own English stands below
    await offline(context, async () => { // nothing is uploaded, so nothing is needed
      await bring('notes.asice', Buffer.from('hello'));
      await expect.poll(() => get(page, 'verify-answer').getAttribute('data-state')).toMatch(/unreadable|fails/);
      await seen('bad');
    });
  },
};

describe.each(Object.keys(FLOWS))('%s', (name) => {
  it.each(RUNS)('in %s on a %s by %s', async (tag, size, by) => {
    mock.ceremony.signer.language = tag;
    const { context, page, faults } = await open(browser, size, { locale: LOCALES[tag], hasTouch: by === 'finger', reducedMotion: 'reduce' });
    const way = { mouse: byMouse, finger: byFinger, keyboard: byKeyboard }[by](page);
    const left: string[] = [];
    const seen = async (screen: string) => {
      await shoot(page, `flow-${name}-${screen}-${tag}-${size}`);
      expect(await page.evaluate(() => document.documentElement.lang)).toBe(tag);
      if (tag !== 'en') left.push(...(await untranslated(page)).map((words) => `${screen}: ${words}`));
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), screen).toBeLessThanOrEqual(0);
    };
    await FLOWS[name]!({ page, context, way, tag, keyboard: by === 'keyboard', seen });
    expect(left).toEqual([]);
    expect(faults.filter((fault) => !/ERR_INTERNET_DISCONNECTED/.test(fault))).toEqual([]);
    await context.close();
  });
});
