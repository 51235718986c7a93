// Plain figures of one signature, and of one against several. They are for the
// eye of an examiner; the score has its own features, which the service gives.
import { comparable, type Signal } from './signal.ts';

export type StatisticName =
  | 'duration' | 'air' | 'strokes' | 'path' | 'width' | 'height' | 'meanSpeed' | 'topSpeed'
  | 'meanAcceleration' | 'rmsJerk' | 'meanPressure' | 'spreadPressure' | 'meanTilt' | 'pauses';

export const STATISTICS: StatisticName[] = [
  'duration', 'air', 'strokes', 'path', 'width', 'height', 'meanSpeed', 'topSpeed', 'meanAcceleration', 'rmsJerk', 'meanPressure', 'spreadPressure', 'meanTilt', 'pauses',
];

// In a unit of length: they compare where both scales are known.
export const LENGTHS: readonly StatisticName[] = ['path', 'width', 'height', 'meanSpeed', 'topSpeed', 'meanAcceleration', 'rmsJerk'];

const PAUSE_MS = 60; // standing still on paper for longer is a pause
const STILL = 0.02; // part of the top speed below which the pen stands still

export function mean(values: number[]): number | null {
  return values.length > 0 ? values.reduce((sum, one) => sum + one, 0) / values.length : null;
}

const ROUNDING = 1e-12; // part of the mean by which equal figures differ when they are added up

// Of a sample: divided by n − 1.
export function deviation(values: number[]): number | null {
  const middle = mean(values);
  if (middle === null || values.length < 2) return null;
  const spread = Math.sqrt(values.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (values.length - 1));
  return spread > ROUNDING * Math.abs(middle) ? spread : 0;
}

export function statisticsOf(signal: Signal): Record<StatisticName, number | null> {
  const ink = <T>(values: (T | null)[]): T[] => values.filter((value, i): value is T => value !== null && signal.down[i]!);
  const speed = ink(signal.speed);
  const pressure = ink(signal.p);
  const top = speed.length > 0 ? speed.reduce((a, b) => Math.max(a, b), 0) : null;
  const jerk = ink(signal.jerk);
  let path = 0;
  let air = 0;
  let pauses = 0;
  let still = 0;
  // From the first point on paper to the last: how the pen came and left is no writing.
  const first = signal.down.indexOf(true);
  const last = signal.down.lastIndexOf(true);
  for (let i = first + 1; i <= last; i++) {
    const dt = signal.t[i]! - signal.t[i - 1]!;
    if (!signal.down[i] || !signal.down[i - 1] || signal.start[i]) {
      air += dt;
      still = 0;
      continue;
    }
    path += Math.hypot(signal.x[i]! - signal.x[i - 1]!, signal.y[i]! - signal.y[i - 1]!);
    const before = still;
    still = top !== null && (signal.speed[i] ?? 0) < STILL * top ? still + dt : 0;
    if (before < PAUSE_MS && still >= PAUSE_MS) pauses++;
  }
  const lasted = first < 0 ? 0 : signal.t[last]! - signal.t[first]!;
  return {
    duration: lasted / 1000,
    air: lasted > 0 ? (100 * air) / lasted : null,
    strokes: signal.down.some(Boolean) ? signal.stroke.at(-1)! + 1 : 0,
    path, width: signal.width, height: signal.height,
    meanSpeed: mean(speed), topSpeed: top,
    meanAcceleration: mean(ink(signal.acceleration).map(Math.abs)),
    rmsJerk: jerk.length > 0 ? Math.sqrt(mean(jerk.map((one) => one * one))!) : null,
    meanPressure: mean(pressure), spreadPressure: deviation(pressure),
    meanTilt: mean(ink(signal.tilt)),
    pauses,
  };
}

export interface Against {
  name: StatisticName;
  questioned: number | null;
  mean: number | null; // of the references
  spread: number | null;
  z: number | null; // none of a length without a scale, with fewer than two references, or where they do not vary
}

export function against(questioned: Signal, references: Signal[]): Against[] {
  const mine = statisticsOf(questioned);
  const others = references.map(statisticsOf);
  return STATISTICS.map((name) => {
    const compared = LENGTHS.includes(name) ? others.filter((_, i) => comparable(questioned, references[i]!)) : others;
    const values = compared.map((one) => one[name]).filter((value) => value !== null);
    const [middle, spread, value] = [mean(values), deviation(values), mine[name]];
    return { name, questioned: value, mean: middle, spread, z: value !== null && middle !== null && spread ? (value - middle) / spread : null };
  });
}
