// Evidence for the investigator's page, made from the synthetic signatures.
import type { Comparison, Investigation, Quality, Sampled } from '../../src/api.ts';
import { UNITS_PER_MM } from '../../src/ink/point.ts';
import { readSignature } from '../browser.ts';

function sampled(name: string, label: Sampled['label'], i: number): Sampled {
  const samples = readSignature(name);
  const first = samples[0]!.time;
  return {
    id: `${i}`.padStart(32, '0'), label, at: `2026-11-2${i}T10:00:00Z`, unitsPerMM: UNITS_PER_MM,
    device: { pointer: 'pen', nominalScale: true, hasPressure: true, hasTilt: true, hasInAir: true },
    points: {
      t: samples.map((one) => Math.round((one.time - first) * 1000)),
      x: samples.map((one) => Math.round(one.x * 100)), y: samples.map((one) => Math.round(one.y * 100)),
      p: samples.map((one) => Math.round(one.pressure * 65535)),
      tiltX: samples.map((one) => Math.round(one.tiltX * 100)), tiltY: samples.map((one) => Math.round(one.tiltY * 100)),
      down: samples.map((one) => one.down), start: samples.map((one, n) => one.down && !samples[n - 1]?.down),
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
  quality, problems: [{ code: 'varied', severity: 'warning', text: 'The references vary more than those of most people.' }],
  explanation: {
    reference: 2, channels: [], stretches: [], path: [],
    features: [
      { feature: 'duration', unit: 's', questioned: 3.09, mean: 3.02, spread: 0.11, z: 0.6 },
      { feature: 'mean pressure', unit: '', questioned: 0.61, mean: 0.44, spread: 0.06, z: 2.8 },
    ],
  },
};

export const evidence: Investigation = {
  title: 'Rental agreement', signer: 'Chloé Martin', signedAt: '2026-11-23T19:00:00Z',
  questioned: sampled('w1-genuine-06', 'questioned', 9),
  references: [1, 2, 3, 4, 5].map((n) => sampled(`w1-genuine-0${n}`, 'reference', n)),
  comparison, quality,
  timeline: {
    pen: { method: 'clock-exchanges', firstMicros: 2_100_000, lastMicros: 5_200_000, uncertaintyMicros: 600 },
    media: [{ track: 'video', segment: 1, method: 'sender-reports', codec: 'VP8', firstMicros: 120_000, lastMicros: 6_000_000, uncertaintyMicros: 20_000, frames: 147 }],
    fileStartMicros: 120_000, notes: ['A camera’s own delay is not measured.'],
  },
  hashes: { document: 'a'.repeat(64), signed: 'b'.repeat(64), deposit: 'c'.repeat(64), files: { 'pen.bin': 'd'.repeat(64), 'video.webm': 'e'.repeat(64) } },
};
