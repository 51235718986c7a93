import { describe, expect, it } from 'vitest';
import type { Sampled } from '../api.ts';
import { indexAt, localFit, signalOf, tiltAngle } from './signal.ts';

export function sampled(rows: [number, number, number, boolean, boolean?][], unitsPerMM = 10): Sampled {
  const column = <T>(pick: (row: (typeof rows)[number]) => T) => rows.map(pick);
  return {
    item: 'a', unitsPerMM,
    device: { pointer: 'pen', unitsPerMM, nominalScale: false, sampleRate: 0, pressureLevels: 0, hasPressure: true, hasTilt: true, hasInAir: true, hasTime: true },
    points: {
      t: column((row) => row[0]), x: column((row) => row[1]), y: column((row) => row[2]), p: column(() => 65535),
      tiltX: column(() => 0), tiltY: column(() => 3000), down: column((row) => row[3]), start: column((row) => row[4] ?? false),
    },
  };
}

describe('signal', () => {
  it('measures from the ink, in mm and ms', () => {
    const signal = signalOf(sampled([[0, 0, 0, false], [10_000, 100, 50, true, true], [20_000, 130, 90, true]]));
    expect(signal.t).toEqual([0, 10, 20]);
    expect(signal.x).toEqual([-10, 0, 3]);
    expect([signal.width, signal.height]).toEqual([3, 4]);
  });

  it('has speeds that do not cross a lift of the pen', () => {
    // 3-4-5: 5 mm in 10 ms is 500 mm/s, in both strokes; the leap between them is 100 mm.
    const signal = signalOf(sampled([[0, 0, 0, true, true], [10_000, 30, 40, true], [20_000, 1030, 40, true, true], [30_000, 1060, 80, true]]));
    expect(signal.speed).toEqual([500, 500, 500, 500]);
    expect(signal.acceleration).toEqual([0, 0, 0, 0]);
  });

  it('numbers strokes, and derives the jerk from the acceleration', () => {
    // x = t³ in units of 0.1 mm and 10 ms: differences of a cubic. Speed by central
    // differences at samples 1..4 is ((i+1)³ − (i−1)³)/2 · 10 mm/s = (3i² + 1) · 10.
    const signal = signalOf(sampled([0, 1, 2, 3, 4, 5, 6].map((i) => [i * 10_000, i ** 3, 0, true, i === 0])));
    expect(signal.speed.slice(1, 6).map((value) => Math.round(value!))).toEqual([40, 130, 280, 490, 760]);
    // Acceleration at 2..4: (speed difference) / 20 ms = 12·i·... (280 − 40) / 0.02 = 12000.
    expect(signal.acceleration.slice(2, 5).map((value) => Math.round(value!))).toEqual([12000, 18000, 24000]);
    // Jerk at 3: (24000 − 12000) / 0.02.
    expect(Math.round(signal.jerk[3]!)).toBe(600_000);
    const two = signalOf(sampled([[0, 0, 0, true, true], [10_000, 1, 0, true], [20_000, 1, 0, false], [30_000, 5, 0, true, true], [40_000, 6, 0, true, true]]));
    expect(two.stroke).toEqual([0, 0, 0, 1, 2]);
  });

  it('has no speed where two samples share a time', () => {
    expect(signalOf(sampled([[0, 0, 0, true, true], [0, 30, 40, true]])).speed).toEqual([null, null]);
  });

  it('says when lengths are not metric', () => {
    const signal = signalOf(sampled([[0, 5, 5, true, true], [10_000, 35, 45, true]], 0));
    expect(signal.metric).toBe(false);
    expect(signal.width).toBe(30);
  });
});

it('tilt away from upright', () => {
  expect(tiltAngle(0, 0)).toBe(0);
  expect(tiltAngle(30, 0)).toBeCloseTo(30, 10);
  // Two tilts of 45 degrees: tan = sqrt 2.
  expect(tiltAngle(45, 45)).toBeCloseTo(54.7356, 4);
});

it.each([[-1, -1], [0, 0], [9.99, 0], [10, 1], [99, 2]])('the sample at %d ms', (time, index) => {
  expect(indexAt([0, 10, 20], time)).toBe(index);
});

describe('the filter', () => {
  const t = [0, 10, 21, 30, 44, 50, 61, 70];
  const run = t.map(() => 1);

  it('keeps a parabola as it is, at uneven times', () => {
    const values = t.map((one) => 3 + 0.2 * one - 0.01 * one * one);
    localFit(t, values, run).forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 8));
  });

  it('weighs seven even samples as Savitzky and Golay do', () => {
    // Their table for a parabola and seven points: (−2, 3, 6, 7, 6, 3, −2) / 21.
    const even = [0, 10, 20, 30, 40, 50, 60];
    expect(localFit(even, [0, 0, 0, 1, 0, 0, 0], even.map(() => 0))[3]).toBeCloseTo(7 / 21, 10);
    expect(localFit(even, [0, 0, 1, 0, 0, 0, 0], even.map(() => 0))[3]).toBeCloseTo(6 / 21, 10);
    expect(localFit(even, [1, 0, 0, 0, 0, 0, 0], even.map(() => 0))[3]).toBeCloseTo(-2 / 21, 10);
  });

  it('does not look across a lift of the pen', () => {
    expect(localFit([0, 10, 20, 30], [0, 0, 100, 100], [0, 0, 1, 1])).toEqual([0, 0, 100, 100]);
  });
});
