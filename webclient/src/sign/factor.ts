// A key of this browser's own, by which the service's key holder knows the signer
// again: it is made here, cannot be read by anybody, and signs one statement for
// each signature. It is kept in IndexedDB so that a loaded page finds it again.
import { type Ceremony, type Proof, signing } from '../api.ts';

const NAME = 'inkwitness-factor';
const STORE = 'keys';
const KIND = { name: 'ECDSA', namedCurve: 'P-256' } as const;

const known = new Map<string, Promise<CryptoKeyPair>>();
const registered = new Map<string, Promise<void>>();

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function stored<T>(mode: IDBTransactionMode, ask: (keys: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const request = ask(database.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    database.close();
  }
}

async function findOrMake(signer: string): Promise<CryptoKeyPair> {
  const found = await stored<CryptoKeyPair | undefined>('readonly', (keys) => keys.get(signer)).catch(() => undefined);
  if (found) return found;
  const made = await crypto.subtle.generateKey(KIND, false, ['sign', 'verify']);
  await stored('readwrite', (keys) => keys.put(made, signer)).catch(() => undefined); // without storage it lives as long as the page
  return made;
}

function keyOf(signer: string): Promise<CryptoKeyPair> {
  const key = known.get(signer) ?? findOrMake(signer);
  known.set(signer, key);
  return key;
}

const base64 = (bytes: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

async function publicKey(signer: string): Promise<string> {
  return base64(await crypto.subtle.exportKey('spki', (await keyOf(signer)).publicKey));
}

// Registers the key as soon as the ceremony asks for proofs. A failure is met
// again, and told, when the signature is confirmed.
export function register(state: Ceremony): Promise<void> {
  const { id } = state.signer;
  const done = registered.get(id) ?? publicKey(id).then((key) => signing.registerKey(key));
  registered.set(id, done);
  done.catch(() => registered.delete(id));
  return done;
}

// The proof for a confirmation; nothing where none is asked for.
export async function prove(state: Ceremony): Promise<{ proof?: Proof }> {
  if (!state.proof) return {};
  await register(state);
  const { id } = state.signer;
  const { statement } = await signing.askProof(await publicKey(id));
  if (!statement.includes(`\ndocument sha256:${state.document.sha256}\n`)) throw new Error('The statement is about another document.');
  const signed = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, (await keyOf(id)).privateKey, new TextEncoder().encode(statement));
  return { proof: { statement, signature: base64(signed) } };
}

// Forgets the keys of this browser; what they signed stays signed.
export async function forgetFactor(): Promise<void> {
  known.clear();
  registered.clear();
  await stored('readwrite', (keys) => keys.clear()).catch(() => undefined);
}
