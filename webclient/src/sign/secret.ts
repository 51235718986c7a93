// What this browser keeps so that it alone can open its links again, also in another
// tab and after it was closed. The secret opens nothing without the link, of which
// only a hash is kept; when the signing is over it goes, and whose it was stays, so
// that the link still shows the result as long as the session's cookie lasts.
import { toHex } from '../ink/chain.ts';

const PREFIX = 'link-';
const KEEP_MS = 30 * 86_400_000; // no link lives longer

interface Kept {
  secret?: string; // until the signing is over
  signer?: string; // whose signing the link opened
  at: number; // ms
}

const here = new Map<string, string>(); // where the browser has no storage

export async function browserSecret(token: string): Promise<string> {
  const name = await entryOf(token);
  tidy();
  const kept = read(name);
  if (kept?.secret) return kept.secret;
  write(name, { secret: toHex(crypto.getRandomValues(new Uint8Array(16))), at: Date.now() });
  return read(name)?.secret ?? ''; // two tabs at once keep the same
}

export async function noteSigner(token: string, signer: string): Promise<void> {
  const name = await entryOf(token);
  const kept = read(name);
  if (kept) write(name, { ...kept, signer });
}

// The signer whose signing by this link is over in this browser.
export async function signedBy(token: string): Promise<string | undefined> {
  const kept = read(await entryOf(token));
  return kept?.secret ? undefined : kept?.signer;
}

export function endSecrets(signer: string): void {
  for (const name of names()) if (read(name)?.signer === signer) write(name, { signer, at: Date.now() });
}

// The service refused it.
export async function forgetSecret(token: string): Promise<void> {
  remove(await entryOf(token));
}

// Before the device goes to somebody else.
export function forgetSecrets(): void {
  for (const name of names()) remove(name);
}

async function entryOf(token: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  return PREFIX + toHex(new Uint8Array(hash));
}

function tidy(): void {
  for (const name of names()) if (!(Date.now() - (read(name)?.at ?? 0) < KEEP_MS)) remove(name);
}

function names(): string[] {
  return [...here.keys(), ...Object.keys(storage() ?? {})].filter((name) => name.startsWith(PREFIX));
}

function read(name: string): Kept | undefined {
  try {
    return JSON.parse(storage()?.getItem(name) ?? here.get(name) ?? '') as Kept;
  } catch {
    return undefined;
  }
}

function write(name: string, kept: Kept): void {
  const text = JSON.stringify(kept);
  try {
    storage()!.setItem(name, text);
  } catch {
    here.set(name, text);
  }
}

function remove(name: string): void {
  here.delete(name);
  storage()?.removeItem(name);
}

function storage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
