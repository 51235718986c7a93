// What the signer's page knows, and the moves between its steps.
import { batch, signal } from '@preact/signals';
import { type Ceremony, Problem, signing } from '../api.ts';
import { forgetLanguage, hasChosenLanguage, matchLanguage, setLanguage } from '../i18n/index.ts';
import { enter, exit, takeOver } from './alone.ts';
import { forgetFactor, register } from './factor.ts';
import { leaveAll } from './recording.ts';
import { browserSecret, endSecrets, forgetSecret, forgetSecrets, noteSigner, signedBy } from './secret.ts';
import { type CaptureRecord, type CaptureStore, openStore } from '../ink/store.ts';

export type Opening = 'working' | 'elsewhere' | 'hand' | 'no-link' | 'expired' | 'failed' | 'open';

export const opening = signal<Opening>('working');
export const ceremony = signal<Ceremony | undefined>(undefined);
export const problem = signal<unknown>(undefined);
export const stage = signal<'intro' | 'read' | 'consent'>('intro');
export const restarting = signal(false); // the step is left, since what it recorded goes
export const enough = signal(false); // the signer stops at the least number of references

let store: Promise<CaptureStore & { durable: boolean }> | undefined;

export function captureStore(): Promise<CaptureStore & { durable: boolean }> {
  store ??= openStore();
  return store;
}

// Opens the ceremony: by the token in the address, which is then removed from it,
// or by the cookie that an earlier opening set.
export async function openCeremony(): Promise<void> {
  opening.value = 'working';
  if (!(await enter(putAway))) {
    opening.value = 'elsewhere';
    return;
  }
  if (handing && !location.hash) return resumeOrHand();
  const token = new URLSearchParams(location.hash.slice(1)).get('t') ?? '';
  try {
    accept(token ? await openLink(token) : await mine());
    dropToken();
    await takeConsent();
    const theirs = matchLanguage(ceremony.value?.signer.language ?? '');
    if (theirs && !hasChosenLanguage()) await setLanguage(theirs);
    opening.value = 'open';
  } catch (error) {
    batch(() => {
      problem.value = error;
      opening.value = openingAfter(error, token !== '');
      if (opening.value === 'expired') dropToken();
    });
  }
}

async function putAway(): Promise<void> {
  opening.value = 'elsewhere';
  await leaveAll();
}

export async function goOnHere(): Promise<void> {
  opening.value = 'working';
  await takeOver();
  await openCeremony();
}

// Meanwhile another window may have opened the link of another signer: its cookie is
// everybody's, but this window does not go on in their name.
async function mine(): Promise<Ceremony> {
  const before = ceremony.value?.signer.id;
  const state = await signing.get();
  if (before && before !== state.signer.id) throw new Problem(401, 'not-signed-in', '');
  return state;
}

// A link whose signing is over here shows the result by the cookie that it left.
async function openLink(token: string): Promise<Ceremony> {
  const signer = await signedBy(token);
  const state = signer ? await signing.get().catch(() => undefined) : undefined;
  if (state && state.signer.id === signer) return state;
  try {
    const opened = await signing.open(token, await browserSecret(token));
    // A link to what is finished, as in the last mail, keeps its secret until it expires.
    if (!isFinished(opened)) await noteSigner(token, opened.signer.id);
    return opened;
  } catch (error) {
    if (openingAfter(error, true) === 'expired') await forgetSecret(token);
    throw error;
  }
}

// The device goes round the signers: the address says so, and the tab remembers
// it while a signer is away at the provider of their certificate.
const HAND = 'hand';
export const handing = location.search === '?hand' || session()?.getItem(HAND) === '1';

// A page that is loaded again goes on with the signer who holds the device.
async function resumeOrHand(): Promise<void> {
  try {
    await show(await signing.get());
    await takeConsent();
  } catch (error) {
    problem.value = error;
    opening.value = error instanceof Problem && error.status === 401 ? 'hand' : 'failed';
  }
}

async function show(state: Ceremony): Promise<void> {
  accept(state);
  const theirs = matchLanguage(state.signer.language);
  if (theirs) await setLanguage(theirs);
  session()?.setItem(HAND, '1');
  opening.value = 'open';
}

export async function takeDevice(signer: string): Promise<void> {
  await clearDevice();
  batch(() => {
    stage.value = 'intro';
    enough.value = false;
  });
  await show(await signing.take(signer));
}

// Ends the session and forgets the signer: here, in the tab and on the device.
// The page is loaded anew, so that nothing is left in its memory either.
export async function leaveDevice(): Promise<void> {
  await signing.leave();
  await clearDevice();
  location.replace('/sign?hand');
}

