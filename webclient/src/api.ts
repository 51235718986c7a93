// The HTTP contract with the service: every request that a page makes is a
// function here, those of members and settings in people.ts, those about disputes in
// compare/service.ts. Errors come as RFC 9457 problems.

export type Role = string;

export interface Account {
  id: string;
  name: string;
  email: string;
  role: Role;
}

export interface Invitation {
  email: string; // empty when the invited person names it
  role: Role;
  totp: { secret: string; uri: string }; // a second factor, set up by its first code
}

export type DocumentState = 'draft' | 'sent' | 'sealing' | 'completed' | 'declined' | 'cancelled';
export type SignerState = 'waiting' | 'invited' | 'opened' | 'consented' | 'captured' | 'sealing' | 'signed' | 'declined';

// PDF points of 1/72 inch, as displayed: page boxes cut, the page's rotation applied.
export interface PageSize {
  width: number;
  height: number;
  rotation: number;
}

export type FieldKind = 'signature' | 'initials' | 'date' | 'text' | 'checkbox';

// A place to sign or a field beside it: points from the top left of the page as displayed.
export interface Field {
  name?: string; // the service's, once the plan is stored
  kind: FieldKind;
  signer: number; // index into the document's signers
  page: number; // from 1
  x: number;
  y: number;
  width: number;
  height: number;
  label?: string;
  required?: boolean;
  fixed?: boolean; // filled in by the sender
  value?: string; // a date is 2026-11-29, a ticked box yes
}

export interface Signer {
  id: string;
  name: string;
  email: string;
  language: string;
  state: SignerState;
  openedAt?: string;
  signedAt?: string;
  reason?: string; // why the signer declined
  second?: boolean; // a code is asked for beside the link
  phone?: string;
  typed: boolean; // signed by typing the name, without a recording
  erasedAt?: string; // when the recording was erased
}

export interface Deposit {
  id: string;
  size: number;
  sha256: string;
  createdAt: string;
  retainUntil: string;
  hold: boolean;
  state: string;
  recordedAt?: string; // of the evidence record, where there is one already
}

export interface Document {
  id: string;
  title: string;
  filename: string;
  pages: PageSize[];
  state: DocumentState;
  createdAt: string;
  sha256: string;
  size: number;
  signers: Signer[];
  fields: Field[];
  deposit?: Deposit;
  sentAt?: string;
  completedAt?: string;
  inPerson?: boolean; // signed on a device that is handed round
  remindDays: number; // 0 for never
  remindAt?: string;
  trouble?: string; // why sealing is delayed, in plain words
  provider: string; // who certifies the signers; empty for the service's own authority
}

export interface Provider {
  name: string; // empty for the service's own authority
  legal: string;
  country?: string;
  level: 'simple' | 'advanced' | 'qualified';
}

export interface Plan {
  signers: { name: string; email: string; language: string; second?: boolean; phone?: string }[];
  fields: Field[];
}

export interface Activity {
  at: string;
  kind: string; // such as document.sent
  who: string; // empty for the service itself
  signer?: string; // id of the signer it is about
  detail?: string;
}

export interface Mail {
  id: string;
  to: string;
  subject: string;
  text: string;
  createdAt: string;
  sentAt?: string;
  state: string;
}

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
  deposit?: { size: number; retainUntil: string };
  proof?: boolean; // a key of this browser has to sign for the confirmation
  keep: { depositYears: number };
  erasedAt?: string; // when the sealed recording of this signer was erased
}

export type Erasable = 'recording' | 'references';

