// Every screen in light and dark, at the three sizes and in the four languages:
// axe finds nothing, nothing overflows sideways, and no other origin is asked.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Ceremony, FieldKind, SignerState } from '../src/api.ts';
import { get, launch, open, shoot, type Size, SIZES, watch } from './browser.ts';
import { CASE, emptyCase, fullCase, opening } from './mock/evidence.ts';
import { Mock, TOKEN } from './mock/server.ts';
import { untranslated } from './untranslated.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

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

function decide(state: Ceremony, next: Ceremony['next']): void {
  state.consents.forEach((consent) => Object.assign(consent, { given: true, at: '2026-11-23T19:00:00Z' }));
  state.next = next;
}

const sign = (page: Page) => page.goto(`${mock.url}/sign#t=${TOKEN}`);

function aDocument(state: 'draft' | 'sent' | 'completed') {
  mock.signedIn = true;
  const document = mock.newDocument('Rental agreement, 12 rue des Écoles', 'agreement.pdf', 48_213);
  Object.assign(document, { state, fields: [{ kind: 'signature', signer: 0, page: 1, x: 300, y: 640, width: 200, height: 70 }] });
  document.signers = [
    { id: 's0', name: 'Chloé Martin', email: 'chloe@example.org', language: 'fr', state: state === 'completed' ? 'signed' : 'invited', typed: false, ...(state === 'completed' ? { signedAt: '2026-11-23T19:00:00Z' } : {}) },
    { id: 's1', name: '王小明', email: 'wang@example.org', language: 'zh-Hant', state: state === 'completed' ? 'signed' : 'waiting', typed: state === 'completed' },
  ];
  if (state === 'completed') document.deposit = { id: 'd', size: 4_300_000, sha256: document.sha256, createdAt: '2026-11-23T19:00:01Z', retainUntil: '2036-11-23T19:00:01Z', hold: true, state: 'held', mayDownload: true };
  mock.documents.push(document);
  return document;
}

function aHold(): void {
  const act = (name: string) => ({ by: name, name, at: '2026-11-24T09:00:00Z' });
  mock.holds = [{ id: 'h1', reason: '2026-17', state: 'ending', protects: true, placed: act('Ben Roy'), agreed: act('Ada Durand'), ended: act('Ben Roy'), mayAgree: true }];
}

function investigate() {
  mock.signedIn = true;
  mock.disputes.cases = [fullCase()];
}

async function compare(page: Page): Promise<void> {
  investigate();
  await page.goto(`${mock.url}/compare#case/${CASE}/compare`);
  await get(page, 'connectors').waitFor();
  await page.locator('.uplot').nth(6).waitFor();
}

// A field of each kind, one of them the sender's. They stand apart: where a sender
// crowds them, the form below the document is the larger target (WCAG 2.5.8, equivalent).
function fillIn(): void {
  const at = (kind: FieldKind, y: number, more: object) => ({ name: `${kind}-${y}`, kind, page: 1, x: 60, y, width: 180, height: 24, ...more });
  mock.ceremony.fields.push(at('initials', 40, { required: true }), at('date', 300, {}), at('text', 370, { label: 'Ort', required: true }), at('checkbox', 440, { width: 18 }), at('text', 510, { fixed: true, value: 'Nr. 17' }));
}

function handRound(): void {
  const person = (id: string, name: string, state: SignerState) => ({ id: id.repeat(32), name, language: 'fr', state });
  mock.handed = { title: 'Bail', sender: { name: 'Atelier Durand' }, next: 'b'.repeat(32), over: false, signers: [person('a', 'Chloé Martin', 'signed'), person('b', '王小明', 'invited')] };
}

