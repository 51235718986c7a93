// The hash chain over the batches of one capture. Whoever holds a head holds a
// fingerprint of every sample before it:
//   head 0     = SHA-256("inkwitness pen v1\0" | session id, 16 bytes | nonce)
//   head n + 1 = SHA-256(head n | batch n as sent)
const LABEL = new TextEncoder().encode('inkwitness pen v1\0');

export type Head = Uint8Array<ArrayBuffer>;

export async function firstHead(sessionID: Uint8Array, nonce: Uint8Array): Promise<Head> {
  return digest(LABEL, sessionID, nonce);
}

export async function nextHead(head: Uint8Array, batch: Uint8Array): Promise<Head> {
  return digest(head, batch);
}

async function digest(...parts: Uint8Array[]): Promise<Head> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', join(...parts)));
}

export function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new RangeError('not hexadecimal');
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
