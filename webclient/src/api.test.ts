// The contract module against the service's own description, api/openapi.json:
// every request goes to a route that exists and sends only what it knows.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import openapi from '../../api/openapi.json';
import { disputes } from './compare/service.ts';
import { account, documents, newKey, Problem, signing } from './api.ts';
import { people, programs, self } from './people.ts';

interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

const paths = openapi.paths as unknown as Record<string, Record<string, Operation>>;
const schemas = openapi.components.schemas as unknown as Record<string, Schema>;

let sent: { method: string; url: URL; body: unknown; headers: Record<string, string> };
beforeEach(() => {
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    sent = {
      method: init.method ?? 'GET', url: new URL(path, 'http://localhost'), headers: init.headers as Record<string, string>,
      body: typeof init.body === 'string' ? JSON.parse(init.body) : init.body,
    };
    return new Response('{}');
  });
});
afterEach(() => vi.unstubAllGlobals());

const id = 'a'.repeat(32);
const calls: Record<string, () => Promise<unknown>> = {
  'account.invitation': () => account.invitation('token'),
  'account.accept': () => account.accept({ token: 't', name: 'n', password: 'p', email: 'e' }),
  'account.signIn': () => account.signIn({ email: 'e', password: 'p', code: 'c', takeOver: true }),
  'account.forgot': () => account.forgot('e'),
  'account.reset': () => account.reset({ token: 't', password: 'p', code: 'c' }),
  'account.session': () => account.session(),
  'account.signOut': () => account.signOut(),
  'account.outbox': () => account.outbox(),
  'documents.list': () => documents.list(),
  'documents.get': () => documents.get(id),
  'documents.upload': () => documents.upload(new Blob(['%PDF-']), 'title', 'name.pdf', newKey()),
  'documents.plan': () => documents.plan(id, { signers: [{ name: 'n', email: 'e', language: 'en' }], fields: [{ kind: 'text', label: 'l', required: true, signer: 0, page: 1, x: 1, y: 1, width: 99, height: 99 }] }),
  'documents.send': () => documents.send(id),
  'documents.remind': () => documents.remind(id),
  'documents.remindEvery': () => documents.remindEvery(id, 3),
  'documents.correct': () => documents.correct(id, id, { name: 'n', email: 'e', language: 'fr', second: true, phone: 'p' }),
  'documents.inPerson': () => documents.inPerson(id),
  'documents.cancel': () => documents.cancel(id),
  'documents.activity': () => documents.activity(id),
  'signing.handed': () => signing.handed(),
  'signing.take': () => signing.take(id),
  'signing.endHanding': () => signing.endHanding(),
  'signing.leave': () => signing.leave(),
  'signing.fill': () => signing.fill({ Text1: 'x' }),
  'signing.open': () => signing.open('token', 'b'.repeat(32)),
  'signing.get': () => signing.get(),
  'signing.consent': () => signing.consent({ purpose: 'video', textVersion: 'v', language: 'en', given: true }),
  'signing.decline': () => signing.decline('reason'),
  'signing.begin': () => signing.begin({ kind: 'signature', device: { pointer: 'pen', system: 's', deviceId: 'd' }, media: { video: true, audio: true } }, newKey()),
  'signing.finish': () => signing.finish(id),
  'signing.discard': () => signing.discard(id),
  'signing.confirm': () => signing.confirm({ captureId: id }, newKey()),
  'signing.confirm, typed': () => signing.confirm({ typed: 'name' }, newKey()),
  'people.members': () => people.members(),
  'people.setRole': () => people.setRole(id, 'sender'),
  'people.remove': () => people.remove(id),
  'people.invitations': () => people.invitations(),
  'people.invite': () => people.invite({ email: 'a@example.org', role: 'sender', language: 'fr' }),
  'people.revoke': () => people.revoke(id),
  'people.audit': () => people.audit('2026-11-29T00:00:00Z'),
  'people.organisation': () => people.organisation(),
  'people.setOrganisation': () => people.setOrganisation({ name: 'n', controller: 'c', secondFactor: true }),
  'self.prove': () => self.prove({ password: 'p', code: 'c' }),
  'self.profile': () => self.profile(),
  'self.setProfile': () => self.setProfile({ name: 'n', language: 'fr', phone: '', company: 'c' }),
  'self.newEmail': () => self.newEmail('a@example.org'),
  'self.setPassword': () => self.setPassword({ current: 'a', password: 'b' }),
  'self.deleteAccount': () => self.deleteAccount(),
  'self.factors': () => self.factors(),
  'self.offerTOTP': () => self.offerTOTP(),
  'self.confirmTOTP': () => self.confirmTOTP('123456'),
  'self.removeTOTP': () => self.removeTOTP(),
  'self.newCodes': () => self.newCodes(),
  'self.beginPasskey': () => self.beginPasskey(),
  'self.addPasskey': () => self.addPasskey({ ceremony: 'c', credential: {}, name: 'n' }),
  'self.removePasskey': () => self.removePasskey(id),
  'self.beginSignIn': () => self.beginSignIn(),
  'self.passkeySignIn': () => self.passkeySignIn({ ceremony: 'c', credential: {}, takeOver: true }),
  'programs.keys': () => programs.keys(),
  'programs.makeKey': () => programs.makeKey({ name: 'n', scopes: ['document:read'], days: 90 }),
  'programs.revokeKey': () => programs.revokeKey(id),
  'programs.webhooks': () => programs.webhooks(),
  'programs.makeWebhook': () => programs.makeWebhook('https://example.org'),
  'programs.setWebhook': () => programs.setWebhook(id, false),
  'programs.removeWebhook': () => programs.removeWebhook(id),
  'programs.deliveries': () => programs.deliveries(id),
  'programs.repeat': () => programs.repeat(id),
  'programs.provider': () => programs.provider(),
  'programs.setProvider': () => programs.setProvider({ kind: 'oidc', role: 'sender', issuer: 'i', clientId: 'c', clientSecret: 's', metadata: 'm', enforced: true, secondFactor: true }),
  'programs.removeProvider': () => programs.removeProvider(),
  'disputes.evidence': () => disputes.evidence(),
  'disputes.openings': () => disputes.openings(),
  'disputes.approve': () => disputes.approve(id),
  'disputes.refuse': () => disputes.refuse(id, 'no'),
  'disputes.withdraw': () => disputes.withdraw(id),
  'disputes.open': () => disputes.open(id),
  'disputes.list': () => disputes.list(),
  'disputes.create': () => disputes.create({ reference: '1', question: 'who?', parties: '' }),
  'disputes.get': () => disputes.get(id),
  'disputes.describe': () => disputes.describe(id, { reference: '1', question: 'who?', parties: '' }),
  'disputes.remove': () => disputes.remove(id),
  'disputes.ask': () => disputes.ask(id, { document: id, signer: id, reason: 'why', hours: 1 }),
  'disputes.change': () => disputes.change(id, id, { part: 'reference', label: 'K1', note: '' }),
  'disputes.removeItem': () => disputes.removeItem(id, id),
  'disputes.addNote': () => disputes.addNote(id, { item: id, x: 1, y: 1, text: 'a hook' }),
  'disputes.removeNote': () => disputes.removeNote(id, id),
  'disputes.compare': () => disputes.compare(id),
  'disputes.samples': () => disputes.samples(id),
  'disputes.align': () => disputes.align(id, id, id),
  'disputes.bring': () => disputes.bring(id, new File(['x'], 'a.csv'), { part: 'reference', label: '', note: 'from' }),
};

