// What the signer enters beside the signature. Every value goes to the service
// shortly after it was entered, so that a page that is loaded again goes on with
// it; what could not be sent is kept in the tab until it can.
import { computed, signal } from '@preact/signals';
import { type AskedField, signing } from '../api.ts';
import { ceremony, session } from './state.ts';

export const TICKED = 'yes';

const KEPT = 'fields';
const WAIT_MS = 700; // after the last key

// Entered here and not yet known to the service, by the field's name.
const entered = signal<Record<string, string>>({});
export const unsent = signal(false);

export const asked = computed<AskedField[]>(() => (ceremony.value?.fields ?? []).filter((field) => field.kind !== 'signature' && !field.fixed));
export const missing = computed<AskedField[]>(() => asked.value.filter((field) => field.required && valueOf(field) === ''));

export function valueOf(field: AskedField): string {
  return entered.value[field.name] ?? field.value ?? '';
}

let timer: ReturnType<typeof setTimeout> | undefined;

export function enter(values: Record<string, string>): void {
  entered.value = { ...entered.value, ...values };
  session()?.setItem(KEPT, JSON.stringify([ceremony.value?.signer.id, entered.value]));
  clearTimeout(timer);
  timer = setTimeout(() => void flush().catch(() => undefined), WAIT_MS);
}

let sending: Promise<void> = Promise.resolve();

// Sends what is entered; resolves when the service has all of it. One request at a time:
// two that are on their way together may arrive in the other order.
export function flush(): Promise<void> {
  clearTimeout(timer);
  sending = sending.catch(() => undefined).then(send);
  return sending;
}

async function send(): Promise<void> {
  const values = entered.value;
  if (Object.keys(values).length === 0) return;
  try {
    const next = await signing.fill(values);
    entered.value = Object.fromEntries(Object.entries(entered.value).filter(([name, value]) => values[name] !== value));
    unsent.value = false;
    if (Object.keys(entered.value).length === 0) session()?.removeItem(KEPT);
    // Only the fields: the signer moves on by pressing the button, not while typing.
    if (ceremony.value) ceremony.value = { ...ceremony.value, fields: next.fields };
  } catch (error) {
    unsent.value = true;
    throw error;
  }
}

// Takes up what an earlier page could not send.
export function restore(): void {
  try {
    const [signer, values] = JSON.parse(session()?.getItem(KEPT) ?? '[]') as [string?, Record<string, string>?];
    if (signer === ceremony.value?.signer.id && values) enter(values);
  } catch {
    session()?.removeItem(KEPT);
  }
}

window.addEventListener('online', () => void flush().catch(() => undefined));

// The first letters of a name's words; a Chinese name as a whole.
export function initialsOf(name: string): string {
  if (/\p{Script=Han}/u.test(name)) return name.trim().slice(0, 4);
  return name.split(/[\s-]+/).map((word) => [...word][0]?.toUpperCase() ?? '').join('').slice(0, 6);
}

// Today where the signer is, as the service writes a date.
export function today(): string {
  const now = new Date();
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, '0')}-${String(now.getDate()).padStart(2, '0')}`;
}
