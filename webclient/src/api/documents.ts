// What an owner does: the account, documents and who may see them, deposits and their holds.
import { create, json, language, newKey, part } from './http.ts';

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
  mayDownload: boolean; // with the recordings in it
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
  who: string; // empty where no account did it, and where it was erased
  account?: string;
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

export type Erasable = 'recording' | 'references';

export interface Erasure {
  what: Erasable;
  at: string;
  deleted: boolean; // bytes and keys are gone
}

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
  correct: (id: string, signer: string, by: Plan['signers'][number]) => json<Document>('PUT', `/api/documents/${part(id)}/signers/${part(signer)}`, { body: by }),
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
