// A case for the investigator's page, made from the synthetic signatures.
import { createHash } from 'node:crypto';
import type { Comparison, Device, Quality, Sampled } from '../../src/api.ts';
import type { Case, Explanation, Item, Opening, Part } from '../../src/compare/service.ts';
import { UNITS_PER_MM } from '../../src/ink/point.ts';
import { readSignature } from '../browser.ts';

export const CASE = 'c'.repeat(32);
export const device: Device = { pointer: 'pen', unitsPerMM: UNITS_PER_MM, nominalScale: true, sampleRate: 200, pressureLevels: 431, hasPressure: true, hasTilt: true, hasInAir: true, hasTime: true };

const id = (i: number) => `${i}`.padStart(32, '0');

export function sampled(name: string, i: number, times = 1): Sampled {
  const samples = readSignature(name);
  const first = samples[0]!.time;
  const end = samples.at(-1)!.time - first + 5;
  const width = Math.max(...samples.map((one) => one.x)) + 10;
  const all = Array.from({ length: times }, (_, k) => samples.map((one) => ({ ...one, time: one.time - first + k * end, x: one.x + k * width }))).flat();
  return {
    item: id(i), unitsPerMM: UNITS_PER_MM, device,
    points: {
      t: all.map((one) => Math.round(one.time * 1000)),
      x: all.map((one) => Math.round(one.x * 100)), y: all.map((one) => Math.round(one.y * 100)),
      p: all.map((one) => Math.round(one.pressure * 65535)),
      tiltX: all.map((one) => Math.round(one.tiltX * 100)), tiltY: all.map((one) => Math.round(one.tiltY * 100)),
      down: all.map((one) => one.down), start: all.map((one, n) => one.down && !all[n - 1]?.down),
    },
  };
}

const quality: Quality = {
  points: 619, durationMs: 3090, strokes: 5, rateHz: 200, jitterMs: 0.11, longestGapMs: 5.2, clockRepeats: 0, clockBackwards: 0,
  pressureLevels: 431, complexity: 9.4, pathMm: 312.4,
};

const version = { name: 'dtw-channels', number: '3f2a9c1b77de', made: '2026-11-20', corpus: ['svc2004-task2'] };

const comparison: Comparison = {
  method: 'dtw', model: version, calibration: version, score: -0.731,
  class: { pressure: true, pointer: 'pen', references: 5, calibrated: true },
  likelihoodRatio: {
    log: 6.1, low: 4.4, high: 8.2, clamped: false, verbal: { code: 'moderately-strong-support-same', text: '' },
    hypothesisSame: 'The writer of the reference signatures wrote the questioned signature in their usual way.',
    hypothesisDifferent: 'Another person wrote the questioned signature, having practised to imitate the writer of the reference signatures.',
  },
  decision: { outcome: 'accept', acceptAbove: 2.3, rejectBelow: -2.3 },
  quality, problems: [{ code: 'varied', severity: 'warning', text: 'The references vary more than those of most people.', index: -1 }],
  explanation: {
    reference: 2, channels: [], stretches: [], path: [],
    features: [
      { feature: 'log-duration', unit: 'ln s', questioned: 1.13, mean: 1.11, spread: 0.04, z: 0.6 },
      { feature: 'mean-p', unit: 'full scale', questioned: 0.61, mean: 0.44, spread: 0.06, z: 2.8 },
    ],
  },
};

// A straight alignment: the same part of both.
export function explanation(one: Sampled, other: Sampled): Explanation {
  const [n, m] = [one.points.t.length, other.points.t.length];
  return {
    reference: 0, features: [],
    channels: [{ channel: 'x', cost: 0.8 }, { channel: 'y', cost: 1.1 }, { channel: 'p', cost: 2.4 }],
    stretches: [{ from: 100, to: 180, cost: 2.2, supports: 'different' }, { from: 200, to: 320, cost: 0.6, supports: 'same' }],
    path: Array.from({ length: Math.max(n, m) }, (_, k) => ({ q: Math.floor((k * n) / Math.max(n, m)), r: Math.floor((k * m) / Math.max(n, m)), cost: 1 + Math.sin(k / 40) })),
  };
}

function item(i: number, part: Part, label: string): Item {
  return {
    id: id(i), part, label, origin: 'deposit', note: '', name: 'Chloé Martin', title: 'Rental agreement', document: '1'.repeat(32), signer: '2'.repeat(32),
    signedAt: `2026-11-2${i % 10}T10:00:00Z`, addedAt: '2026-11-28T09:00:00Z', readable: true, until: '2026-12-28T09:00:00Z', sha256: createHash('sha256').update(label).digest('hex'),
    device, quality, problems: [],
  };
}

