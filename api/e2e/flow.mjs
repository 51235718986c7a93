// The whole line in a real browser: owner, signer, investigator. It is told what
// to do by one JSON object on standard input and reports one JSON object a line
// on standard output; anything else goes to standard error.
//
//   { base, invitation, chromium, camera, pdf, signatures: [[sample...]...],
//     screens: folder or "", password, signer: {name, email} }
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replay } from './pen.mjs';

const require = createRequire(join(process.cwd(), '../../webclient/package.json'));
const { chromium } = require('playwright-core');

const task = JSON.parse(readFileSync(0, 'utf8'));
const report = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const t = (name) => `[data-test="${name}"]`;

const launch = () => chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), 'inkwitness-browser-')), {
  executablePath: task.chromium,
  headless: true,
  viewport: { width: 1024, height: 768 },
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
    '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${task.camera}`,
  ],
});

const browser = await launch();

// until waits for an element as a patient person does: where the page offers to
// try again, because the service was away for a moment, it is pressed. A page whose
// program did not come goes on by itself.
async function until(page, selector, timeout = 45_000) {
  const wanted = page.locator(selector).first();
  const retry = page.locator(`${t('retry')}:not([disabled])`).first();
  const end = Date.now() + timeout;
  while (Date.now() < end) {
    if (await wanted.isVisible()) return wanted;
    if (task.lossy && (await retry.isVisible())) await retry.click({ timeout: 1000 }).catch(() => undefined);
    await page.waitForTimeout(100);
  }
  throw new Error(`${selector} did not appear: ${await page.locator('body').innerText()}`);
}

let shots = 0;
async function screen(page, name) {
  if (!task.screens) return;
  shots++;
  await page.screenshot({ path: join(task.screens, `${String(shots).padStart(2, '0')}-${name}.png`), fullPage: !task.viewport });
}

// watch fails the run on what a page should never do.
function watch(page, who) {
  page.on('pageerror', (error) => report({ event: 'page-error', who, text: String(error) }));
  page.on('console', (message) => {
    // Where the service is killed on purpose, the browser logs each lost request.
    // "Who am I?" is answered with 401 to those who have not signed in yet.
    if (message.location().url.endsWith('/api/session') && message.text().includes('401')) return;
    if (message.type() === 'error' && !task.lossy) report({ event: 'console-error', who, text: `${message.text()} ${message.location().url}` });
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol) && url.host !== new URL(task.base).host) report({ event: 'foreign-request', who, text: request.url() });
  });
}

async function open(who, path, within = browser) {
  const page = await within.newPage();
  watch(page, who);
  for (let attempt = 1; ; attempt++) {
    try {
      await page.goto(new URL(path, task.base).href);
      return page;
    } catch (error) {
      if (!task.lossy || attempt === 20) throw error;
      await page.waitForTimeout(300);
    }
  }
}

let deposited = task.deposit; // the file to verify
let owned; // the owner's page stays open: the session is the browser's
const steps = { owner, signer, follow, investigator, verify };