const SCREENS: Record<string, (page: Page) => Promise<unknown>> = {
  'sign-intro': async (page) => { await sign(page); await get(page, 'intro').waitFor(); },
  'sign-read': async (page) => { await sign(page); await get(page, 'start-reading').click(); await page.locator('.pdf-text[data-ready]').first().waitFor(); },
  'sign-decline': async (page) => { await sign(page); await get(page, 'decline').click(); await get(page, 'decline-confirm').waitFor(); },
  'sign-consent': async (page) => { await sign(page); await get(page, 'start-reading').click(); await get(page, 'read-done').click(); await get(page, 'consent-video-no').check(); },
  'sign-enrol': async (page) => { decide(mock.ceremony, 'enrol'); await sign(page); await get(page, 'pad-start').waitFor(); },
  'sign-camera': async (page) => { decide(mock.ceremony, 'sign'); await sign(page); await get(page, 'camera-on').click(); await get(page, 'camera-hint').waitFor(); },
  'sign-pad': async (page) => { decide(mock.ceremony, 'sign'); mock.ceremony.consents[1]!.given = false; await sign(page); await get(page, 'pad-start').click(); await page.locator('[data-state=live]').waitFor(); },
  'sign-confirm': async (page) => { decide(mock.ceremony, 'confirm'); mock.ceremony.captureId = 'c'.repeat(32); await sign(page); await get(page, 'unseen').waitFor(); },
  'sign-type': async (page) => { decide(mock.ceremony, 'type'); await sign(page); await get(page, 'type').waitFor(); },
  'sign-done': async (page) => { decide(mock.ceremony, 'done'); mock.ceremony.deposit = { size: 1, retainUntil: '2036-11-23T20:00:00Z' }; await sign(page); await get(page, 'done').waitFor(); },
  'sign-agreements': async (page) => { decide(mock.ceremony, 'done'); mock.ceremony.references.have = 5; await sign(page); await get(page, 'agreements').click(); await get(page, 'take-back-comparison').waitFor(); },
  'sign-sealing': async (page) => { decide(mock.ceremony, 'sealing'); mock.sealingUntil = Infinity; await sign(page); await get(page, 'sealing').waitFor(); },
  'sign-declined': async (page) => { decide(mock.ceremony, 'declined'); await sign(page); await get(page, 'declined').waitFor(); },
  'sign-expired': async (page) => { await page.goto(`${mock.url}/sign#t=another`); await get(page, 'link-expired').waitFor(); },
  'sign-missing': async (page) => { await page.goto(`${mock.url}/sign`); await get(page, 'link-missing').waitFor(); },
  'sign-fields': async (page) => { fillIn(); await sign(page); await get(page, 'start-reading').click(); await page.locator('.pdf-text[data-ready]').first().waitFor(); await get(page, 'read-done').click(); await get(page, 'fields-missing').waitFor(); },
  'hand': async (page) => { handRound(); await page.context().addCookies([{ name: 'hand', value: '1', url: mock.url }]); await page.goto(`${mock.url}/sign?hand`); await get(page, 'hand-take').waitFor(); },
  'own-activity': async (page) => { mock.signedIn = true; await page.goto(`${mock.url}/#/activity`); await get(page, 'record-line').first().waitFor(); },
  'own-members': async (page) => { mock.signedIn = true; await page.goto(`${mock.url}/#/members`); await get(page, 'invite-member').waitFor(); },
  'own-settings': async (page) => { mock.signedIn = true; mock.people.provider = { kind: 'oidc', role: 'sender', issuer: 'https://login.example.org', clientId: 'ink' }; mock.people.names = [{ name: 'atelier.example', domain: true, record: '_inkwitness.atelier.example', value: 'inkwitness-verification=abc' }]; await page.goto(`${mock.url}/#/settings`); await get(page, 'provider-names').waitFor(); await get(page, 'factors').waitFor(); },
  'own-signin': async (page) => { await page.goto(`${mock.url}/#sso=p1&problem=not-allowed`); await get(page, 'sso-problem').waitFor(); },
  'own-forgot': async (page) => { await page.goto(mock.url); await get(page, 'forgot').click(); await get(page, 'forgot-email').waitFor(); },
  'own-reset': async (page) => { await page.goto(`${mock.url}/#reset=good`); await get(page, 'reset').waitFor(); },
  'own-outbox': async (page) => { mock.mails.push({ id: 'm1', to: 'chloe@example.org', subject: 'Bail', text: '', createdAt: '2026-11-23T19:00:00Z', state: 'queued' }); mock.signedIn = true; await page.goto(`${mock.url}/#/outbox`); await get(page, 'mail').first().waitFor(); },
  'own-invitation': async (page) => { await page.goto(`${mock.url}/#invitation=good`); await get(page, 'invite').waitFor(); },
  'own-empty': async (page) => { mock.signedIn = true; await page.goto(mock.url); await get(page, 'documents-empty').waitFor(); },
  'own-list': async (page) => { aDocument('draft'); aDocument('sent'); aDocument('completed'); await page.goto(mock.url); await get(page, 'document-line').first().waitFor(); },
  'own-plan': async (page) => { await page.goto(`${mock.url}/#/documents/${aDocument('draft').id}`); await get(page, 'pdf').scrollIntoViewIfNeeded(); await page.locator('.pdf-text[data-ready]').first().waitFor(); },
  'own-sent': async (page) => { await page.goto(`${mock.url}/#/documents/${aDocument('sent').id}`); await page.locator('.timeline li').first().waitFor(); },
  'own-completed': async (page) => { await page.goto(`${mock.url}/#/documents/${aDocument('completed').id}`); await get(page, 'download-deposit').waitFor(); },
  'own-erase': async (page) => { await page.goto(`${mock.url}/#/documents/${aDocument('completed').id}`); await get(page, 'erase').first().click(); await get(page, 'erase-confirm').waitFor(); },
  'own-deposits': async (page) => { aDocument('completed'); await page.goto(`${mock.url}/#/deposits`); await get(page, 'deposit-line').waitFor(); },
  'own-deposits-empty': async (page) => { aDocument('draft'); await page.goto(`${mock.url}/#/deposits`); await get(page, 'deposits-empty').waitFor(); },
  'own-holds': async (page) => { aHold(); await page.goto(`${mock.url}/#/documents/${aDocument('completed').id}`); await get(page, 'hold-lift').waitFor(); },
  'cases-empty': async (page) => { mock.signedIn = true; await page.goto(`${mock.url}/compare`); await get(page, 'cases-empty').waitFor(); },
  'cases': async (page) => { investigate(); mock.disputes.openings = [{ ...opening }]; await page.goto(`${mock.url}/compare`); await get(page, 'case-line').waitFor(); },
  'openings': async (page) => { investigate(); mock.disputes.openings = [{ ...opening }, { ...opening, id: '6'.repeat(32), state: 'refused', mine: true, answer: 'Ask the court first.' }]; await page.goto(`${mock.url}/compare#openings`); await get(page, 'approve').waitFor(); },
  'openings-none': async (page) => { mock.signedIn = true; await page.goto(`${mock.url}/compare#openings`); await get(page, 'openings-none').waitFor(); },
  'compare-ask': async (page) => { investigate(); mock.disputes.deciders = 0; await page.goto(`${mock.url}/compare#${'1'.repeat(32)}/${'2'.repeat(32)}`); await get(page, 'compare-open-form').waitFor(); expect(await get(page, 'ask-alone').locator('a').getAttribute('href')).toBe('/#/members'); },
  'compare-lacks': async (page) => { investigate(); await page.goto(`${mock.url}/compare#${'1'.repeat(32)}/${'2'.repeat(32)}`); await get(page, 'compare-open').click(); await page.locator('.field-error').first().waitFor(); },
  'compare-signed-out': async (page) => { await page.goto(`${mock.url}/compare`); await get(page, 'compare-signed-out').waitFor(); },
  'case-empty': async (page) => { mock.signedIn = true; mock.disputes.cases = [{ ...emptyCase(), openings: [{ ...opening, mine: true, state: 'approved' }] }]; await page.goto(`${mock.url}/compare#case/${CASE}`); await get(page, 'items-empty').waitFor(); },
  'case-signatures': async (page) => { investigate(); await page.goto(`${mock.url}/compare#case/${CASE}/signatures`); await get(page, 'item').first().waitFor(); await page.locator('details').first().click(); },
  'case-bring': async (page) => { investigate(); await page.goto(`${mock.url}/compare#case/${CASE}/signatures`); await get(page, 'add-file').click(); await get(page, 'bring-go').waitFor(); },
  'compare': async (page) => { await compare(page); },
  'compare-overlay': async (page) => { await compare(page); await get(page, 'mode').selectOption('overlay'); await get(page, 'placing').selectOption('manual'); await get(page, 'colouring').selectOption('speed'); await get(page, 'order').check(); await get(page, 'timing').selectOption('warped'); await get(page, 'stroke-on').click(); await get(page, 'stroke-on').click(); await get(page, 'table-x').click(); },
  'compare-nothing': async (page) => { mock.signedIn = true; mock.disputes.cases = [emptyCase()]; await page.goto(`${mock.url}/compare#case/${CASE}/compare`); await get(page, 'compare-nothing').waitFor(); },
  'case-findings': async (page) => { investigate(); await page.goto(`${mock.url}/compare#case/${CASE}/findings`); await get(page, 'quality').waitFor(); },
  'case-record': async (page) => { investigate(); await page.goto(`${mock.url}/compare#case/${CASE}/record`); await get(page, 'custody').waitFor(); },
  'verify': async (page) => { await page.goto(`${mock.url}/verify`); await get(page, 'verify-choose').waitFor(); },
  'verify-answer': async (page) => { await page.goto(`${mock.url}/verify`); await get(page, 'verify-file').setInputFiles('../testdata/vectors/good.asice'); await get(page, 'verify-second').waitFor(); },
};

