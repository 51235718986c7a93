import { describe, expect, it } from 'vitest';
import { about, alongInk, apply, axis, costs, degreesOf, type Pair, pairsOf, partner, procrustes, reached, residual, scaleOf, strokeSpans, warpTimes } from './align.ts';
import { angle, distance } from './marks.ts';
import { type Signal, signalOf } from './signal.ts';
import { sampled } from './signal.test.ts';

const SHAPE: Pair[] = [[0, 0], [10, 0], [10, 4], [3, 7]];

// Turned by 90°, doubled, moved by (5, −2): (x, y) becomes (−2y + 5, 2x − 2).
const moved = SHAPE.map(([x, y]): Pair => [-2 * y + 5, 2 * x - 2]);

describe('Procrustes', () => {
  it('finds turn, scale and shift exactly', () => {
    const found = procrustes(SHAPE, moved, true);
    expect(degreesOf(found)).toBeCloseTo(90, 10);
    expect(scaleOf(found)).toBeCloseTo(2, 10);
    expect([found.dx, found.dy].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([5, -2]);
    expect(residual(found, SHAPE, moved)).toBeCloseTo(0, 10);
  });

  it('keeps the size where scaling is off', () => {
    const found = procrustes(SHAPE, moved, false);
    expect(degreesOf(found)).toBeCloseTo(90, 10);
    expect(scaleOf(found)).toBeCloseTo(1, 10);
    // What is left is the shape itself about its mean (5.75, 2.75):
    // 33.0625 + 7.5625, 18.0625 + 7.5625, 18.0625 + 1.5625, 7.5625 + 18.0625; mean 27.875.
    expect(residual(found, SHAPE, moved)).toBeCloseTo(Math.sqrt(27.875), 8);
  });

  it('is the best of its neighbours', () => {
    const noisy = moved.map(([x, y], i): Pair => [x + [0.3, -0.2, 0.1, 0.4][i]!, y + [-0.1, 0.5, 0.2, -0.3][i]!]);
    const best = procrustes(SHAPE, noisy, true);
    const least = residual(best, SHAPE, noisy);
    for (const change of [{ a: 0.01 }, { a: -0.01 }, { b: 0.01 }, { b: -0.01 }, { dx: 0.05 }, { dy: -0.05 }]) {
      const other = { ...best };
      for (const [key, by] of Object.entries(change)) other[key as 'a'] += by;
      expect(residual(other, SHAPE, noisy)).toBeGreaterThan(least);
    }
  });

  it('does not mirror, and stands nothing on nothing', () => {
    const mirrored = SHAPE.map(([x, y]): Pair => [-x, y]);
    const found = procrustes(SHAPE, mirrored, false);
    expect(found.a * found.a + found.b * found.b).toBeCloseTo(1, 10); // a turn: determinant 1
    expect(residual(found, SHAPE, mirrored)).toBeGreaterThan(1);
    expect(procrustes([], [], true)).toEqual({ a: 1, b: 0, dx: 0, dy: 0 });
    expect(procrustes([[1, 1], [1, 1]], [[4, 5], [4, 5]], true)).toEqual({ a: 1, b: 0, dx: 3, dy: 4 });
  });
});

it('turns and scales about a centre', () => {
  const [x, y] = apply(about(10, 20, 90, 2, 1, -1), 13, 20); // 3 to the right becomes 6 down
  expect([x, y].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([11, 25]);
});

const line = (rows: [number, number, boolean, boolean?][]): Signal => signalOf(sampled(rows.map(([t, x, down, start]) => [t * 1000, x * 10, 0, down, start])));

it('walks along the ink at equal steps, over strokes and not through the air', () => {
  // Two strokes of 10 mm and 20 mm: ten steps of 3 mm each.
  const signal = line([[0, 0, true, true], [10, 10, true], [20, 50, false], [30, 90, true, true], [40, 110, true]]);
  expect(alongInk(signal, 11).map(([x]) => Math.round(x))).toEqual([0, 3, 6, 9, 92, 95, 98, 101, 104, 107, 110]);
});

describe('times', () => {
  const one = line([[0, 0, true, true], [100, 10, true], [200, 20, false], [300, 30, true, true], [400, 40, true]]);

  it('as part of the whole, and stroke by stroke', () => {
    expect(axis(one, 'normalised')).toEqual([0, 25, 50, 75, 100]);
    expect(axis(one, 'stroke')).toEqual([1, 1.999, null, 2, 2.999]);
    expect(strokeSpans(one)).toEqual([[0, 1], [3, 4]]);
  });

  it('warped along a path: means where several belong together, between where none does', () => {
    const other = line([[0, 0, true, true], [50, 5, true], [100, 10, true], [150, 15, true], [200, 20, true]]);
    const path = [{ q: 0, r: 0, cost: 0 }, { q: 1, r: 0, cost: 1 }, { q: 1, r: 1, cost: 2 }, { q: 4, r: 3, cost: 0.5 }];
    // r0: (0 + 100)/2; r1: 100; r2: halfway in time from r1 (100) to r3 (400); r4: nowhere.
    expect(warpTimes(path, one, other)).toEqual([50, 100, 250, 400, null]);
    expect(costs(path, 5)).toEqual([0, 2, null, null, 0.5]);
    expect(partner(one, other, 3, 'warped', warpTimes(path, one, other))).toBe(2); // 250 ≤ 300 < 400
  });

  it('finds the partner of a sample', () => {
    const fast = line([[0, 0, true, true], [50, 10, true], [100, 20, false], [150, 30, true, true], [200, 40, true]]);
    expect(partner(one, fast, 1, 'raw')).toBe(2); // 100 ms
    expect(partner(one, fast, 1, 'normalised')).toBe(1); // a quarter
    expect(partner(one, fast, 4, 'stroke')).toBe(4);
    expect(partner(one, fast, -1, 'raw')).toBe(-1);
  });

  it('pairs by the ink where there is no alignment', () => {
    const { from, to } = pairsOf(one, one, undefined);
    expect(from).toHaveLength(200);
    expect(from).toEqual(to);
  });
});

it('measures distances and angles', () => {
  expect(distance({ x: 1, y: 2 }, { x: 4, y: 6 })).toBe(5);
  expect(angle({ x: 1, y: 0 }, { x: 0, y: 0 }, { x: 0, y: 5 })).toBeCloseTo(90, 10);
  expect(angle({ x: 1, y: 0 }, { x: 0, y: 0 }, { x: -1, y: 1 })).toBeCloseTo(135, 10);
  expect(angle({ x: 1, y: 0 }, { x: 0, y: 0 }, { x: 1, y: -1 })).toBeCloseTo(45, 10);
});

it('leaves the reference where it is while the pen is between two strokes', () => {
  const one = signalOf(sampled([[0, 0, 0, true, true], [10_000, 30, 40, true], [20_000, 40, 40, false], [30_000, 60, 80, true, true], [40_000, 90, 80, true]]));
  expect(partner(one, one, 2, 'stroke')).toBe(-1); // in the air it has no place
  expect([0, 1, 2, 3, 4].map((i) => reached(one, one, i, 'stroke'))).toEqual([0, 1, 1, 3, 4]);
  expect([0, 2, 4].map((i) => reached(one, one, i, 'raw'))).toEqual([0, 2, 4]);
});