try {
  for (const step of task.steps) await steps[step]();
  report({ event: 'end' });
} catch (error) {
  report({ event: 'failed', text: String(error?.stack ?? error) });
  for (const page of browser.pages()) await screen(page, 'failed').catch(() => undefined);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function owner() {
  const page = (owned = await open('owner', task.invitation));
  await page.fill(t('invite-email'), 'olivia@example.org');
  await page.fill(t('invite-name'), 'Olivia Owner');
  await page.fill(t('invite-password'), task.password);
  await screen(page, 'own-invitation');
  await page.click(t('invite-accept'));
  await page.waitForSelector(t('documents-empty'));
  await screen(page, 'own-empty');
  await page.setInputFiles(t('upload-file'), task.pdf);
  await page.waitForSelector(t('plan'));
  await page.locator('.pdf-text[data-ready]').first().waitFor();
  await page.fill(t('signer-name'), task.signer.name);
  await page.fill(t('signer-email'), task.signer.email);
  await page.click(t('place-field'));
  await page.locator(t('field')).first().waitFor();
  await screen(page, 'own-plan');
  await page.click(t('send'));
  await page.waitForSelector(t('document-state'));
  await screen(page, 'own-sent');
  report({ event: 'sent', document: new URL(page.url()).hash.split('/').pop() });
}

// The invitation is read where the owner reads it without a mail server.
async function invitationLink() {
  await owned.goto(new URL('/#/outbox', task.base).href);
  const link = owned.locator(t('mail-link')).filter({ hasText: '/sign#t=' }).first();
  await link.waitFor();
  await screen(owned, 'own-outbox');
  return link.getAttribute('href');
}

// What the owner holds in the end: both files, downloaded by the page.
async function follow() {
  await owned.goto(new URL(`/#/documents/${task.document ?? ''}`, task.base).href);
  await owned.goto(new URL('/', task.base).href);
  await owned.locator(`${t('document-line')} a`).first().click();
  await owned.waitForSelector(t('deposit'), { timeout: 60_000 });
  await owned.waitForTimeout(500);
  await screen(owned, 'own-completed');
  for (const name of ['download-deposit', 'download-pdf']) {
    const [download] = await Promise.all([owned.waitForEvent('download'), owned.click(t(name))]);
    const path = join(task.out, download.suggestedFilename());
    await download.saveAs(path);
    if (name === 'download-deposit') deposited = path;
    report({ event: 'downloaded', kind: name, file: path });
  }
}

async function signer() {
  const link = task.link || (await invitationLink());
  const page = await open('signer', link);
  await until(page, t('intro'));
  await screen(page, 'sign-intro');
  await page.click(t('start-reading'));
  await until(page, `${t('pdf')} canvas`);
  await page.waitForTimeout(700);
  await screen(page, 'sign-read');
  await page.click(t('read-done'));
  await until(page, t('consents'));
  for (const purpose of ['handwriting', 'video', 'comparison']) await page.check(`[data-test="consent-${purpose}-${task.refuse?.includes(purpose) ? 'no' : 'yes'}"]`);
  await screen(page, 'sign-consent');
  await press(page, 'consent-done', task.references > 0 ? t('enrol') : t('camera-check'));
  const cdp = await page.context().newCDPSession(page);
  let next = 0;
  for (let i = 0; i < task.references; i++) {
    const pad = `${t('enrol')}:has(h2:text("${i + 1}"))`;
    await until(page, pad);
    const after = i + 1 < task.references ? `${t('enrol')}:has(h2:text("${i + 2}"))` : t('camera-check');
    await draw(page, cdp, 'reference', task.signatures[next++], i === 0 ? 'sign-reference' : '', after);
  }
  await press(page, 'camera-on', t('camera-ready'));
  await page.waitForTimeout(1500);
  await screen(page, 'sign-camera');
  await page.click(t('camera-ready'));
  await until(page, t('sign'));
  await draw(page, cdp, 'signature', task.signatures[next++], 'sign-pad', t('confirm'));
  await screen(page, 'sign-confirm');
  await press(page, 'confirm-sign', `${t('sealing')}, ${t('done')}`);
  await until(page, t('done'), 60_000);
  await screen(page, 'sign-done');
  report({ event: 'signed' });
}

// press pushes a button until what follows appears. Where connections are cut, a
// push may be lost with a notice, and a person pushes again.
async function press(page, button, next, timeout = 45_000) {
  const end = Date.now() + timeout;
  const wanted = page.locator(next).first();
  const target = page.locator(`${t(button)}:not([disabled])`);
  await target.click();
  while (!(await wanted.isVisible())) {
    if (Date.now() > end) throw new Error(`${next} did not follow ${button}: ${await page.locator('body').innerText()}`);
    await page.waitForTimeout(250);
    if (task.lossy && (await target.isVisible())) await target.click({ timeout: 1000 }).catch(() => undefined);
  }
}

// draw signs on the pad and reports what was drawn.
async function draw(page, cdp, kind, samples, shot, after) {
  const begin = page.locator(t('pad-start'));
  const live = page.locator('[data-test="pad"][data-state="live"]');
  await Promise.race([begin.waitFor(), live.waitFor()]);
  await page.evaluate(watchSession);
  if (await begin.isVisible()) await press(page, 'pad-start', '[data-test="pad"][data-state="live"]');
  await live.waitFor({ timeout: 45_000 });
  report({ event: 'live', kind, text: (await page.locator(t('media-socket')).count()) > 0 ? 'socket' : '' });
  const box = await page.locator(t('pad-canvas')).boundingBox();
  const { fitted, scale } = fit(samples, box);
  const began = Date.now();
  const sent = await replay(cdp, fitted, { x: box.x, y: box.y });
  if (shot) await screen(page, shot);
  await press(page, 'pad-done', after);
  const sessionMs = await page.evaluate(() => window.inkwitnessSession?.lasted ?? 0); // none on a page that was loaded again
  report({ event: 'drawn', kind, scale, samples: sent, sessionMs, spanMs: Date.now() - began });
}

// watchSession measures the session as the signer has it, in the page: from the pad that
// becomes live until "done" is pressed. This program sees both later, a busy browser much.
function watchSession() {
  const session = (window.inkwitnessSession = { began: 0, lasted: 0 });
  const look = () => {
    if (!session.began && document.querySelector('[data-test="pad"][data-state="live"]')) session.began = performance.now();
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributeFilter: ['data-state'] });
  look();
  document.addEventListener('click', ({ target }) => {
    if (target.closest('[data-test="pad-done"]')) session.lasted = performance.now() - session.began;
  }, true);
}