// What is asked before an act that cannot be taken back, each over the screen that it is asked on.
const over = (screen: string, ...presses: string[]) => async (page: Page) => {
  await SCREENS[screen]!(page);
  for (const test of presses.slice(0, -1)) await get(page, test).first().click();
  await get(page, presses.at(-1)!).first().waitFor();
};
const removal = (test: string) => async (page: Page) => {
  const since = '2026-11-20T10:00:00Z';
  Object.assign(mock.people.factors, { totp: true, recoveryCodes: 2, passkeys: [{ id: 'p0', name: 'Telefon', createdAt: since }] });
  mock.people.keys = [{ id: 'k0', name: 'Buchhaltung', scopes: ['document:list'], createdAt: since, expiresAt: '2027-02-18T10:00:00Z' }];
  mock.people.webhooks = [{ id: 'w0', url: `https://hooks.example.org/${'0123456789'.repeat(8)}`, kinds: [], active: true, createdAt: since }];
  await SCREENS['own-settings']!(page);
  await get(page, test).click();
  await get(page, `${test}-confirm`).waitFor();
};
const DIALOGS: Record<string, (page: Page) => Promise<unknown>> = {
  'in-person': over('own-sent', 'in-person', 'in-person-go'),
  'cancel': over('own-sent', 'cancel', 'cancel-confirm'),
  'correct': over('own-sent', 'signer-correct', 'correct-go'),
  'hand-end': over('hand', 'hand-end', 'hand-end-confirm'),
  'member-remove': async (page) => { mock.people.members.push({ account: 'b1', name: 'Bo Berg', email: 'bo@example.org', role: 'sender', addedAt: '2026-11-21T10:00:00Z' }); await over('own-members', 'member-remove', 'member-remove-confirm')(page); },
  ...Object.fromEntries(['key-revoke', 'webhook-remove', 'passkey-remove', 'totp-remove', 'provider-remove', 'provider-name-remove'].map((test) => [test, removal(test)])),
  'proof': over('own-settings', 'totp-begin', 'proof-go'),
  'leave': over('own-settings', 'leave-account', 'leave-confirm'),
  'case-delete': over('case-record', 'case-delete', 'case-delete-go'),
  'hand-over': async (page) => { await SCREENS['case-record']!(page); await get(page, 'hand-over-email').fill('ines@atelier.example'); await get(page, 'hand-over-ask').click(); await get(page, 'hand-over-go').waitFor(); },
};

