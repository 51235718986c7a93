// Bytes and their spellings.
export type Bytes = Uint8Array<ArrayBuffer>;

// A file that is read piece by piece; a read past the end gives fewer bytes.
export interface Source {
  size: number;
  read(offset: number, length: number): Bytes;
}

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;

// Throws on what is not UTF-8.
export const textOf = (bytes: Bytes): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

export function equal(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function concat(...parts: Bytes[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const hex = (bytes: Bytes): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export function unhex(text: string): Bytes {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new Error('not lower-case hex');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

// Base64 with padding, in its one form: no bit of it is without meaning.
export function base64(text: string): Bytes {
  const binary = atob(text);
  if (btoa(binary) !== text) throw new Error('base64 in another form');
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

export async function sha256(bytes: Bytes): Promise<Bytes> {
  return digest('SHA-256', bytes);
}

export async function digest(hash: string, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(hash, bytes));
}

// Certificates of a PEM text, in DER.
export function pem(text: string): Bytes[] {
  return Array.from(text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g), ([, body]) => base64((body ?? '').replace(/\s/g, '')));
}