// fit scales a signature into the pad with a margin and keeps its shape.
function fit(samples, box) {
  const margin = 12;
  const maxX = Math.max(...samples.map((s) => s.x));
  const maxY = Math.max(...samples.map((s) => s.y));
  const scale = Math.min(1, (box.width - 2 * margin) / maxX, (box.height - 2 * margin) / maxY);
  const fitted = samples.map((s) => ({ ...s, x: margin + s.x * scale, y: margin + s.y * scale }));
  return { fitted, scale };
}

// Evidence is opened by two people: the owner asks, a colleague in another
// browser agrees, the owner opens and compares.
async function investigator() {
  const page = owned;
  const at = page.url();
  const second = await launch();
  const colleague = await invited(second);
  await page.goto(at);
  await page.click(t('investigate'));
  await page.waitForSelector(t('compare-reason'));
  await page.fill(t('ask-reference'), '2026-17');
  await page.fill(t('ask-question'), 'Did Sam Signer write the signature on the contract?');
  await page.fill(t('compare-reason'), 'The signer disputes the signature.');
  await screen(page, 'compare-reason');
  await page.click(t('compare-open'));
  await page.waitForSelector(t('opening-next'));
  await colleague.goto(new URL('/compare#openings', task.base).href);
  await colleague.waitForSelector(t('approve'));
  await screen(colleague, 'compare-approve');
  await colleague.click(t('approve'));
  await colleague.waitForSelector(t('openings-none'));
  await second.close();
  await page.click(t('opening-refresh'));
  await page.click(t('open-evidence'));
  await page.waitForSelector(t('item'));
  await screen(page, 'compare-case');
  await page.click(t('tab-compare'));
  await page.waitForSelector(t('compare-questioned'));
  await page.waitForSelector(t('connectors'));
  await page.waitForFunction(() => document.querySelectorAll('[data-test^=plot-] canvas').length >= 8); // drawn one after the other
  if (task.viewport) await page.locator(t('compare-questioned')).evaluate((sheet) => sheet.scrollIntoView({ block: 'center' }));
  await screen(page, 'compare');
  const video = await page.$eval(t('compare-video'), (element) => new Promise((resolve) => {
    const answer = () => resolve({ seconds: element.duration, width: element.videoWidth, error: element.error?.message });
    if (element.readyState >= 1 || element.error) answer();
    else for (const kind of ['loadedmetadata', 'error']) element.addEventListener(kind, answer, { once: true });
  }));
  report({ event: 'replayed', ...(await replayed(page)) });
  await page.click(t('tab-findings'));
  await page.click(t('run-compare'));
  await page.waitForSelector(t('verdict'), { timeout: 60_000 });
  await screen(page, 'compare-findings');
  report({ event: 'compared', text: await page.textContent(t('verdict')), videoMs: video.seconds * 1000, answer: video.error ?? '' });
  // The claimant's deposit brings the questioned signature among the references.
  await page.click(t('tab-signatures'));
  await page.click(t('add-file'));
  await page.setInputFiles(t('bring-file'), deposited);
  await page.fill(t('bring-note'), 'handed over by the claimant');
  await page.click(t('bring-go'));
  await page.waitForSelector(t('item-checks'), { timeout: 60_000 });
  report({ event: 'brought', text: await page.locator(`${t('item')}:has(${t('item-checks')})`).first().textContent() });
  await page.click(t('tab-findings'));
  await page.click(t('run-compare'));
  await page.waitForSelector(t('comparison-refusals'), { timeout: 60_000 });
  await screen(page, 'compare-copy');
  report({ event: 'copied', text: await page.textContent(t('comparison-refusals')) });
}