// What axe looks at: everything on the first look, after another size what depends on the
// room, after other colours the contrast. The other rules read the document, which stays the same.
const EVERYTHING = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
const ROOM = { type: 'rule', values: ['color-contrast', 'target-size', 'scrollable-region-focusable', 'link-in-text-block', 'region', 'aria-hidden-focus', 'landmark-one-main', 'page-has-heading-one', 'button-name', 'link-name', 'label'] };
const COLOURS = { type: 'rule', values: ['color-contrast'] };
type Rules = typeof EVERYTHING;

async function check(page: Page, width: number, rules: Rules): Promise<void> {
  const violations = await page.evaluate(async (runOnly) => {
    const { violations } = await (globalThis as any).axe.run(document, { runOnly, resultTypes: ['violations'] });
    return violations.map((one: any) => `${one.id}: ${one.nodes.slice(0, 3).map((node: any) => node.html.slice(0, 160)).join(' | ')}`);
  }, rules);
  expect(violations).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
}

// Nothing moves any more and the new colours are on the screen. Looked at frame by frame:
// the `finished` of a transition that another one takes the place of may never settle.
const settled = (page: Page) => page.evaluate(async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  while (document.getAnimations().some((one) => one.playState === 'running')) await frame();
  await frame();
  await frame();
});

const moving = (page: Page) => page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running').map((one) => ((one.effect as KeyframeEffect).target as Element).className));