async function forgetCaptures(kind?: CaptureRecord['kind']): Promise<void> {
  const open = await captureStore();
  for (const record of await open.list()) if (!kind || record.kind === kind) await open.erase(record.id);
}

// Leaves the step, erases what it kept on this device, and begins what comes next.
export async function beginAnew(next: Ceremony, kind?: CaptureRecord['kind']): Promise<void> {
  restarting.value = true;
  await new Promise((resolve) => setTimeout(resolve)); // the pad is gone and writes no more
  await forgetCaptures(kind);
  accept(next);
  restarting.value = false;
}

async function clearDevice(): Promise<void> {
  await forgetCaptures();
  await forgetFactor();
  forgetSecrets();
  session()?.clear();
  forgetLanguage();
}

function openingAfter(error: unknown, hadToken: boolean): Opening {
  if (!(error instanceof Problem) || error.unreachable || error.status >= 500 || error.status === 429) return 'failed';
  return hadToken ? 'expired' : 'no-link';
}

// What the certificate provider said stands in the address with which it sent the
// signer back. A refusal leaves the ceremony where it was.
async function takeConsent(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const state = query.get('state');
  const code = query.get('code');
  if (!state && !query.has('error')) return;
  history.replaceState(null, '', location.pathname);
  if (!state || !code) return;
  try {
    accept(await signing.provider({ state, code }));
  } catch (error) {
    problem.value = error;
  }
}

// The token stays in the address until the service answered: a page that is
// loaded again before that still has it.
function dropToken(): void {
  if (location.hash) history.replaceState(null, '', location.pathname + location.search);
}

// Answers may arrive in another order than they were asked for: one to an earlier question
// than that of what is shown is left out.
let asked = 0;
let shown = 0;

export function accept(next: Ceremony | undefined): void {
  if (next) answered(next, ++asked);
}

function answered(next: Ceremony, question: number): void {
  shown = question;
  batch(() => {
    ceremony.value = next;
    problem.value = undefined;
    if (next.next === 'read' && stage.value === 'intro') stage.value = reached(next);
  });
  if (next.proof && !isOver(next)) void register(next).catch(() => undefined);
  if (isOver(next)) void forget();
  if (isOver(next)) exit();
  if (isFinished(next)) endSecrets(next.signer.id);
}

export async function refresh(): Promise<void> {
  const question = ++asked;
  try {
    const next = await signing.get();
    if (question > shown) answered(next, question);
  } catch (error) {
    if (question < shown) return;
    problem.value = error;
    if (error instanceof Problem && error.status === 401) opening.value = 'no-link';
  }
}

function isOver(state: Ceremony): boolean {
  return ['sealing', 'done', 'declined', 'closed'].includes(state.next);
}

function isFinished(state: Ceremony): boolean {
  return isOver(state) && state.next !== 'sealing';
}

// How far the signer came with this document in this tab: a page that is loaded
// again goes on there.
const READING = 'reading';
const READ = 'read';

export function beginReading(): void {
  remember(READING);
  stage.value = 'read';
}

export function markRead(): void {
  remember(READ);
  stage.value = 'consent';
}

function remember(step: string): void {
  const state = ceremony.value;
  if (state) session()?.setItem(step, readKey(state));
}

function reached(state: Ceremony): 'intro' | 'read' | 'consent' {
  const at = (step: string) => session()?.getItem(step) === readKey(state);
  return at(READ) ? 'consent' : at(READING) ? 'read' : 'intro';
}

const readKey = (state: Ceremony): string => `${state.document.sha256} ${state.signer.id}`;

export function session(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}

// What an earlier page left of this document; leftovers of others are erased.
export async function leftover(kind: CaptureRecord['kind'], finished: boolean): Promise<CaptureRecord | undefined> {
  const all = await captureStore().then((open) => open.list());
  const mine = all.filter((record) => record.document === ceremony.value?.document.sha256);
  for (const record of all) if (!mine.includes(record)) await (await captureStore()).erase(record.id);
  return mine.filter((record) => record.kind === kind && record.finished === finished).at(-1);
}

// Handwriting does not stay on the device once the ceremony is over.
async function forget(): Promise<void> {
  await forgetCaptures();
  for (const step of [READING, READ]) session()?.removeItem(step);
  session()?.removeItem('fields');
}

export function consentGiven(purpose: string): boolean {
  return ceremony.value?.consents.some((consent) => consent.purpose === purpose && consent.given === true) ?? false;
}
