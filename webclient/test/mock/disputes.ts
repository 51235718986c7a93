// The investigator's side of the stand-in: cases, openings, samples.
import { randomBytes } from 'node:crypto';
import type { Sampled } from '../../src/api.ts';
import type { Case, Evidence, Opening } from '../../src/compare/service.ts';
import { CASE, emptyCase, explanation, fullSamples, opening } from './evidence.ts';

export interface Answer {
  status: number;
  body?: unknown;
  bytes?: [data: Uint8Array, type: string, name: string];
}

export class Disputes {
  cases: Case[] = [];
  openings: Opening[] = [];
  samples: Sampled[] = fullSamples();
  deciders = 1;
  evidence: { before: string; signatures: Evidence[] }[] = [ // by pages
    { before: '', signatures: [{ document: '1'.repeat(32), title: 'Rental agreement', signer: '2'.repeat(32), name: 'Chloé Martin', signedAt: '2026-11-23T19:00:00Z' }] },
  ];

  answer(method: string, path: string, url: URL, json: () => any): Answer | undefined {
    const key = `${method} ${path}`;
    if (key === 'GET /evidence') {
      const page = this.evidence.findIndex(({ before }) => before === (url.searchParams.get('before') ?? ''));
      return ok({ signatures: this.evidence[page]?.signatures ?? [], next: this.evidence[page + 1]?.before });
    }
    if (key === 'GET /openings') return ok({ openings: this.openings, deciders: this.deciders });
    if (key === 'GET /cases') return ok({ cases: this.cases.map((one) => ({ ...one, questioned: one.items.filter((item) => item.part === 'questioned').length, references: one.items.filter((item) => item.part === 'reference').length, compared: one.runs.length > 0 })) });
    if (key === 'POST /cases') {
      const made = { ...emptyCase(), ...json() };
      this.cases.unshift(made);
      return { status: 201, body: made };
    }
    const [, id, action] = /^\/openings\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    if (id) return this.decide(this.openings.find((one) => one.id === id), action!, json);
    const [, of, rest = ''] = /^\/cases\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    const found = this.cases.find((one) => one.id === of);
    return found && this.within(found, `${method} ${rest}`, url, json);
  }

  private decide(found: Opening | undefined, action: string, json: () => any): Answer {
    if (!found) return { status: 404, body: { title: 'Not found' } };
    if (found.mine && (action === 'approve' || action === 'refuse')) return { status: 403, body: { title: 'Not allowed', detail: 'You asked yourself.' } };
    const states = { approve: 'approved', refuse: 'refused', withdraw: 'withdrawn', open: 'open' } as const;
    found.state = states[action as keyof typeof states];
    if (action === 'refuse') found.answer = json().answer;
    if (action === 'approve' || action === 'refuse') Object.assign(found, { decidedBy: 'Ada Durand', decidedAt: '2026-11-28T08:30:00Z' });
    return ok(action === 'open' ? this.cases.find((one) => one.id === found.case) : found);
  }

  private within(found: Case, key: string, url: URL, json: () => any): Answer {
    const changed = () => {
      found.changedAt = new Date().toISOString();
      found.version++;
      return ok(found);
    };
    if (key === 'GET ') return ok(found);
    if (key === 'PUT ') {
      Object.assign(found, json());
      return changed();
    }
    if (key === 'POST hand-over') {
      if (!json().email.endsWith('@atelier.example')) return { status: 422, body: { title: 'Not possible', detail: 'Nobody with this address is an investigator or owner in your organisation.' } };
      this.cases = this.cases.filter((one) => one !== found);
      return { status: 204 };
    }
    if (key === 'DELETE ') {
      this.cases = this.cases.filter((one) => one !== found);
      return { status: 204 };
    }
    if (key === 'POST openings') {
      const asked = { ...opening, ...json(), id: randomBytes(16).toString('hex'), case: found.id, dispute: found.reference, mine: true };
      found.openings.unshift(asked);
      this.openings.unshift(asked);
      return { status: 201, body: asked };
    }
    if (key === 'GET samples') return ok({ samples: this.samples.filter((one) => found.items.some((item) => item.id === one.item && item.readable)) });
    if (key === 'GET alignment') {
      const of = (name: string) => this.samples.find((one) => one.item === url.searchParams.get(name))!;
      return ok(explanation(of('questioned'), of('reference')));
    }
    if (key === 'POST notes') {
      found.notes = [...found.notes, { ...json(), id: randomBytes(16).toString('hex'), at: '2026-11-28T10:06:00Z' }];
      return { ...changed(), status: 201 };
    }
    const [, note] = /^DELETE notes\/(\w+)$/.exec(key) ?? [];
    if (note) {
      if (!found.notes.some((one) => one.id === note)) return { status: 404, body: { title: 'Not found' } };
      found.notes = found.notes.filter((one) => one.id !== note);
      return changed();
    }
    if (key === 'POST compare') return changed();
    if (key.startsWith('POST items')) {
      const q = url.searchParams;
      found.items.push({ ...this.cases[0]!.items[0]!, id: randomBytes(16).toString('hex'), part: q.get('part') as 'reference', label: 'K1', origin: 'file', note: q.get('note') ?? '', name: '', filename: q.get('filename') ?? '', format: 'csv', sha256: 'a'.repeat(64), readable: true, addedAt: '2026-11-28T10:06:00Z', problems: [], quality: { points: 619 }, device: { pointer: 'pen' } } as unknown as Case['items'][number]);
      return { ...changed(), status: 201 };
    }
    const [, item, rest = ''] = /^\w+ items\/([^/]+)\/?(.*)$/.exec(key) ?? [];
    if (rest.startsWith('samples/')) return { status: 200, bytes: [Buffer.from('x'), 'text/csv', 'Q1.csv'] };
    const one = found.items.find((each) => each.id === item);
    if (one && key.startsWith('PUT')) {
      Object.assign(one, json());
      return changed();
    }
    if (one && key.startsWith('DELETE')) {
      found.items = found.items.filter((each) => each !== one);
      return changed();
    }
    if (key.startsWith('GET report.pdf')) return { status: 200, bytes: [Buffer.from('%PDF-1.7'), 'application/pdf', `report-${CASE}.pdf`] };
    return { status: 404, body: { title: 'Not found' } };
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}
