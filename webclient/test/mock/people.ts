// The stand-in's members and settings: what is asked for is changed and given back.
import type { AuditLine, Delivery, Factors, Key, Member, MemberInvitation, Organisation, Profile, Provider, ProviderName, Webhook } from '../../src/people.ts';

const DAY = '2026-11-20T10:00:00Z';

export class People {
  proved = false; // a fresh proof was given
  password = 'correct horse battery';
  members: Member[] = [{ account: 'a1', name: 'Ada Durand', email: 'ada@atelier.example', role: 'owner', addedAt: DAY }];
  invitations: MemberInvitation[] = [];
  profile: Profile = { id: 'a1', name: 'Ada Durand', email: 'ada@atelier.example', language: 'en', createdAt: DAY };
  organisation: Organisation = { id: 'o1', name: 'Atelier Durand', controller: 'Ada Durand, 3 rue Haute', secondFactor: false };
  factors: Factors = { password: true, totp: false, recoveryCodes: 0, passkeys: [] };
  keys: Key[] = [];
  webhooks: Webhook[] = [];
  deliveries: Delivery[] = [{ id: 'd1', kind: 'document.sent', state: 'failed', tries: 8, result: '500', createdAt: DAY }];
  provider: Provider | undefined;
  names: ProviderName[] = [];
  shown = false; // the domain's DNS holds the record
  audit: AuditLine[] = [
    { at: '2026-11-23T19:00:00Z', kind: 'evidence.opened', account: 'a1', who: 'Ada Durand', object: `document:${'1'.repeat(32)}`, title: 'Lease 17', signer: 'Chloé Martin' },
    { at: '2026-11-23T18:00:00Z', kind: 'session.began', account: 'a1', who: 'Ada Durand' },
  ];

  // The answer: a body, or a status with a problem's name; undefined where the route is another's.
  answer(key: string, json: () => any): { status: number; body?: unknown; problem?: string } | undefined {
    const ok = (body: unknown) => ({ status: 200, body });
    const none = { status: 204 };
    const [, id = ''] = /\/([^/]+)$/.exec(key) ?? [];
    const sensitive = () => (this.proved ? undefined : { status: 403, problem: 'step-up' });
    switch (key.replace(/^(PATCH|DELETE) \/members\/(?!invitations)[^/]+$/, '$1 /members/*').replace(/^(DELETE) \/members\/invitations\/.+$/, '$1 /members/invitations/*').replace(/^(\w+) \/(keys|webhooks|factors\/passkeys)\/[^/]+$/, '$1 /$2/*').replace(/^GET \/webhooks\/[^/]+\/deliveries$/, 'GET /webhooks/*/deliveries')) {
      case 'POST /session/proof':
        if (json().password !== this.password) return { status: 401, problem: 'not-signed-in' };
        this.proved = true;
        return none;
      case 'GET /members': return ok({ members: this.members });
      case 'PATCH /members/*': {
        const refused = sensitive();
        if (!refused) this.members.find((one) => one.account === id)!.role = json().role;
        return refused ?? none;
      }
      case 'DELETE /members/*':
        this.members = this.members.filter((one) => one.account !== id);
        return none;
      case 'GET /members/invitations': return ok({ invitations: this.invitations });
      case 'POST /members/invitations': {
        const made: MemberInvitation = { id: `i${this.invitations.length}`, ...json(), createdAt: DAY, expiresAt: '2026-11-27T10:00:00Z', state: 'live' };
        this.invitations.push(made);
        return { status: 201, body: made };
      }
      case 'DELETE /members/invitations/*':
        this.invitations.find((one) => one.id === id)!.state = 'revoked';
        return none;
      case 'GET /audit': return ok({ events: this.audit });
      case 'GET /organisation': return ok(this.organisation);
      case 'PATCH /organisation': return ok(Object.assign(this.organisation, json()));
      case 'GET /profile': return ok(this.profile);
      case 'PATCH /profile': return ok(Object.assign(this.profile, json()));
      case 'POST /profile/email': return none;
      case 'POST /password': // as of an account with a second factor
        if (!this.proved) return sensitive();
        if (json().current !== this.password) return { status: 422, problem: 'wrong-password' };
        this.password = json().password;
        return none;
      case 'GET /factors': return ok(this.factors);
      case 'POST /factors/totp': return sensitive() ?? { status: 201, body: { secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/Inkwitness:ada?secret=JBSWY3DPEHPK3PXP' } };
      case 'POST /factors/totp/confirm':
        if (json().code !== '123456') return { status: 422, problem: 'invalid' };
        Object.assign(this.factors, { totp: true, recoveryCodes: 2 });
        return ok({ recoveryCodes: ['aaaa-bbbb', 'cccc-dddd'] });
      case 'DELETE /factors/passkeys/*':
        this.factors.passkeys = this.factors.passkeys.filter((one) => one.id !== id);
        return none;
      case 'DELETE /factors/totp':
        this.factors.totp = false;
        return none;
      case 'GET /keys': return ok({ keys: this.keys });
      case 'POST /keys': {
        const made: Key = { id: `k${this.keys.length}`, name: json().name, scopes: json().scopes, createdAt: DAY, expiresAt: '2027-02-18T10:00:00Z' };
        this.keys.push(made);
        return { status: 201, body: { ...made, secret: 'ink_secret-of-the-mock' } };
      }
      case 'DELETE /keys/*':
        this.keys.find((one) => one.id === id)!.revokedAt = DAY;
        return none;
      case 'GET /webhooks': return ok({ webhooks: this.webhooks });
      case 'POST /webhooks': {
        const made: Webhook = { id: `w${this.webhooks.length}`, url: json().url, kinds: [], active: true, createdAt: DAY };
        this.webhooks.push(made);
        return { status: 201, body: { ...made, secret: 'whsec_of-the-mock' } };
      }
      case 'PATCH /webhooks/*': return ok(Object.assign(this.webhooks.find((one) => one.id === id)!, json()));
      case 'DELETE /webhooks/*':
        this.webhooks = this.webhooks.filter((one) => one.id !== id);
        return none;
      case 'GET /webhooks/*/deliveries': return ok({ deliveries: this.deliveries });
      case 'GET /organisation/provider': return this.provider ? ok(this.provider) : { status: 404, problem: 'not-found' };
      case 'GET /organisation/provider/names': return ok({ names: this.names });
      case 'POST /organisation/provider/names': {
        const { name } = json();
        const domain = name.includes('.');
        this.names.push({ name, domain, ...(domain ? { record: `_inkwitness.${name}`, value: 'inkwitness-verification=abc' } : { verified: DAY }) });
        return { status: 201, body: this.names.at(-1) };
      }
      case 'POST /organisation/provider/names/atelier.example/verify':
        if (!this.shown) return { status: 422, problem: 'invalid' };
        this.names.find((one) => one.domain)!.verified = DAY;
        return ok(this.names.find((one) => one.domain));
      case 'DELETE /organisation/provider/names/atelier':
        this.names = this.names.filter((one) => one.name !== 'atelier');
        return none;
      case 'DELETE /organisation/provider':
        this.provider = undefined;
        return none;
      case 'PUT /organisation/provider':
        this.provider = { ...json(), address: 'https://sign.example/api/sso/back' };
        return ok(this.provider);
    }
    return undefined;
  }
}