it('moves for those only who did not ask for little motion', async () => {
  for (const reducedMotion of ['no-preference', 'reduce'] as const) {
    const { context, page } = await open(browser, 'phone', { reducedMotion });
    decide(mock.ceremony, 'sealing');
    await context.route('**/api/signing', (route) => route.fulfill({ json: mock.ceremony })); // for ever
    await sign(page);
    await get(page, 'sealing').locator('.busy').waitFor();
    await page.waitForTimeout(50);
    expect(await moving(page)).toEqual(reducedMotion === 'reduce' ? [] : ['busy']);
    // What the pages measure and set is so at once, not from the next frame on.
    expect(await get(page, 'sealing').evaluate((panel) => ['800px', '900px'].map((height) => {
      panel.style.minHeight = height;
      return panel.getBoundingClientRect().height;
    }))).toEqual([800, 900]);
    await context.close();
  }
});

type Look = [Size, 'light' | 'dark', Rules];
const LOOKS: Look[] = [
  ['phone', 'light', EVERYTHING], ['phone', 'dark', COLOURS], ['tablet', 'dark', ROOM], ['tablet', 'light', COLOURS], ['desktop', 'light', ROOM], ['desktop', 'dark', COLOURS],
];

// One context for all screens, and one visit of each for all looks and languages: the
// browser takes longer to make a context than to show a page, and longer to load a page
// than to look at it. Each screen has a service of its own, and with it an origin of its own.
let held: BrowserContext;
beforeAll(async () => {
  const { context, page } = await open(browser, 'phone', { colorScheme: 'light', reducedMotion: 'reduce' });
  held = context;
  await page.close();
});
afterAll(() => held.close());

it.each(Object.keys(SCREENS))('%s', async (name) => {
  await held.clearCookies();
  const page = await held.newPage();
  const faults = watch(page);
  const foreign: string[] = [];
  page.on('request', (request) => {
    if (/^https?:/.test(request.url()) && !request.url().startsWith(mock.url)) foreign.push(request.url());
  });
  await SCREENS[name]!(page);
  await settled(page);
  expect(await moving(page)).toEqual([]); // as who asked for little motion wants it
  await everyLook(page, name);
  await everyLanguage(page, name);
  expect(foreign).toEqual([]);
  expect(faults).toEqual([]);
  await page.close();
});

it.each(Object.keys(DIALOGS))('the dialog %s', async (name) => {
  await held.clearCookies();
  const page = await held.newPage();
  const faults = watch(page);
  await page.setViewportSize({ width: SIZES.phone[0], height: SIZES.phone[1] });
  await DIALOGS[name]!(page);
  await page.evaluate(axe);
  for (const [colorScheme, rules] of [['light', EVERYTHING], ['dark', COLOURS]] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await settled(page);
    await shoot(page, `dialog-${name}-${colorScheme}`);
    await check(page, SIZES.phone[0], rules);
  }
  await everyLanguage(page, `dialog-${name}`);
  expect(faults).toEqual([]);
  await page.close();
});

// The language is changed on the screen as it stands, behind a dialog too.
async function everyLanguage(page: Page, name: string): Promise<void> {
  await page.setViewportSize({ width: SIZES.phone[0], height: SIZES.phone[1] });
  for (const language of ['fr', 'zh-Hant', 'zh-Hans']) {
    await get(page, 'language').evaluate((element, tag) => {
      (element as HTMLSelectElement).value = tag;
      element.dispatchEvent(new Event('change', { bubbles: true }));
    }, language);
    await page.waitForFunction((tag) => document.documentElement.lang === tag, language);
    await settled(page);
    await shoot(page, `looks-${name}-${language}`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), language).toBeLessThanOrEqual(SIZES.phone[0]);
    expect(await untranslated(page), language).toEqual([]);
  }
}

// In one visit the screen is turned, darkened and widened: no style asks for the pointer.
async function everyLook(page: Page, name: string): Promise<void> {
  await page.evaluate(axe);
  for (const [size, colorScheme, rules] of LOOKS) {
    const [width, height] = SIZES[size];
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    // Curves are drawn anew for another light, one after the other.
    await page.waitForFunction((plot) => [...document.querySelectorAll('.plot-box')].every((one) => one.querySelector(plot)), colorScheme === 'dark' ? '.uplot[data-dark]' : '.uplot:not([data-dark])');
    await settled(page);
    await shoot(page, `looks-${name}-${size}-${colorScheme}`);
    await check(page, width, rules);
  }
}
