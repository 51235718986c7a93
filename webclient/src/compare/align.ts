// How two signatures are laid on each other: in the plane, and in time.
import type { Explanation } from './service.ts';
import { indexAt, type Signal } from './signal.ts';

// A similarity of the plane: (x, y) becomes (a·x − b·y + dx, b·x + a·y + dy).
export interface Similarity {
  a: number;
  b: number;
  dx: number;
  dy: number;
}

export const SAME: Similarity = { a: 1, b: 0, dx: 0, dy: 0 };

export function apply(s: Similarity, x: number, y: number): [number, number] {
  return [s.a * x - s.b * y + s.dx, s.b * x + s.a * y + s.dy];
}

// A turn by degrees and a scale about a centre, then a shift.
export function about(cx: number, cy: number, degrees: number, scale: number, dx: number, dy: number): Similarity {
  const a = scale * Math.cos((degrees * Math.PI) / 180);
  const b = scale * Math.sin((degrees * Math.PI) / 180);
  return { a, b, dx: cx - a * cx + b * cy + dx, dy: cy - b * cx - a * cy + dy };
}

export function degreesOf(s: Similarity): number {
  return (Math.atan2(s.b, s.a) * 180) / Math.PI;
}

export function scaleOf(s: Similarity): number {
  return Math.hypot(s.a, s.b);
}

export type Pair = [x: number, y: number];

// The similarity that takes `from` closest to `to` in the sense of least squares
// (Procrustes; Dryden and Mardia, Statistical Shape Analysis, 2016, section 4.1):
// in complex numbers about the means, the factor is Σ conj(z)·w / Σ |z|². Without
// `scaling` its length is set to 1. A mirror image is never used.
export function procrustes(from: Pair[], to: Pair[], scaling: boolean): Similarity {
  const n = Math.min(from.length, to.length);
  if (n === 0) return SAME;
  const mean = (points: Pair[], k: 0 | 1) => points.slice(0, n).reduce((sum, one) => sum + one[k], 0) / n;
  const [fx, fy, tx, ty] = [mean(from, 0), mean(from, 1), mean(to, 0), mean(to, 1)];
  let re = 0, im = 0, size = 0;
  for (let i = 0; i < n; i++) {
    const [zx, zy] = [from[i]![0] - fx, from[i]![1] - fy];
    const [wx, wy] = [to[i]![0] - tx, to[i]![1] - ty];
    re += zx * wx + zy * wy;
    im += zx * wy - zy * wx;
    size += zx * zx + zy * zy;
  }
  const length = Math.hypot(re, im);
  if (size === 0 || length === 0) return { ...SAME, dx: tx - fx, dy: ty - fy };
  const divide = scaling ? size : length;
  const [a, b] = [re / divide, im / divide];
  return { a, b, dx: tx - a * fx + b * fy, dy: ty - b * fx - a * fy };
}

// Root of the mean squared distance after the similarity, in the points' unit.
export function residual(s: Similarity, from: Pair[], to: Pair[]): number {
  const n = Math.min(from.length, to.length);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const [x, y] = apply(s, ...from[i]!);
    sum += (x - to[i]![0]) ** 2 + (y - to[i]![1]) ** 2;
  }
  return n > 0 ? Math.sqrt(sum / n) : 0;
}

// Points of the ink at equal steps along it, over all strokes.
export function alongInk(signal: Signal, count: number): Pair[] {
  const length: number[] = [];
  const at: number[] = [];
  let sum = 0;
  signal.down.forEach((down, i) => {
    if (!down) return;
    const before = at.at(-1);
    if (before !== undefined && before === i - 1 && !signal.start[i]) sum += Math.hypot(signal.x[i]! - signal.x[before]!, signal.y[i]! - signal.y[before]!);
    at.push(i);
    length.push(sum);
  });
  if (at.length === 0) return [];
  return Array.from({ length: count }, (_, k) => {
    const wanted = (sum * k) / Math.max(1, count - 1);
    const j = Math.max(0, indexAt(length, wanted));
    const [i, next] = [at[j]!, at[j + 1]];
    const step = (length[j + 1] ?? 0) - length[j]!;
    const part = next !== undefined && step > 0 ? (wanted - length[j]!) / step : 0;
    return [signal.x[i]! + part * ((signal.x[next ?? i]!) - signal.x[i]!), signal.y[i]! + part * ((signal.y[next ?? i]!) - signal.y[i]!)];
  });
}

export type Path = Explanation['path'];

