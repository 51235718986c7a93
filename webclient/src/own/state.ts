// Who is signed in, and where on the page they are.
import { signal } from '@preact/signals';
import { type Account, account, Problem } from '../api.ts';

export type Place =
  | { at: 'documents' }
  | { at: 'document'; id: string }
  | { at: 'deposits' }
  | { at: 'outbox' }
  | { at: 'members' }
  | { at: 'activity' }
  | { at: 'settings' }
  | { at: 'invitation'; token: string }
  | { at: 'reset'; token: string };

export const who = signal<Account | undefined>(undefined);
export const session = signal<'working' | 'out' | 'in' | 'failed'>('working');
export const place = signal<Place>(placeOf(location.hash));

export function placeOf(hash: string): Place {
  const invitation = /^#\/?(?:invitation|invite|i)[=/]([^/&]+)$/.exec(hash);
  if (invitation?.[1]) return { at: 'invitation', token: decodeURIComponent(invitation[1]) };
  const reset = /^#reset=([^&]+)$/.exec(hash);
  if (reset?.[1]) return { at: 'reset', token: decodeURIComponent(reset[1]) };
  const document = /^#\/documents\/([\w-]+)$/.exec(hash);
  if (document?.[1]) return { at: 'document', id: document[1] };
  const [, other] = /^#\/(deposits|outbox|activity|members|settings)$/.exec(hash) ?? [];
  return { at: (other as 'deposits' | 'outbox' | 'activity' | 'members' | 'settings' | undefined) ?? 'documents' };
}

// The organisation's provider sent somebody back with a problem: #sso=ID&problem=KIND.
export const returned = signal(takeReturned());

function takeReturned(): { provider: string; problem: string } | undefined {
  const back = new URLSearchParams(location.hash.slice(1));
  const problem = back.get('problem') ?? '';
  if (!back.has('sso') || !problem) return undefined;
  history.replaceState(null, '', location.pathname);
  return { provider: back.get('sso') ?? '', problem };
}

export function go(hash: string): void {
  location.hash = hash;
}

window.addEventListener('hashchange', () => {
  place.value = placeOf(location.hash);
});

export async function findSession(): Promise<void> {
  try {
    who.value = (await account.session()).account;
    session.value = 'in';
  } catch (error) {
    session.value = error instanceof Problem && (error.status === 401 || error.status === 403) ? 'out' : 'failed';
  }
}

export const notOut = signal<unknown>(undefined); // why signing out failed

// Who believes to be signed out leaves the device, so it is said when they are not.
export async function signOut(): Promise<void> {
  notOut.value = undefined;
  try {
    await account.signOut();
  } catch (error) {
    if (!ended(error)) {
      notOut.value = error;
      return;
    }
  }
  who.value = undefined;
  session.value = 'out';
  go('#/');
}

// A session that ended elsewhere shows the sign-in form instead of an error.
export function ended(error: unknown): boolean {
  if (!(error instanceof Problem) || error.status !== 401) return false;
  session.value = 'out';
  return true;
}
