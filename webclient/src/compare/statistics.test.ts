import { describe, expect, it } from 'vitest';
import { signalOf } from './signal.ts';
import { sampled } from './signal.test.ts';
import { against, deviation, mean, statisticsOf } from './statistics.ts';

// 3-4-5 triangles: 5 mm in 10 ms, twice; then 20 ms of air; then one more step.
const base = signalOf(sampled([[0, 0, 0, true, true], [10_000, 30, 40, true], [20_000, 60, 80, true], [40_000, 100, 0, false], [50_000, 100, 0, true, true], [60_000, 130, 40, true]]));

it('means and standard deviations of a sample', () => {
  expect(mean([2, 4, 4, 4, 5, 5, 7, 9])).toBe(5);
  // Squares about 5: 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32; 32 / 7.
  expect(deviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
  expect([mean([]), deviation([3])]).toEqual([null, null]);
});

describe('statistics', () => {
  it('of one signature', () => {
    const found = statisticsOf(base);
    expect(found.duration).toBe(0.06);
    expect(found.strokes).toBe(2);
    expect(found.path).toBeCloseTo(15, 10); // three steps of 5 mm
    expect(found.air).toBeCloseTo((100 * 30) / 60, 10); // from 20 to 50 ms
    expect(found.meanSpeed).toBeCloseTo(500, 10);
    expect(found.topSpeed).toBeCloseTo(500, 10);
    expect(found.meanPressure).toBe(1);
    expect(found.spreadPressure).toBe(0);
    expect([found.width, found.height]).toEqual([13, 8]);
  });

  it('begins with the first point on paper and ends with the last', () => {
    const rows: [number, number, number, boolean, boolean?][] = [[0, 500, 500, false], [700_000, 0, 10, false], [900_000, 0, 0, true, true], [910_000, 30, 40, true], [930_000, 40, 40, false], [950_000, 60, 80, true, true], [960_000, 90, 120, true], [970_000, 90, 120, false], [2_000_000, 900, 900, false]];
    const found = statisticsOf(signalOf(sampled(rows)));
    expect(found.duration).toBe(0.06);
    expect(found.air).toBeCloseTo((100 * 40) / 60, 10);
    expect([found.path, found.width, found.height]).toEqual([expect.closeTo(10, 10), 9, 12]);
  });

  it('counts a pause once, however long', () => {
    const rows: [number, number, number, boolean, boolean?][] = [[0, 0, 0, true, true]];
    for (let i = 1; i <= 10; i++) rows.push([i * 10_000, 100 * i, 0, true]);
    for (let i = 11; i <= 40; i++) rows.push([i * 10_000, 1000, 0, true]); // 300 ms still
    for (let i = 41; i <= 50; i++) rows.push([i * 10_000, 1000 + 100 * (i - 40), 0, true]);
    expect(statisticsOf(signalOf(sampled(rows))).pauses).toBe(1);
    expect(statisticsOf(base).pauses).toBe(0);
  });

  it('against references', () => {
    // Widths of 10, 12 and 14 mm: mean 12, deviation 2; a questioned one of 17 is z 2.5.
    const wide = (mm: number) => signalOf(sampled([[0, 0, 0, true, true], [10_000, mm * 10, 0, true]]));
    const row = against(wide(17), [wide(10), wide(12), wide(14)]).find((one) => one.name === 'width')!;
    expect(row).toEqual({ name: 'width', questioned: 17, mean: 12, spread: 2, z: 2.5 });
    // All of one duration: no spread, so no z.
    expect(against(wide(17), [wide(10), wide(12)]).find((one) => one.name === 'duration')!.z).toBeNull();
    expect(against(wide(17), [wide(10)]).every((one) => one.z === null)).toBe(true);
  });

  it('leaves signatures without a scale out where lengths are compared', () => {
    const wide = (mm: number, unitsPerMM = 10) => signalOf(sampled([[0, 0, 0, true, true], [10_000 + mm * 100, mm * 10, 0, true]], unitsPerMM));
    const references = [wide(10), wide(12), wide(14), wide(1000, 0)];
    const of = (questioned: ReturnType<typeof wide>, name: string) => against(questioned, references).find((one) => one.name === name)!;
    expect(of(wide(17), 'width')).toEqual({ name: 'width', questioned: 17, mean: 12, spread: 2, z: 2.5 });
    expect(of(wide(17), 'duration').mean).toBeCloseTo(0.0359, 10); // of all four
    expect(of(wide(17, 0), 'width')).toEqual({ name: 'width', questioned: 170, mean: null, spread: null, z: null });
    expect(of(wide(17, 0), 'duration').z).not.toBeNull();
  });
});

it('takes the rounding of equal figures for no spread', () => {
  // A mouse tells no pressure: half of full scale, whatever the number of samples.
  const flat = (n: number) => {
    const one = signalOf(sampled(Array.from({ length: n }, (_, i): [number, number, number, boolean, boolean?] => [i * 8000, 10 * i, i % 7, true, i === 0])));
    return { ...one, p: one.p.map(() => 0.1) };
  };
  const rows = against(flat(57), [flat(40), flat(63), flat(81), flat(90)]);
  for (const name of ['meanPressure', 'spreadPressure'] as const) expect(rows.find((row) => row.name === name)!.z, name).toBeNull();
});

it('counts the strokes of a recording of any length', () => {
  const n = 200_000;
  const one = signalOf(sampled([[0, 0, 0, true, true], [10_000, 30, 40, true]]));
  const many = <T>(value: T) => Array.from({ length: n }, () => value);
  const long = { ...one, t: Array.from({ length: n }, (_, i) => i), x: many(0), y: many(0), p: many(0.5), tilt: many(0), speed: many<number | null>(null), acceleration: many<number | null>(null), jerk: many<number | null>(null), down: many(true), start: many(false), stroke: many(2) };
  expect(statisticsOf(long).strokes).toBe(3);
});