export interface Erasure {
  what: Erasable;
  at: string;
  deleted: boolean; // bytes and keys are gone
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

export interface CaptureProblem {
  code: string;
  severity: 'warning' | 'refusal';
  text: string;
  index?: number; // of the reference it is about; -1 is the set, or the questioned signature
}

export interface FinishedCapture {
  accepted: boolean; // false: sign again, for the reasons in problems
  quality: Quality;
  problems: CaptureProblem[];
  signing: Ceremony;
}

export interface Device {
  pointer: string; // pen, touch, mouse, or empty
  unitsPerMM: number;
  nominalScale: boolean;
  sampleRate: number; // Hz, as declared; 0 when unknown
  pressureLevels: number;
  hasPressure: boolean;
  hasTilt: boolean;
  hasInAir: boolean;
  hasTime: boolean;
}

export interface Sampled {
  item: string;
  device: Device;
  points: {
    t: number[]; // µs from the first point
    x: number[]; // position units, right
    y: number[]; // position units, down
    p: number[]; // 0..65535
    tiltX: number[]; // 0.01 degree
    tiltY: number[];
    down: boolean[];
    start: boolean[];
  };
  unitsPerMM: number; // 0 when the device does not tell
}

export interface ModelVersion {
  name: string;
  number: string;
  made: string;
  corpus: string[];
}

export interface Quality {
  points: number;
  durationMs: number;
  strokes: number;
  rateHz: number;
  jitterMs: number;
  longestGapMs: number;
  clockRepeats: number;
  clockBackwards: number;
  pressureLevels: number;
  complexity: number;
  pathMm: number;
}

export interface Comparison {
  method: string;
  model: ModelVersion;
  calibration: ModelVersion;
  class: { pressure: boolean; pointer: string; references: number; calibrated: boolean };
  score: number;
  likelihoodRatio: {
    log: number; // natural
    low: number; // of the 95 % interval
    high: number;
    clamped: boolean;
    verbal: { code: string; text: string };
    hypothesisSame: string;
    hypothesisDifferent: string;
  };
  decision: { outcome: 'accept' | 'reject' | 'inconclusive'; acceptAbove: number; rejectBelow: number };
  quality: Quality;
  problems: CaptureProblem[];
  explanation?: {
    reference: number; // the nearest
    channels: { channel: string; cost: number }[];
    features: { feature: string; unit: string; questioned: number; mean: number; spread: number; z: number }[];
    stretches: { from: number; to: number; cost: number; supports: string }[];
    path: { q: number; r: number; cost: number }[];
  };
}

// The parts of timeline.json (capture/timeline) that the page uses; µs on the session's clock.
export interface Timeline {
  pen?: { method: string; firstMicros: number; lastMicros: number; uncertaintyMicros: number };
  media: { track: string; segment: number; method: string; codec: string; firstMicros: number; lastMicros: number; uncertaintyMicros: number; frames: number }[] | null;
  fileStartMicros: number;
  notes: string[] | null;
}

export class Problem extends Error {
  override name = 'Problem';
  constructor(
    readonly status: number, // 0 when the service could not be reached
    readonly code: string,
    title: string,
    readonly detail: string = '',
  ) {
    super(title);
  }

  get unreachable(): boolean {
    return this.status === 0;
  }
}

let language = 'en';

// The language in which the service answers with texts for people.
export function speak(tag: string): void {
  language = tag;
}

interface Options {
  body?: unknown;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const { body, idempotencyKey, signal } = options;
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language };
  if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey;
  let payload: BodyInit | undefined;
  if (body instanceof Blob) {
    headers['Content-Type'] = body.type;
    payload = body;
  } else if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body: payload, signal, credentials: 'same-origin', cache: 'no-store' });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'unreachable', 'The service cannot be reached.');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '');
  try {
    const problem = JSON.parse(text) as { title?: string; detail?: string; type?: string };
    return new Problem(response.status, problem.type?.split('/').at(-1) ?? '', problem.title ?? response.statusText, problem.detail ?? '');
  } catch {
    return new Problem(response.status, '', response.statusText || `HTTP ${response.status}`);
  }
}

export async function json<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export const part = encodeURIComponent;

// A creating POST carries a key made once per intent, so that a repeated request
// after a lost answer does not create twice.
export const create = <T>(path: string, body: unknown, key: string): Promise<T> =>
  retried(() => json<T>('POST', path, { body, idempotencyKey: key }));

// Two more tries when the network, not the service, said no. A try whose answer was
// lost may still be at work, or its server gone: the service says so until it knows.
async function retried<T>(call: () => Promise<T>): Promise<T> {
  let lost = 0;
  for (let waits = 0; ; ) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.unreachable && lost < 2) await pause(400 * 2 ** lost++);
      else if (error.code === 'in-progress' && waits++ < WAITS) await pause(1000);
      else throw error;
    }
  }
}

const WAITS = 20; // s; a service that died is no longer waited for after 6

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const newKey = (): string => crypto.randomUUID();

export const account = {
  invitation: (token: string) => json<Invitation>('GET', `/api/invitations/${part(token)}`),
  accept: (by: { token: string; name: string; password: string; email?: string; totp?: string }) =>
    json<{ recoveryCodes?: string[] }>('POST', '/api/invitations/accept', { body: { ...by, language }, idempotencyKey: newKey() }),
  signIn: (by: { email: string; password: string; code?: string; takeOver?: boolean }) =>
    json<unknown>('POST', '/api/session', { body: by, idempotencyKey: newKey() }),
  findProvider: (name: string) => json<{ url: string }>('POST', '/api/sso', { body: { name } }),
  beginProvider: (id: string, takeOver: boolean) => json<{ url: string }>('POST', `/api/sso/${part(id)}`, { body: { takeOver } }),
  forgot: (email: string) => json<void>('POST', '/api/password/forgot', { body: { email } }),
  reset: (by: { token: string; password: string; code?: string }) => json<unknown>('POST', '/api/password/reset', { body: by }),
  session: () => json<{ account: Account }>('GET', '/api/session'),
  signOut: () => json<void>('DELETE', '/api/session'),
  outbox: () => json<{ mails: Mail[] }>('GET', '/api/outbox'),
};

