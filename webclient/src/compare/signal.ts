// What the plots show, derived from the samples as recorded. Units: ms, mm,
// full-scale pressure 0..1, mm/s, degrees. Where the device does not tell its
// scale, lengths are in position units instead, and `metric` is false.
import type { Sampled } from '../api.ts';

export interface Signal {
  metric: boolean;
  t: number[];
  x: number[]; // from the left edge of the ink
  y: number[]; // from its top edge, down
  p: number[];
  tilt: number[]; // away from upright
  speed: (number | null)[];
  acceleration: (number | null)[];
  down: boolean[];
  start: boolean[];
  width: number;
  height: number;
}

export function signalOf(sampled: Sampled): Signal {
  const { points, unitsPerMM } = sampled;
  const scale = unitsPerMM > 0 ? unitsPerMM : 1;
  const [left, right] = range(points.x, points.down);
  const [top, bottom] = range(points.y, points.down);
  const t = points.t.map((micros) => micros / 1000);
  const x = points.x.map((value) => (value - left) / scale);
  const y = points.y.map((value) => (value - top) / scale);
  const run = runs(points.down, points.start);
  const speed = slope(t, x, y, run);
  return {
    metric: unitsPerMM > 0,
    t, x, y, speed,
    p: points.p.map((value) => value / 65535),
    tilt: points.tiltX.map((value, i) => tiltAngle(value / 100, (points.tiltY[i] ?? 0) / 100)),
    acceleration: slope(t, speed, undefined, run, true),
    down: points.down,
    start: points.start,
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

export type ChannelName = 'x' | 'y' | 'p' | 'speed' | 'acceleration' | 'tilt';
export const CHANNELS: ChannelName[] = ['x', 'y', 'p', 'speed', 'acceleration', 'tilt'];

export function toCSV(sampled: Sampled): string {
  const { points } = sampled;
  const lines = points.t.map((t, i) => [t, points.x[i], points.y[i], points.p[i], points.tiltX[i], points.tiltY[i], points.down[i] ? 1 : 0, points.start[i] ? 1 : 0].join(','));
  return ['t_us,x,y,pressure,tilt_x_cdeg,tilt_y_cdeg,down,start', ...lines].join('\r\n') + '\r\n';
}
