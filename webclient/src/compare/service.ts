// What the investigator's page asks of the service: cases, openings of evidence,
// signatures with their samples, comparisons.
import { type Comparison, type Device, json, newKey, part, type Quality, type CaptureProblem, type Sampled, send, type Timeline } from '../api.ts';

export type OpeningState = 'asked' | 'approved' | 'refused' | 'withdrawn' | 'open' | 'over';

export interface Opening {
  id: string;
  state: OpeningState;
  case: string;
  dispute: string; // number of the case
  document: string;
  title: string;
  signer: string;
  name: string;
  askedBy: string;
  mine: boolean;
  decidedBy?: string;
  reason: string;
  answer?: string;
  hours: number;
  askedAt: string;
  decidedAt?: string;
  openedAt?: string;
  endsAt: string; // of the present state
}

export interface Evidence {
  document: string;
  title: string;
  signer: string;
  name: string;
  signedAt: string;
}

export interface CaseLine {
  id: string;
  reference: string;
  question: string;
  createdAt: string;
  keepUntil: string;
  questioned: number;
  references: number;
  compared: boolean;
}

export interface CaseWords {
  reference: string;
  question: string;
  parties: string;
  keepUntil?: string;
}

export type Part = 'questioned' | 'reference';

export interface Check {
  code: string;
  status: 'holds' | 'fails' | 'unknown';
  part?: string;
  text: string;
}

export interface Item {
  id: string;
  part: Part;
  label: string;
  origin: 'deposit' | 'container' | 'file';
  note: string;
  name: string;
  title?: string;
  document?: string;
  signer?: string;
  signedAt?: string;
  addedAt: string;
  readable: boolean;
  until?: string;
  filename?: string;
  format?: string;
  sha256: string;
  fileSha256?: string;
  device: Device;
  quality: Quality;
  problems: CaptureProblem[];
  checks?: { kind: string; checks: Check[] };
  timeline?: Timeline;
  videoUrl?: string;
  face?: FaceFinding;
}

// The face in the video, a finding apart from the comparison.
export interface FaceFinding {
  outcome: 'compared' | 'enrolled' | 'unavailable';
  code?: string;
  reason?: string;
  enrolledAt?: string;
  score?: { likeness: number; lowest: number; steady: number; frames: number; threshold?: number; model: string };
}

export interface Result {
  item: string;
  sha256: string;
  comparison?: Comparison;
  trouble?: string;
  troubleCode?: string; // of a problem
}

export interface Run {
  id: string;
  at: string;
  by: string;
  references: { item: string; sha256: string }[];
  results: Result[];
}

export interface Note {
  id?: string;
  item: string;
  x: number; // mm from the left edge of the ink
  y: number; // mm from its top edge
  text: string;
  at?: string;
}

export interface Custody {
  seq: number;
  at: string;
  kind: string;
  by: string;
  detail?: Record<string, string>;
  hash: string;
}

export interface Case extends Required<CaseWords> {
  id: string;
  version: number; // grows with each change
  createdAt: string;
  changedAt: string;
  items: Item[];
  openings: Opening[];
  runs: Run[];
  notes: Note[];
  custody: Custody[];
}

export type Explanation = NonNullable<Comparison['explanation']>;
export type ExportFormat = 'csv' | 'json' | 'inkml' | 'iso-19794-7';

const of = (id: string) => `/api/cases/${part(id)}`;

export const disputes = {
  // Those of the newest documents, or of older ones than a page before ended with.
  evidence: (before?: string) => json<{ signatures: Evidence[]; next?: string }>('GET', `/api/evidence${before ? `?before=${part(before)}` : ''}`),
  openings: () => json<{ openings: Opening[]; deciders: number }>('GET', '/api/openings'),
  approve: (id: string) => json<Opening>('POST', `/api/openings/${part(id)}/approve`, { idempotencyKey: newKey() }),
  refuse: (id: string, answer: string) => json<Opening>('POST', `/api/openings/${part(id)}/refuse`, { body: { answer }, idempotencyKey: newKey() }),
  withdraw: (id: string) => json<Opening>('POST', `/api/openings/${part(id)}/withdraw`, { idempotencyKey: newKey() }),
  open: (id: string) => json<Case>('POST', `/api/openings/${part(id)}/open`),
  list: () => json<{ cases: CaseLine[] }>('GET', '/api/cases'),
  create: (words: CaseWords) => json<Case>('POST', '/api/cases', { body: words, idempotencyKey: newKey() }),
  get: (id: string) => json<Case>('GET', of(id)),
  describe: (id: string, words: CaseWords) => json<Case>('PUT', of(id), { body: words }),
  handOver: (id: string, email: string) => json<void>('POST', `${of(id)}/hand-over`, { body: { email }, idempotencyKey: newKey() }),
  remove: (id: string) => json<void>('DELETE', of(id)),
  ask: (id: string, by: { document: string; signer: string; reason: string; hours: number }) =>
    json<Opening>('POST', `${of(id)}/openings`, { body: by, idempotencyKey: newKey() }),
  change: (id: string, item: string, by: { part: Part; label: string; note: string }) => json<Case>('PUT', `${of(id)}/items/${part(item)}`, { body: by }),
  removeItem: (id: string, item: string) => json<Case>('DELETE', `${of(id)}/items/${part(item)}`),
  addNote: (id: string, note: Note) => json<Case>('POST', `${of(id)}/notes`, { body: note, idempotencyKey: newKey() }),
  removeNote: (id: string, note: string) => json<Case>('DELETE', `${of(id)}/notes/${part(note)}`),
  compare: (id: string) => json<Case>('POST', `${of(id)}/compare`),
  samples: (id: string) => json<{ samples: Sampled[] }>('GET', `${of(id)}/samples`),
  align: (id: string, questioned: string, reference: string, signal?: AbortSignal) =>
    json<Explanation>('GET', `${of(id)}/alignment?questioned=${part(questioned)}&reference=${part(reference)}`, { signal }),
  bring: async (id: string, file: File, by: { part: Part; label: string; note: string }, signal?: AbortSignal): Promise<Case> => {
    const query = new URLSearchParams({ ...by, filename: file.name });
    const response = await send('POST', `${of(id)}/items?${query}`, { body: new Blob([file], { type: 'application/octet-stream' }), signal });
    return (await response.json()) as Case;
  },
  exportURL: (id: string, item: string, format: ExportFormat) => `${of(id)}/items/${part(item)}/samples/${format}`,
  reportURL: (id: string, language: string) => `${of(id)}/report.pdf?language=${part(language)}`,
};