function operation(method: string, path: string): Operation | undefined {
  const fits = (template: string) => new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path);
  const exact = Object.keys(paths).find((template) => template === path) ?? Object.keys(paths).find(fits);
  return exact ? paths[exact]?.[method.toLowerCase()] : undefined;
}

function resolve(schema: Schema | undefined): Schema | undefined {
  return schema?.$ref ? schemas[schema.$ref.split('/').at(-1)!] : schema;
}

// Names that a body has and its schema has not, and required ones that it lacks.
function differences(body: unknown, schema: Schema | undefined, at = ''): string[] {
  const known = resolve(schema);
  if (Array.isArray(body)) return body.flatMap((one, i) => differences(one, known?.items, `${at}[${i}]`));
  if (!known?.properties || typeof body !== 'object' || body === null) return [];
  const unknown = Object.keys(body).filter((key) => !known.properties?.[key]).map((key) => `${at}.${key} is not known`);
  const lacking = (known.required ?? []).filter((key) => !(key in body)).map((key) => `${at}.${key} is lacking`);
  return [...unknown, ...lacking, ...Object.entries(body).flatMap(([key, value]) => differences(value, known.properties?.[key], `${at}.${key}`))];
}

describe('contract', () => {
  it.each(Object.keys(calls))('%s', async (name) => {
    await calls[name]!();
    const found = operation(sent.method, sent.url.pathname);
    expect(found, `${sent.method} ${sent.url.pathname}`).toBeDefined();
    const query = (found?.parameters ?? []).filter((one) => one.in === 'query');
    for (const key of sent.url.searchParams.keys()) {
      if (query.length > 0) expect(query.map((one) => one.name)).toContain(key);
    }
    for (const one of query.filter(({ required }) => required)) expect(sent.url.searchParams.has(one.name)).toBe(true);
    expect(differences(sent.body, found?.requestBody?.content['application/json']?.schema)).toEqual([]);
  });
});

describe('failures', () => {
  it('are problems with the service’s own words', async () => {
    vi.stubGlobal('fetch', async () => new Response('{"type":"/problems/expired","title":"No longer valid","detail":"Ask for a new one."}', { status: 410 }));
    await expect(signing.open('t', 'b')).rejects.toEqual(new Problem(410, 'expired', 'No longer valid', 'Ask for a new one.'));
  });

  it('of the network are tried again with the same key where something is created', async () => {
    const keys: (string | undefined)[] = [];
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      keys.push((init.headers as Record<string, string>)['Idempotency-Key']);
      if (keys.length < 3) throw new TypeError('network');
      return new Response('{}');
    });
    await signing.confirm({ captureId: id }, 'k');
    expect(keys).toEqual(['k', 'k', 'k']);
  });

  it('of a service that died in the middle of a request are waited out with the same key', async () => {
    vi.useFakeTimers();
    const keys: (string | undefined)[] = [];
    vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
      keys.push((init.headers as Record<string, string>)['Idempotency-Key']);
      if (keys.length === 1) throw new TypeError('network');
      return keys.length < 8 ? new Response('{"type":"/problems/in-progress"}', { status: 409 }) : new Response('{}');
    });
    const done = signing.confirm({ captureId: id }, 'k');
    await vi.advanceTimersByTimeAsync(8000);
    await done;
    expect(keys).toEqual(Array(8).fill('k'));
    vi.useRealTimers();
  });

  it('of another kind are not tried again', async () => {
    const asked = vi.fn(async () => new Response('{"type":"/problems/conflict"}', { status: 409 }));
    vi.stubGlobal('fetch', asked);
    await expect(signing.confirm({ captureId: id }, 'k')).rejects.toMatchObject({ code: 'conflict' });
    expect(asked).toHaveBeenCalledTimes(1);
  });
});