// Pairs of points that belong together: along the alignment where there is one,
// else at equal steps along the ink.
export function pairsOf(questioned: Signal, reference: Signal, path: Path | undefined): { from: Pair[]; to: Pair[] } {
  const steps = path?.filter((one) => questioned.down[one.q] && reference.down[one.r]) ?? [];
  if (steps.length < 10) return { from: alongInk(reference, 200), to: alongInk(questioned, 200) };
  return { from: steps.map((one) => [reference.x[one.r]!, reference.y[one.r]!]), to: steps.map((one) => [questioned.x[one.q]!, questioned.y[one.q]!]) };
}

// How times are compared.
export type Timing = 'raw' | 'normalised' | 'stroke' | 'warped';

// Where each sample lies on the common axis: ms, percent of the whole, or number
// of the stroke and the part of it (in the air: nowhere). For a reference `warped`
// is the questioned signature's time at the samples that it is aligned with.
export function axis(signal: Signal, timing: Timing, warp?: (number | null)[]): (number | null)[] {
  if (timing === 'warped') return warp ?? signal.t;
  if (timing === 'raw') return signal.t;
  if (timing === 'normalised') {
    const end = signal.t.at(-1) || 1;
    return signal.t.map((t) => (100 * t) / end);
  }
  const spans = strokeSpans(signal);
  return signal.t.map((t, i) => {
    const span = spans[signal.stroke[i]!];
    if (!signal.down[i] || !span) return null;
    const [from, to] = [signal.t[span[0]]!, signal.t[span[1]]!];
    return signal.stroke[i]! + 1 + (to > from ? (t - from) / (to - from) : 0) * 0.999;
  });
}

// First and last sample of each stroke.
export function strokeSpans(signal: Signal): [number, number][] {
  const spans: [number, number][] = [];
  signal.down.forEach((down, i) => {
    if (!down) return;
    const span = spans[signal.stroke[i]!];
    if (span) span[1] = i;
    else spans[signal.stroke[i]!] = [i, i];
  });
  return spans;
}

// The questioned time of each reference sample: the mean over the steps of the
// path; samples between two steps lie between them, samples outside are nowhere.
export function warpTimes(path: Path, questioned: Signal, reference: Signal): (number | null)[] {
  const sum = new Float64Array(reference.t.length);
  const count = new Float64Array(reference.t.length);
  for (const { q, r } of path) {
    if (r >= sum.length || q >= questioned.t.length) continue;
    sum[r]! += questioned.t[q]!;
    count[r]! += 1;
  }
  const known: number[] = [];
  count.forEach((n, r) => n > 0 && known.push(r));
  return reference.t.map((t, r) => {
    if (count[r]! > 0) return sum[r]! / count[r]!;
    const j = indexAt(known, r);
    const [low, high] = [known[j], known[j + 1]];
    if (low === undefined || high === undefined) return null;
    const [from, to] = [sum[low]! / count[low]!, sum[high]! / count[high]!];
    const step = reference.t[high]! - reference.t[low]!;
    return step > 0 ? from + ((to - from) * (t - reference.t[low]!)) / step : from;
  });
}

// The sample of the reference that belongs to a sample of the questioned one.
export function partner(questioned: Signal, reference: Signal, i: number, timing: Timing, warp?: (number | null)[]): number {
  if (i < 0) return -1;
  if (timing === 'raw') return indexAt(reference.t, questioned.t[i]!);
  if (timing === 'normalised') return indexAt(reference.t, (questioned.t[i]! / (questioned.t.at(-1) || 1)) * (reference.t.at(-1) ?? 0));
  const [mine, others] = [axis(questioned, timing)[i], axis(reference, timing, warp)];
  if (mine == null) return -1;
  let best = -1;
  others.forEach((value, r) => {
    if (value != null && value <= mine + 1e-9) best = r;
  });
  return best;
}

// The last sample of the reference that a replay up to a sample of the questioned one
// has reached: where that sample has no place of its own, it has not gone back.
export function reached(questioned: Signal, reference: Signal, i: number, timing: Timing, warp?: (number | null)[]): number {
  const places = timing === 'stroke' ? axis(questioned, timing) : undefined;
  let at = i;
  while (places && at >= 0 && places[at] == null) at--;
  return partner(questioned, reference, at, timing, warp);
}

// The local cost at each sample of the questioned signature; 1 is what the
// references cost each other.
export function costs(path: Path, length: number): (number | null)[] {
  const worst: (number | null)[] = Array.from({ length }, () => null);
  for (const { q, cost } of path) if (q < length) worst[q] = Math.max(worst[q] ?? 0, cost);
  return worst;
}
