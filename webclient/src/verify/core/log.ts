// The place in the log: C2SP tlog-proof, tlog-checkpoint, signed-note and
// tlog-cosignature, and the Merkle mathematics of RFC 9162.
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import { base64, type Bytes, concat, equal, hex, sha256, textOf, utf8 } from './bytes.ts';

export interface Key {
  name: string;
  algorithm: number;
  key: Bytes;
  id: string; // 4 bytes in hex
}

const ED25519 = 1;
const COSIGN_ED25519 = 4;
const COSIGN_MLDSA = 6;
const LENGTHS: Record<number, number> = { [ED25519]: 32, [COSIGN_ED25519]: 32, [COSIGN_MLDSA]: 1312 };

export async function parseKey(text: string): Promise<Key> {
  const match = /^([^+\s]{1,255})\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim());
  const raw = base64(match?.[3] ?? '');
  const key: Key = { name: match?.[1] ?? '', algorithm: raw[0] ?? 0, key: raw.subarray(1), id: match?.[2] ?? '' };
  const id = hex((await sha256(concat(utf8(`${key.name}\n`), raw))).subarray(0, 4));
  if (id !== key.id || key.key.length !== LENGTHS[key.algorithm]) throw new Error(`key of ${key.name}`);
  return key;
}

export interface Line {
  name: string;
  id: string;
  signature: Bytes;
}

export interface Proof {
  index: number;
  path: Bytes[];
  origin: string;
  size: number;
  root: Bytes;
  text: string; // that is signed
  lines: Line[];
}

export function parseProof(bytes: Bytes): Proof {
  const file = textOf(bytes);
  const cut = file.indexOf('\n\n');
  const [kind, index, ...path] = file.slice(0, cut).split('\n');
  const match = /^index (0|[1-9]\d{0,15})$/.exec(index ?? '');
  const note = file.slice(cut + 2);
  const end = note.lastIndexOf('\n\n');
  const text = note.slice(0, end + 1);
  const head = /^([^\n]{1,255})\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text);
  if (cut < 0 || end < 0 || kind !== 'c2sp.org/tlog-proof@v1' || !match || !head || path.length > 63) throw new Error('tlog-proof');
  const root = base64(head[3] ?? '');
  return { index: Number(match[1]), path: path.map(hash), origin: head[1] ?? '', size: Number(head[2]), root, text, lines: lines(note.slice(end + 2)) };
}

function hash(text: string): Bytes {
  const bytes = base64(text);
  if (bytes.length !== 32) throw new Error('hash');
  return bytes;
}

function lines(text: string): Line[] {
  if (!text.endsWith('\n')) throw new Error('signature lines');
  return text.slice(0, -1).split('\n').map((line) => {
    const match = /^\u2014 ([^+\s]{1,255}) (\S+)$/u.exec(line);
    const raw = base64(match?.[2] ?? '');
    if (!match || raw.length < 5) throw new Error('signature line');
    return { name: match[1] ?? '', id: hex(raw.subarray(0, 4)), signature: raw.subarray(4) };
  });
}

// Whether an entry stands where the proof says (RFC 9162, section 2.1.3.2).
export async function includes(proof: Proof, entry: Bytes): Promise<boolean> {
  if (proof.index >= proof.size) return false;
  let index = proof.index;
  let last = proof.size - 1;
  let node = await sha256(concat(Uint8Array.of(0), entry));
  const join = (left: Bytes, right: Bytes) => sha256(concat(Uint8Array.of(1), left, right));
  for (const sibling of proof.path) {
    if (last === 0) return false;
    if (index % 2 === 1 || index === last) {
      node = await join(sibling, node);
      while (index % 2 === 0 && index !== 0) [index, last] = [index / 2, Math.floor(last / 2)];
    } else {
      node = await join(node, sibling);
    }
    [index, last] = [Math.floor(index / 2), Math.floor(last / 2)];
  }
  return last === 0 && equal(node, proof.root);
}

// Whether a key has signed the tree: 'missing' where it has no line.
export async function signedBy(proof: Proof, key: Key): Promise<'good' | 'bad' | 'missing'> {
  const line = proof.lines.find((one) => one.name === key.name && one.id === key.id);
  if (!line) return 'missing';
  try {
    return await check(proof, key, line.signature) ? 'good' : 'bad';
  } catch {
    return 'bad';
  }
}

async function check(proof: Proof, key: Key, signature: Bytes): Promise<boolean> {
  const ed25519 = async (message: Bytes, value: Bytes) =>
    crypto.subtle.verify('Ed25519', await crypto.subtle.importKey('raw', key.key, 'Ed25519', false, ['verify']), value, message);
  if (key.algorithm === ED25519) return ed25519(utf8(proof.text), signature);
  const at = signature.subarray(0, 8);
  const value = signature.subarray(8);
  if (key.algorithm === COSIGN_ED25519) {
    const seconds = new DataView(at.buffer, at.byteOffset, 8).getBigUint64(0);
    return ed25519(utf8(`cosignature/v1\ntime ${seconds}\n${proof.text}`), value);
  }
  const named = (text: string) => concat(Uint8Array.of(utf8(text).length), utf8(text));
  const u64 = (n: number) => {
    const out = new Uint8Array(8);
    new DataView(out.buffer).setBigUint64(0, BigInt(n));
    return out;
  };
  const message = concat(utf8('subtree/v1\n\0'), named(key.name), at, named(proof.origin), u64(0), u64(proof.size), proof.root);
  return ml_dsa44.verify(value, message, key.key);
}
