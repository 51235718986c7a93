// Where in the investigator's page somebody is, by the address's fragment.
import { signal } from '@preact/signals';

export const TABS = ['signatures', 'compare', 'findings', 'record'] as const;
export type Tab = (typeof TABS)[number];

export type Place =
  | { at: 'cases' }
  | { at: 'openings' }
  | { at: 'ask'; document: string; signer: string; case?: string }
  | { at: 'case'; id: string; tab: Tab };

// #case/ID/TAB, #openings, #DOCUMENT/SIGNER (from the owner's page), or nothing.
export function placeOf(fragment: string): Place {
  const parts = fragment.replace(/^#\/?/, '').split('/');
  if (parts[0] === 'openings') return { at: 'openings' };
  if (parts[0] === 'case' && parts[1]) return { at: 'case', id: parts[1], tab: TABS.find((tab) => tab === parts[2]) ?? 'signatures' };
  const [document, signer] = parts;
  if (document && signer && /^[\w-]+$/.test(document) && /^[\w-]+$/.test(signer)) return { at: 'ask', document, signer };
  return { at: 'cases' };
}

export const place = signal<Place>(placeOf(location.hash));

window.addEventListener('hashchange', () => {
  place.value = placeOf(location.hash);
  window.scrollTo(0, 0);
});

// From a case that is no more to the list, unless somebody is elsewhere by now.
export function leave(id: string): void {
  if (place.peek().at === 'case' && location.hash.includes(id)) go('');
}

export function go(fragment: string): void {
  location.hash = fragment;
}
