// The part of the HTTP contract that is about people and programs: members,
// profile, factors, keys, webhooks, sign-in with the organisation's provider.
import { json, newKey, type PasskeyOffer } from './api.ts';

export const ROLES = ['owner', 'admin', 'manager', 'sender', 'reviewer', 'investigator', 'auditor'] as const;
export type MemberRole = (typeof ROLES)[number];

export interface Member {
  account: string;
  name: string;
  email: string;
  role: MemberRole;
  addedAt: string;
}

export interface MemberInvitation {
  id: string;
  email: string;
  role: MemberRole;
  createdAt: string;
  expiresAt: string;
  state: 'live' | 'used' | 'revoked' | 'expired';
}

export interface Profile {
  id: string;
  name: string;
  email: string;
  language: string;
  phone?: string;
  company?: string;
  createdAt: string;
}

export interface Organisation {
  id: string;
  name: string;
  controller: string;
  secondFactor: boolean;
}

export interface Factors {
  password: boolean;
  totp: boolean;
  recoveryCodes: number;
  passkeys: { id: string; name: string; createdAt: string; usedAt?: string }[];
}

export interface Key {
  id: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string;
  usedAt?: string;
  revokedAt?: string;
  secret?: string; // shown once
}

export interface Webhook {
  id: string;
  url: string;
  kinds: string[]; // empty is all
  active: boolean;
  createdAt: string;
  secret?: string; // shown once
}

export interface Delivery {
  id: string;
  kind: string;
  state: 'queued' | 'sent' | 'failed';
  tries: number;
  result: string;
  createdAt: string;
}

export interface Provider {
  kind: 'oidc' | 'saml';
  enforced?: boolean;
  secondFactor?: boolean; // asked of everybody there
  role: MemberRole;
  issuer?: string;
  clientId?: string;
  clientSecret?: string;
  metadata?: string;
  address?: string;
  audience?: string;
}

// A short name, or a domain that counts once its DNS holds the record.
export interface ProviderName {
  name: string;
  domain: boolean;
  record?: string;
  value?: string;
  verified?: string;
}

export interface AuditLine {
  at: string;
  kind: string;
  account?: string;
  who?: string; // its name; absent once it was deleted
  object?: string;
  title?: string; // of the document; absent once it was deleted
  signer?: string; // name of the signer it is about
  detail?: Record<string, string>;
}

const part = encodeURIComponent;

export const people = {
  members: () => json<{ members: Member[] }>('GET', '/api/members'),
  setRole: (account: string, role: MemberRole) => json<void>('PATCH', `/api/members/${part(account)}`, { body: { role } }),
  remove: (account: string) => json<void>('DELETE', `/api/members/${part(account)}`),
  invitations: () => json<{ invitations: MemberInvitation[] }>('GET', '/api/members/invitations'),
  invite: (by: { email: string; role: MemberRole; language: string }) => json<MemberInvitation>('POST', '/api/members/invitations', { body: by, idempotencyKey: newKey() }),
  revoke: (id: string) => json<void>('DELETE', `/api/members/invitations/${part(id)}`),
  audit: (before?: string) => json<{ events: AuditLine[] }>('GET', `/api/audit?limit=100${before ? `&before=${part(before)}` : ''}`),
  organisation: () => json<Organisation>('GET', '/api/organisation'),
  setOrganisation: (by: Partial<Omit<Organisation, 'id'>>) => json<Organisation>('PATCH', '/api/organisation', { body: by }),
};

export const self = {
  prove: (by: { password?: string; code?: string }) => json<void>('POST', '/api/session/proof', { body: by }),
  beginProof: () => json<PasskeyOffer>('POST', '/api/session/proof/passkey/begin'),
  provePasskey: (by: { ceremony: string; credential: unknown }) => json<void>('POST', '/api/session/proof/passkey', { body: by }),
  profile: () => json<Profile>('GET', '/api/profile'),
  setProfile: (by: Partial<Pick<Profile, 'name' | 'language' | 'phone' | 'company'>>) => json<Profile>('PATCH', '/api/profile', { body: by }),
  newEmail: (email: string) => json<void>('POST', '/api/profile/email', { body: { email } }),
  setPassword: (by: { current: string; password: string }) => json<void>('POST', '/api/password', { body: by }),
  deleteAccount: () => json<void>('DELETE', '/api/profile'),
  factors: () => json<Factors>('GET', '/api/factors'),
  offerTOTP: () => json<{ secret: string; uri: string }>('POST', '/api/factors/totp'),
  confirmTOTP: (code: string) => json<{ recoveryCodes?: string[] }>('POST', '/api/factors/totp/confirm', { body: { code } }),
  removeTOTP: () => json<void>('DELETE', '/api/factors/totp'),
  newCodes: () => json<{ recoveryCodes: string[] }>('POST', '/api/factors/recovery'),
  beginPasskey: () => json<PasskeyOffer>('POST', '/api/factors/passkeys/begin'),
  addPasskey: (by: { ceremony: string; credential: unknown; name: string }) => json<{ recoveryCodes?: string[] }>('POST', '/api/factors/passkeys', { body: by }),
  removePasskey: (id: string) => json<void>('DELETE', `/api/factors/passkeys/${part(id)}`),
  beginSignIn: () => json<PasskeyOffer>('POST', '/api/session/passkey/begin'),
  passkeySignIn: (by: { ceremony: string; credential: unknown; takeOver?: boolean }) => json<unknown>('POST', '/api/session/passkey', { body: by }),
};

export const programs = {
  keys: () => json<{ keys: Key[] }>('GET', '/api/keys'),
  makeKey: (by: { name: string; scopes: string[]; days: number }) => json<Key>('POST', '/api/keys', { body: by, idempotencyKey: newKey() }),
  revokeKey: (id: string) => json<void>('DELETE', `/api/keys/${part(id)}`),
  webhooks: () => json<{ webhooks: Webhook[] }>('GET', '/api/webhooks'),
  makeWebhook: (url: string) => json<Webhook>('POST', '/api/webhooks', { body: { url }, idempotencyKey: newKey() }),
  setWebhook: (id: string, active: boolean) => json<Webhook>('PATCH', `/api/webhooks/${part(id)}`, { body: { active } }),
  removeWebhook: (id: string) => json<void>('DELETE', `/api/webhooks/${part(id)}`),
  deliveries: (id: string) => json<{ deliveries: Delivery[] }>('GET', `/api/webhooks/${part(id)}/deliveries`),
  repeat: (delivery: string) => json<void>('POST', `/api/webhooks/deliveries/${part(delivery)}/repeat`),
  provider: () => json<Provider>('GET', '/api/organisation/provider'),
  setProvider: (by: Provider) => json<Provider>('PUT', '/api/organisation/provider', { body: by }),
  providerNames: () => json<{ names: ProviderName[] }>('GET', '/api/organisation/provider/names'),
  addProviderName: (name: string) => json<ProviderName>('POST', '/api/organisation/provider/names', { body: { name }, idempotencyKey: newKey() }),
  verifyProviderName: (name: string) => json<ProviderName>('POST', `/api/organisation/provider/names/${part(name)}/verify`),
  removeProviderName: (name: string) => json<void>('DELETE', `/api/organisation/provider/names/${part(name)}`),
  removeProvider: () => json<void>('DELETE', '/api/organisation/provider'),
};