// replayed plays strokes and video at a quarter of their speed and tells how far apart they
// were, by the median and at most, in ms of the recording, and how many pictures were shown.
async function replayed(page) {
  await page.bringToFront(); // a page behind another gets one frame a second
  const start = await page.evaluate(async () => { // where the pen begins in the video, in seconds, as the recording's timeline says
    const { items } = await (await fetch(`/api/cases/${location.hash.split('/')[1]}`)).json();
    const { pen, fileStartMicros } = items.find((item) => item.part === 'questioned').timeline;
    return (pen.firstMicros - fileStartMicros) / 1e6;
  });
  await page.fill(t('seek'), '0');
  await page.selectOption(t('rate'), '0.25');
  await page.click(t('play'));
  const seen = await page.evaluate(([video, seek, begin]) => new Promise((resolve) => {
    const element = document.querySelector(video);
    const apart = [];
    const until = performance.now() + 20_000;
    const end = Number(document.querySelector(seek).max);
    const look = () => {
      const pen = Number(document.querySelector(seek).value);
      if (pen > 50 && pen < end - 50) apart.push(Math.abs((element.currentTime - begin) * 1000 - pen));
      if (pen < end - 50 && performance.now() < until) return requestAnimationFrame(look);
      apart.sort((a, b) => a - b);
      resolve({ median: apart[apart.length >> 1], most: apart.at(-1), shown: element.getVideoPlaybackQuality().totalVideoFrames });
    };
    look();
  }), [t('compare-video'), t('seek'), start]);
  return seen;
}

// invited makes the account of a second person, from the owner's invitation.
async function invited(within) {
  const status = await owned.evaluate(() => fetch('/api/members/invitations', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email: 'carl@example.org', role: 'admin', language: 'en' }) }).then((answer) => answer.status));
  if (status !== 201) throw new Error(`the invitation of a colleague: ${status}`);
  await owned.goto(new URL('/#/outbox', task.base).href);
  const link = owned.locator(t('mail-link')).filter({ hasText: '/#invitation=' }).first();
  await link.waitFor();
  const page = await open('colleague', await link.getAttribute('href'), within);
  await page.fill(t('invite-name'), 'Carl Colleague');
  await page.fill(t('invite-password'), task.password);
  await page.click(t('invite-accept'));
  await page.waitForSelector(t('documents'));
  return page;
}

async function verify() {
  const page = await open('verify', '/verify');
  await page.setInputFiles(t('verify-file'), deposited);
  await page.waitForSelector(t('verify-answer'), { timeout: 60_000 });
  await screen(page, 'verify');
  report({ event: 'verified', answer: await page.getAttribute(t('verify-answer'), 'data-state') });
}