export const opening: Opening = {
  id: '5'.repeat(32), state: 'asked', case: CASE, dispute: '2026-17', document: '1'.repeat(32), title: 'Rental agreement', signer: '2'.repeat(32), name: 'Chloé Martin',
  askedBy: 'Ivan Petit', mine: false, reason: 'She says that she was abroad and did not sign.', hours: 24, askedAt: '2026-11-28T08:00:00Z', endsAt: '2026-12-05T08:00:00Z',
};

export function emptyCase(): Case {
  return {
    id: CASE, version: 1, reference: '2026-17', question: 'Did Chloé Martin write the signature on the lease of 12 March?', parties: 'She says that she was abroad.\nThe landlord says that she signed in his office.',
    createdAt: '2026-11-28T08:00:00Z', changedAt: '2026-11-28T08:00:00Z', keepUntil: '2027-11-28T08:00:00Z', items: [], openings: [], runs: [], notes: [],
    custody: [{ seq: 1, at: '2026-11-28T08:00:00Z', kind: 'case.created', by: 'Ada Durand', hash: 'ab'.repeat(32) }],
  };
}

export function fullCase(references = 5): Case {
  const of = emptyCase();
  const file: Item = {
    ...item(8, 'questioned', 'Q2'), origin: 'container', note: 'Clé USB, Me Durand, 2026-03-03', filename: 'lease.asice', format: 'asice', title: undefined, document: undefined,
    checks: { kind: 'deposit', checks: [
      { code: 'deposit.structure', status: 'holds', part: 'container', text: 'The container’s structure is intact in every byte.' },
      { code: 'deposit.trust.roots', status: 'unknown', part: 'data/validation/roots.pem', text: 'No roots were given, so the ones inside the deposit are used.' },
      { code: 'deposit.file.changed', status: 'fails', part: 'data/contract-signed.pdf', text: 'The file does not match its checksum: it is damaged or was changed.' },
    ] },
  };
  const first: Item = { ...item(9, 'questioned', 'Q1'), timeline: {
    pen: { method: 'clock-exchanges', firstMicros: 2_100_000, lastMicros: 5_200_000, uncertaintyMicros: 600 },
    media: [{ track: 'video', segment: 1, method: 'sender-reports', codec: 'VP8', firstMicros: 120_000, lastMicros: 6_000_000, uncertaintyMicros: 20_000, frames: 147 }],
    fileStartMicros: 120_000, notes: [],
  } };
  of.items = [first, file, ...Array.from({ length: references }, (_, k) => item(10 + k, 'reference', `K${k + 1}`))];
  of.items[3]!.device = { ...device, pointer: 'touch', hasPressure: false };
  of.openings = [{ ...opening, state: 'open', mine: true, askedBy: 'Ada Durand', decidedBy: 'Ben Roy', decidedAt: '2026-11-28T08:30:00Z', openedAt: '2026-11-28T09:00:00Z', endsAt: '2026-12-28T09:00:00Z' }];
  of.runs = [{ id: 'r'.repeat(32), at: '2026-11-28T10:00:00Z', by: 'Ada Durand', references: of.items.slice(2).map((one) => ({ item: one.id, sha256: one.sha256 })),
    results: [{ item: first.id, sha256: first.sha256, comparison }, { item: file.id, sha256: file.sha256, trouble: 'It has 12 points, at least 20 are needed (too-short).', troubleCode: 'too-short' }] }];
  of.notes = [{ id: 'n1', item: first.id, x: 20, y: 8, text: 'The pen stops here.', at: '2026-11-28T10:05:00Z' }];
  of.custody.push(
    { seq: 2, at: '2026-11-28T08:01:00Z', kind: 'evidence.asked', by: 'Ada Durand', detail: { detail: 'She says that she was abroad.' }, hash: 'cd'.repeat(32) },
    { seq: 3, at: '2026-11-28T09:00:00Z', kind: 'evidence.opened', by: 'Ada Durand', detail: { detail: 'She says that she was abroad.' }, hash: 'ef'.repeat(32) },
    { seq: 4, at: '2026-11-28T10:00:00Z', kind: 'case.compared', by: 'Ada Durand', detail: { model: '3f2a9c1b77de' }, hash: '12'.repeat(32) },
  );
  return of;
}

export function fullSamples(references = 5, times = 1): Sampled[] {
  return [sampled('w1-genuine-06', 9, times), sampled('w1-forgery-01', 8, times), ...Array.from({ length: references }, (_, k) => sampled(`w1-genuine-0${(k % 5) + 1}`, 10 + k, times))];
}
