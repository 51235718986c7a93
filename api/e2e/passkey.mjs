// A person with a passkey, in a real browser with an authenticator that Chromium
// plays (CDP domain WebAuthn): makes one, signs in and proves with it alone, opens a
// signing link with it; and what others try with it is refused. It is told by one
// JSON object on standard input and reports one for each step on standard output.
//
//   { base, chromium, invitation, password, own, foreign: signing links, screens }
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), '../../webclient/package.json'));
const { chromium } = require('playwright-core');

const task = JSON.parse(readFileSync(0, 'utf8'));
const report = (step, answer) => process.stdout.write(`${JSON.stringify({ step, answer: String(answer) })}\n`);
const t = (name) => `[data-test="${name}"]`;

const browser = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), 'inkwitness-passkey-')), {
  executablePath: task.chromium, headless: true, viewport: { width: 1024, height: 768 },
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
browser.setDefaultTimeout(30_000);
const page = browser.pages()[0];
const statuses = new Map(); // the last answer of each route
page.on('response', (one) => statuses.set(`${one.request().method()} ${new URL(one.url()).pathname}`, one.status()));
page.on('pageerror', (error) => report('page-error', error));
const answered = (route) => page.waitForResponse((one) => `${one.request().method()} ${new URL(one.url()).pathname}` === route, { timeout: 30_000 });

const cdp = await browser.newCDPSession(page);
await cdp.send('WebAuthn.enable');
const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
  options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
});
const click = async (name, route) => {
  const done = answered(route);
  await page.locator(t(name)).click();
  return (await done).status();
};
let shots = 0;
const screen = async (name) => task.screens && page.screenshot({ path: join(task.screens, `passkey-${++shots}-${name}.png`), fullPage: true });

// show asks the service for a challenge, as a relay does, lets the passkey answer it
// in the page that is open, and sends the answer to the service.
async function show(change = {}) {
  const begun = await (await fetch(`${task.base}/api/session/passkey/begin`, { method: 'POST' })).json();
  const credential = await page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  }, { ...begun.options.publicKey, ...change });
  const answer = await fetch(`${task.base}/api/session/passkey`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ceremony: begun.ceremony, credential }),
  });
  return answer.status;
}

try {
  await page.goto(task.invitation);
  await page.locator(t('invite-name')).fill('Zoë Passkey');
  report('told who sees the name', await page.getByText('People who sign with you see it.').isVisible()); // A17
  await page.locator(t('invite-password')).fill(task.password);
  await page.locator(t('invite-accept')).click();
  await page.locator(t('nav-settings')).click();
  await page.locator(t('passkey-name')).fill('Tablet');
  report('made', await click('passkey-add', 'POST /api/factors/passkeys'));
  await page.locator(t('codes')).waitFor();
  await screen('made');

  await page.locator(t('sign-out')).click();
  report('alone', await click('sign-in-passkey', 'POST /api/session/passkey'));
  await page.locator(t('nav-settings')).waitFor();
  report('second factor', (await page.evaluate(async () => (await (await fetch('/api/session')).json()).secondFactor)));

  // The service wants a proof anew after ten minutes: its answer is played once.
  let old = true;
  await page.route('**/api/factors/recovery', (route) => (old
    ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ type: '/problems/step-up', title: 'Prove it', status: 403 }) })
    : route.continue()));
  await page.locator(t('nav-settings')).click();
  await page.locator(t('codes-new')).click();
  await page.locator(t('proof')).waitFor();
  await screen('proof');
  old = false;
  report('proved anew', await click('proof-passkey', 'POST /api/session/proof/passkey'));
  await page.locator(t('codes')).waitFor();

  report('control', await show()); // 409: the passkey is right, and the session is in the browser

  await page.goto(task.foreign);
  await page.locator(t('prove-by-passkey')).click();
  report("another's document", await click('prove-passkey', 'POST /api/signing/second/passkey'));
  await page.locator(t('code-wrong')).waitFor();
  report('shown before', await page.locator(t('prove')).isVisible());
  await page.goto('about:blank'); // a change of the part behind # alone loads nothing
  await page.goto(task.own);
  await page.locator(t('prove-by-passkey')).click();
  await screen('signer');
  report("one's own document", await click('prove-passkey', 'POST /api/signing/second/passkey'));
  await page.locator(t('prove')).waitFor({ state: 'detached' });
  await screen('document');

  const elsewhere = createServer((_, answer) => answer.end('<!doctype html><title>Inkwitness</title>')).listen(0, '127.0.0.1');
  await new Promise((resolve) => elsewhere.once('listening', resolve));
  await page.goto(`http://localhost:${elsewhere.address().port}/`); // the same host, another origin
  report('another origin', await show());
  elsewhere.close();
  await page.goto(`${task.base}/`);
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  report('without finger or PIN', await show({ userVerification: 'discouraged' }));
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
  const { credentials: [key] } = await cdp.send('WebAuthn.getCredentials', { authenticatorId });
  await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId: key.credentialId });
  await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: { ...key, signCount: 0 } });
  report('a copy with an old counter', await show());
  await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId: key.credentialId });
  await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: { ...key, signCount: key.signCount + 10 } });
  report('control again', await show());

  await page.goto(`${task.base}/#/settings`);
  await page.locator(t('passkey-remove')).click();
  report('removed', await click('passkey-remove-confirm', `DELETE /api/factors/passkeys/${Buffer.from(key.credentialId, 'base64').toString('base64url')}`));
  await page.locator(t('sign-out')).click();
  report('after the removal', await click('sign-in-passkey', 'POST /api/session/passkey'));
  await page.locator(t('problem')).waitFor();
  await screen('removed');
} catch (error) {
  report('failed', `${error} (${JSON.stringify(Object.fromEntries(statuses))})`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
