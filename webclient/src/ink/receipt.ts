// The server's signed statement that it holds all batches up to a head.
import { fromHex, join } from './chain.ts';
import type { Receipt } from './link.ts';

const LABEL = new TextEncoder().encode('inkwitness pen receipt v1\0');

// True and false are answers; undefined means that this browser cannot check
// Ed25519 (W3C Secure Curves), which is not the server's fault.
export async function checkReceipt(
  receipt: Receipt,
  capture: { id: string; nonce: string; receiptKey: string },
): Promise<boolean | undefined> {
  const count = new Uint8Array(8);
  new DataView(count.buffer).setBigUint64(0, BigInt(receipt.nextSeq));
  const message = join(LABEL, fromHex(capture.id), fromHex(capture.nonce), count, receipt.head);
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey('raw', keyBytes(capture.receiptKey), { name: 'Ed25519' }, false, ['verify']);
  } catch {
    return undefined;
  }
  return crypto.subtle.verify({ name: 'Ed25519' }, key, receipt.signature, message);
}

function keyBytes(text: string): Uint8Array<ArrayBuffer> {
  if (/^[0-9a-f]{64}$/i.test(text)) return fromHex(text);
  const base64 = text.replace(/-/g, '+').replace(/_/g, '/');
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
