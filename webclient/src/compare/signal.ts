// What the plots show, derived from the samples as recorded. Units: ms, mm,
// full-scale pressure 0..1, mm/s, mm/s², mm/s³, degrees. Where the device does not
// tell its scale, lengths are in position units instead, and `metric` is false.
import type { Sampled } from '../api.ts';

export interface Signal {
  metric: boolean;
  t: number[];
  x: number[]; // from the left edge of the ink
  y: number[]; // from its top edge, down
  p: number[];
  tilt: number[]; // away from upright
  speed: (number | null)[];
  acceleration: (number | null)[]; // along the path
  jerk: (number | null)[];
  down: boolean[];
  start: boolean[];
  stroke: number[]; // number of the stroke, from 0; in the air that of the stroke before
  width: number;
  height: number;
}

const HALF = 3; // samples on each side that the filter looks at

export function signalOf(sampled: Sampled, filtered = false): Signal {
  const { points, unitsPerMM } = sampled;
  const scale = unitsPerMM > 0 ? unitsPerMM : 1;
  const [left, right] = range(points.x, points.down);
  const [top, bottom] = range(points.y, points.down);
  const t = points.t.map((micros) => micros / 1000);
  const run = runs(points.down, points.start);
  const smooth = (values: number[]) => (filtered ? localFit(t, values, run) : values);
  const x = smooth(points.x.map((value) => (value - left) / scale));
  const y = smooth(points.y.map((value) => (value - top) / scale));
  const speed = slope(t, x, y, run);
  const acceleration = slope(t, speed, undefined, run, true);
  return {
    metric: unitsPerMM > 0,
    t, x, y, speed, acceleration,
    jerk: slope(t, acceleration, undefined, run, true),
    p: smooth(points.p.map((value) => value / 65535)),
    tilt: points.tiltX.map((value, i) => tiltAngle(value / 100, (points.tiltY[i] ?? 0) / 100)),
    down: points.down,
    start: points.start,
    stroke: strokes(points.down, points.start),
    width: (right - left) / scale,
    height: (bottom - top) / scale,
  };
}

// The extent of the ink; of everything where nothing touched.
function range(values: number[], down: boolean[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  const any = down.some(Boolean);
  values.forEach((value, i) => {
    if (any && !down[i]) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  });
  return low <= high ? [low, high] : [0, 0];
}

// Numbers each sample by its run of equal contact; derivatives do not cross runs.
function runs(down: boolean[], start: boolean[]): number[] {
  let run = 0;
  return down.map((touching, i) => {
    if (i > 0 && (touching !== down[i - 1] || start[i])) run++;
    return run;
  });
}

function strokes(down: boolean[], start: boolean[]): number[] {
  let stroke = -1;
  return down.map((touching, i) => {
    if (touching && (start[i] || stroke < 0 || !down[i - 1])) stroke++;
    return Math.max(0, stroke);
  });
}

// Central differences per second, within a run; one-sided at its ends. `signed`
// keeps the sign (of one channel), otherwise the length of the vector is taken.
function slope(t: number[], a: (number | null)[], b: number[] | undefined, run: number[], signed = false): (number | null)[] {
  return t.map((_, i) => {
    const before = i > 0 && run[i - 1] === run[i] ? i - 1 : i;
    const after = i + 1 < t.length && run[i + 1] === run[i] ? i + 1 : i;
    const dt = ((t[after] ?? 0) - (t[before] ?? 0)) / 1000;
    const [from, to] = [a[before], a[after]];
    if (dt <= 0 || from == null || to == null) return null;
    const db = b ? (b[after] ?? 0) - (b[before] ?? 0) : 0;
    return signed ? (to - from) / dt : Math.hypot(to - from, db) / dt;
  });
}

// Least squares of a parabola over HALF samples on each side within a run, by
// their real times, read at the sample (Savitzky and Golay 1964, for uneven steps).
// Fewer than four samples are left as they are.
export function localFit(t: number[], values: number[], run: number[]): number[] {
  return values.map((value, i) => {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, v0 = 0, v1 = 0, v2 = 0;
    for (let j = Math.max(0, i - HALF); j <= Math.min(values.length - 1, i + HALF); j++) {
      if (run[j] !== run[i]) continue;
      const d = (t[j]! - t[i]!) / 10; // in tens of ms, so that the sums are of one size
      const v = values[j]!;
      s0++; s1 += d; s2 += d * d; s3 += d ** 3; s4 += d ** 4;
      v0 += v; v1 += v * d; v2 += v * d * d;
    }
    // Cramer's rule for the constant of a + b·d + c·d².
    const minor = s2 * s4 - s3 * s3;
    const det = s0 * minor - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2);
    if (s0 < 4 || Math.abs(det) < 1e-9) return value;
    return (v0 * minor - s1 * (v1 * s4 - v2 * s3) + s2 * (v1 * s3 - v2 * s2)) / det;
  });
}

// The pen's angle from upright, from its tilts in two planes.
export function tiltAngle(tiltX: number, tiltY: number): number {
  const tan = (degrees: number) => Math.tan((Math.min(89.9, Math.abs(degrees)) * Math.PI) / 180);
  return (Math.atan(Math.hypot(tan(tiltX), tan(tiltY))) * 180) / Math.PI;
}

// Index of the last sample not later than a time in ms; -1 before the first.
export function indexAt(t: number[], time: number): number {
  let low = 0;
  let high = t.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((t[middle] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// Lengths compare where both scales are known, and not by chance: units of two devices
// are two units.
export const comparable = (one: Signal, other: Signal): boolean => one.metric && other.metric;

// Channels that are lengths, or lengths over time.
export const hasLength = (name: string): boolean => ['x', 'y', 'speed', 'acceleration', 'jerk'].includes(name);

export type ChannelName = 'x' | 'y' | 'p' | 'speed' | 'acceleration' | 'jerk' | 'tilt';
export const CHANNELS: ChannelName[] = ['x', 'y', 'p', 'speed', 'acceleration', 'jerk', 'tilt'];