export const documents = {
  list: (before?: string) => json<{ documents: Document[] }>('GET', `/api/documents${before ? `?before=${part(before)}` : ''}`),
  get: (id: string) => json<Document>('GET', `/api/documents/${part(id)}`),
  upload: (file: Blob, title: string, filename: string, key: string) =>
    create<Document>(`/api/documents?title=${part(title)}&filename=${part(filename)}`, new Blob([file], { type: 'application/pdf' }), key),
  providers: () => json<{ providers: Provider[] }>('GET', '/api/providers'),
  choose: (id: string, provider: string) => json<Document>('PUT', `/api/documents/${part(id)}/provider`, { body: { provider } }),
  plan: (id: string, plan: Plan) => json<Document>('PUT', `/api/documents/${part(id)}/plan`, { body: plan }),
  send: (id: string) => json<Document>('POST', `/api/documents/${part(id)}/send`, { idempotencyKey: newKey() }),
  remind: (id: string) => json<Document>('POST', `/api/documents/${part(id)}/remind`, { idempotencyKey: newKey() }),
  remindEvery: (id: string, days: number) => json<Document>('PUT', `/api/documents/${part(id)}/reminders`, { body: { days } }),
  correct: (id: string, signer: string, by: { name: string; email: string; language: string }) => json<Document>('PUT', `/api/documents/${part(id)}/signers/${part(signer)}`, { body: by }),
  erase: (id: string, signer: string, what: Erasable, reason: string) => json<Erasure>('POST', `/api/documents/${part(id)}/signers/${part(signer)}/erase`, { body: { what, reason }, idempotencyKey: newKey() }),
  inPerson: (id: string) => json<Document>('POST', `/api/documents/${part(id)}/in-person`, { idempotencyKey: newKey() }),
  cancel: (id: string) => json<Document>('POST', `/api/documents/${part(id)}/cancel`, { idempotencyKey: newKey() }),
  activity: (id: string) => json<{ activity: Activity[] }>('GET', `/api/documents/${part(id)}/activity`),
  pdfURL: (id: string) => `/api/documents/${part(id)}/pdf`,
  depositURL: (id: string) => `/api/documents/${part(id)}/deposit`,
  recordURL: (id: string) => `/api/documents/${part(id)}/record`,
  signedURL: (id: string) => `/api/documents/${part(id)}/signed.pdf`,
};

export type Level = 'see' | 'edit' | 'use';

export interface Share {
  account: string;
  name: string;
  email: string;
  level: Level;
  since: string;
}

export interface Comment {
  id: string;
  at: string;
  who: string;
  mine: boolean;
  text: string; // plain
}

export const sharing = {
  shares: (document: string) => json<{ shares: Share[] }>('GET', `/api/documents/${part(document)}/shares`),
  share: (document: string, email: string, level: Level) => json<Share>('PUT', `/api/documents/${part(document)}/shares`, { body: { email, level } }),
  unshare: (document: string, account: string) => json<void>('DELETE', `/api/documents/${part(document)}/shares/${part(account)}`),
  comments: (document: string) => json<{ comments: Comment[] }>('GET', `/api/documents/${part(document)}/comments`),
  comment: (document: string, text: string) => create<Comment>(`/api/documents/${part(document)}/comments`, { text }, newKey()),
  removeComment: (document: string, comment: string) => json<void>('DELETE', `/api/documents/${part(document)}/comments/${part(comment)}`),
};

// A legal hold: in force by two people, lifted by two.
export type HoldState = 'placed' | 'lapsed' | 'inForce' | 'ending' | 'lifted';

export interface HoldAct {
  by: string;
  name: string; // empty once the account is gone
  at: string;
}

export interface Hold {
  id: string;
  reason: string;
  state: HoldState;
  protects: boolean; // it forbids deletion now
  placed: HoldAct;
  agreed?: HoldAct;
  ended?: HoldAct;
  lifted?: HoldAct;
  mayAgree: boolean; // one may be the second person of what waits
}

const holdPath = (document: string, hold: string, act: string) => `/api/documents/${part(document)}/holds/${part(hold)}/${act}`;

export const holds = {
  list: (document: string) => json<{ holds: Hold[]; protected: boolean }>('GET', `/api/documents/${part(document)}/holds`),
  place: (document: string, reason: string) => create<Hold>(`/api/documents/${part(document)}/holds`, { reason }, newKey()),
  agree: (document: string, hold: string) => json<Hold>('POST', holdPath(document, hold, 'agree')),
  end: (document: string, hold: string) => json<Hold>('POST', holdPath(document, hold, 'end')),
  lift: (document: string, hold: string) => json<Hold>('POST', holdPath(document, hold, 'lift')),
};

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
  fill: (values: Record<string, string>) => retried(() => json<Ceremony>('POST', '/api/signing/fields', { body: { values } })),
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
