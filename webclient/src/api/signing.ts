// What a signer does, from the link to the deposit.
import type { Erasure, Field, PageSize, SignerState } from './documents.ts';
import type { CaptureProblem, Quality } from './evidence.ts';
import { create, json, newKey, part, retried } from './http.ts';

const FILL_MS = 15_000;

export interface Consent {
  purpose: string;
  textVersion: string;
  text: string;
  language: string; // of the text
  given?: boolean; // absent until answered
  at?: string;
}

export type Next = 'prove' | 'read' | 'fill' | 'enrol' | 'sign' | 'confirm' | 'type' | 'sealing' | 'done' | 'declined' | 'closed';

export type AskedField = Omit<Field, 'signer'> & { name: string };

export type Way = 'sms' | 'totp' | 'passkey';

// What a browser's WebAuthn call takes and gives, as JSON.
export interface PasskeyOffer {
  ceremony: string;
  options: { publicKey: Record<string, unknown> };
}

// What is asked of a signer beside the link; until it is proved nothing else is told.
export interface Second {
  ways: Way[];
  phone?: string; // its last digits
  proved: boolean;
}

export interface Ceremony {
  document: { title: string; sha256: string; pages: PageSize[]; size: number };
  sender: { name: string };
  controller: string; // who is responsible for the signer's data
  signer: { id: string; name: string; language: string; state: SignerState };
  fields: AskedField[]; // this signer's own, and what the sender filled in
  consents: Consent[];
  references: { have: number; need: number; want: number };
  next: Next;
  second?: Second;
  captureId?: string; // the finished capture that waits for the confirmation
  consentAt?: string; // address of the certificate provider, where the signer has to consent first
  others: number; // who have not signed yet
  deposit?: { size: number; retainUntil: string; withheld?: boolean }; // withheld: recordings of others are in it
  proof?: boolean; // a key of this browser has to sign for the confirmation
  keep: { depositYears: number };
  erasedAt?: string; // when the sealed recording of this signer was erased
}

export interface Proof {
  statement: string;
  signature: string; // base64
}

// Facts of the device, and nothing more; what the pen can do comes with its samples.
export interface DeviceFacts {
  pointer: 'pen' | 'touch' | 'mouse' | ''; // expected; the first sample decides
  system: string;
  deviceId: string; // random, made here and kept in this browser
}

export interface NewCapture {
  kind: 'reference' | 'signature';
  device: DeviceFacts;
  media: { video: boolean; audio: boolean };
}

export interface Capture {
  id: string;
  nonce: string;
  penUrl: string;
  mediaUrl: string;
  iceServers: RTCIceServer[];
  receiptKey: string;
}

export interface FinishedCapture {
  accepted: boolean; // false: sign again, for the reasons in problems
  quality: Quality;
  problems: CaptureProblem[];
  signing: Ceremony;
}

// A document whose signers sign one after the other on one device.
export interface Handed {
  title: string;
  sender: { name: string };
  signers: { id: string; name: string; language: string; state: SignerState }[];
  next?: string; // whose turn it is
  over: boolean;
}

export const signing = {
  handed: () => json<Handed>('GET', '/api/signing/hand'),
  take: (signer: string) => json<Ceremony>('POST', '/api/signing/hand/take', { body: { signer } }),
  endHanding: () => json<void>('POST', '/api/signing/hand/end'),
  leave: () => retried(() => json<void>('POST', '/api/signing/leave')),
  // The browser's secret lets it open the link again when the answer was lost.
  open: (token: string, browser: string) => retried(() => json<Ceremony>('POST', '/api/signing/open', { body: { token, browser } })),
  get: () => json<Ceremony>('GET', '/api/signing'),
  sendCode: () => json<void>('POST', '/api/signing/second/sms'),
  beginPasskey: () => json<PasskeyOffer>('POST', '/api/signing/second/passkey/begin'),
  provePasskey: (by: { ceremony: string; credential: unknown }) => json<Ceremony>('POST', '/api/signing/second/passkey', { body: by }),
  prove: (way: Way, code: string) => json<Ceremony>('POST', '/api/signing/second', { body: { way, code } }),
  consent: (consent: { purpose: string; textVersion: string; language: string; given: boolean }) =>
    create<Ceremony>('/api/signing/consents', consent, newKey()),
  // Destroys what was enrolled for comparisons; not deleted yet: the service does it as soon as it may.
  withdraw: () => retried(() => json<Erasure>('POST', '/api/signing/withdraw', { body: {} })),
  // A try that hangs must not hold up what is entered later.
  fill: (values: Record<string, string>) => retried(() => json<Ceremony>('POST', '/api/signing/fields', { body: { values }, signal: AbortSignal.timeout(FILL_MS) })),
  askController: (text: string) => json<void>('POST', '/api/signing/requests', { body: { text } }),
  decline: (reason: string) => create<Ceremony>('/api/signing/decline', { reason }, newKey()),
  begin: (capture: NewCapture, key: string) => create<Capture>('/api/signing/captures', capture, key),
  finish: (id: string) => retried(() => json<FinishedCapture>('POST', `/api/signing/captures/${part(id)}/finish`)),
  discard: (id: string) => json<Ceremony>('POST', `/api/signing/captures/${part(id)}/discard`),
  registerKey: (publicKey: string) => retried(() => json<void>('POST', '/api/signing/key', { body: { publicKey } })),
  askProof: (publicKey: string) => retried(() => json<{ statement: string }>('POST', '/api/signing/proof', { body: { publicKey } })),
  confirm: (by: ({ captureId: string } | { typed: string }) & { proof?: Proof }, key: string) => create<Ceremony>('/api/signing/confirm', by, key),
  provider: (back: { state: string; code: string }) => retried(() => json<Ceremony>('POST', '/api/signing/provider', { body: back })),
  pdfURL: '/api/signing/pdf',
  depositURL: '/api/signing/deposit',
  signedURL: '/api/signing/signed.pdf',
};
