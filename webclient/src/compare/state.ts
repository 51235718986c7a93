// What the investigator looks at, and how.
import { batch, computed, signal } from '@preact/signals';
import { type Comparison, Problem, type Sampled } from '../api.ts';
import { about, axis, costs, pairsOf, partner, procrustes, reached, residual, SAME, type Similarity, type Timing, warpTimes } from './align.ts';
import type { Colouring } from './draw.ts';
import { type Case, disputes, type Explanation, type Item, type Run } from './service.ts';
import { later } from './later.ts';
import { place } from './place.ts';
import { comparable, hasLength, indexAt, type Signal, signalOf } from './signal.ts';

export const shown = signal<Case | undefined>(undefined);
export const samples = signal<ReadonlyMap<string, Sampled>>(new Map());

// Takes the newest state of the case that is on the screen. An answer about another one,
// or an older state, comes too late to be shown: false.
export function take(next: Case): boolean {
  const at = place.peek();
  if (at.at !== 'case' || at.id !== next.id) return false;
  const before = shown.peek();
  if (before?.id === next.id && before.version > next.version) return false;
  shown.value = next;
  return true;
}

// For a case that somebody leaves: its signatures are in no memory any more, and nothing
// of how they were looked at is in the way of the next one.
export function putAway(): void {
  batch(() => {
    playing.value = false;
    shown.value = undefined;
    samples.value = new Map();
    alignment.value = undefined;
    chosenQuestioned.value = chosenReference.value = chosenRun.value = '';
    view.value = FITTED;
    manual.value = UNMOVED;
    seek(Infinity);
  });
  alignments.clear();
  loadedFor = undefined;
}

export async function reload(): Promise<void> {
  const id = shown.value?.id;
  if (id) take(await disputes.get(id));
}

// Which samples are loaded; another state of the case needs them anew.
const keyOf = (one: Case | undefined) => one && `${one.id} ${one.items.filter((item) => item.readable).map((item) => item.id).join(' ')}`;
let loadedFor: string | undefined;

export async function loadSamples(): Promise<void> {
  const of = shown.value;
  const key = keyOf(of);
  if (!of || key === loadedFor) return;
  const answer = await disputes.samples(of.id);
  if (shown.value?.id !== of.id) return; // another case is open by now
  if (keyOf(shown.value) !== key) return loadSamples();
  loadedFor = key;
  samples.value = new Map(answer.samples.map((one) => [one.item, one]));
  // Filtered ones are ready before somebody asks for them, all at once.
  for (const { item } of answer.samples) later({}, () => void signalFor(item, true));
}

export const chosenQuestioned = signal('');
export const chosenReference = signal('');
const filterOn = (part: Item['part']) => computed(() => shown.value?.items.filter((item) => item.part === part && samples.value.has(item.id)) ?? []);
export const questionedItems = filterOn('questioned');
export const referenceItems = filterOn('reference');
const pick = (all: Item[], id: string) => all.find((item) => item.id === id) ?? all[0];
export const questionedItem = computed(() => pick(questionedItems.value, chosenQuestioned.value));
export const referenceItem = computed(() => pick(referenceItems.value, chosenReference.value));

export const filtered = signal(false);
const cache = new WeakMap<Sampled, { raw?: Signal; filtered?: Signal }>();
export function signalFor(id: string | undefined, smooth: boolean): Signal | undefined {
  const sampled = id === undefined ? undefined : samples.value.get(id);
  if (!sampled) return undefined;
  const known = cache.get(sampled) ?? {};
  cache.set(sampled, known);
  return (known[smooth ? 'filtered' : 'raw'] ??= signalOf(sampled, smooth));
}
export const questioned = computed(() => signalFor(questionedItem.value?.id, filtered.value));
export const reference = computed(() => signalFor(referenceItem.value?.id, filtered.value));
export const references = computed(() => referenceItems.value.map((item) => signalFor(item.id, filtered.value)!));
const everything = computed(() => [...questionedItems.value.map((item) => signalFor(item.id, filtered.value)!), ...references.value]);

// The comparison that is shown: the newest, unless another one is chosen.
export const chosenRun = signal('');
export const run = computed<Run | undefined>(() => shown.value?.runs.find((one) => one.id === chosenRun.value) ?? shown.value?.runs.at(-1));
export const result = computed(() => run.value?.results.find((one) => one.item === questionedItem.value?.id));
export const comparison = computed<Comparison | undefined>(() => result.value?.comparison);

// The alignment of the two that are chosen, from the service.
export const alignment = signal<{ key: string; explanation?: Explanation; problem?: unknown } | undefined>(undefined);
// A finding about the two signatures, unlike an answer that is only missing.
export const cannotAlign = (problem: unknown): boolean => problem instanceof Problem && ['references', 'signature'].includes(problem.code);
export const pairKey = computed(() => (questionedItem.value && referenceItem.value ? `${questionedItem.value.id} ${referenceItem.value.id}` : ''));
export const explanation = computed(() => (alignment.value?.key === pairKey.value ? alignment.value.explanation : undefined));
export const warp = computed(() => {
  const [one, other, found] = [questioned.value, reference.value, explanation.value];
  return one && other && found ? warpTimes(found.path, one, other) : undefined;
});
export const localCost = computed(() => (questioned.value && explanation.value ? costs(explanation.value.path, questioned.value.t.length) : undefined));

const alignments = new Map<string, Explanation>();
export async function loadAlignment(abort: AbortSignal): Promise<void> {
  const [of, key] = [shown.value, pairKey.value];
  if (!of || !key) return;
  // The cost's unit comes from the references: another set of them is another answer.
  const within = `${of.id} ${of.items.map((item) => `${item.id}${item.part}${item.readable}`).join()} ${key}`;
  const known = alignments.get(within);
  if (known) {
    alignment.value = { key, explanation: known };
    return;
  }
  const [one = '', other = ''] = key.split(' ');
  try {
    const found = await disputes.align(of.id, one, other, abort);
    alignments.set(within, found);
    if (!abort.aborted) alignment.value = { key, explanation: found };
  } catch (problem) {
    if (!abort.aborted) alignment.value = { key, problem };
  }
}

// Replay and pointing.
export const time = signal(Infinity); // ms since the questioned signature's first sample; Infinity is its end
export const hover = signal(-1); // sample of the questioned one under the pointer; -1 is none
export const playing = signal(false);
export const rate = signal(1);
export const length = computed(() => questioned.value?.t.at(-1) ?? 0);
export const timing = signal<Timing>('raw');
// The sample that was gone to: several may have one time.
const gone = signal(-1);
// The replay's sample; -1 where all is shown.
export const cursor = computed(() => {
  const one = questioned.value;
  if (!one || time.value === Infinity) return -1;
  return one.t[gone.value] === time.value ? gone.value : indexAt(one.t, time.value);
});
// The sample under the pointer, else the replay's.
export const current = computed(() => (hover.value >= 0 && hover.value < (questioned.value?.t.length ?? 0) ? hover.value : cursor.value));
// Without an alignment from the service, warped times are shown as normalised ones.
export const effectiveTiming = computed<Timing>(() => (timing.value === 'warped' && !warp.value ? 'normalised' : timing.value));
const partnerOf = (i: number): number => {
  const [one, other] = [questioned.value, reference.value];
  return one && other ? partner(one, other, i, effectiveTiming.value, warp.value) : -1;
};
export const currentPartner = computed(() => partnerOf(current.value));
// The reference is drawn up to here.
export const reachedPartner = computed(() => {
  const [one, other] = [questioned.value, reference.value];
  return one && other ? reached(one, other, cursor.value, effectiveTiming.value, warp.value) : -1;
});
export const axes = computed(() => {
  const [one, other, how] = [questioned.value, reference.value, effectiveTiming.value];
  return { one: one && axis(one, how), other: other && axis(other, how, warp.value) };
});

// Moves by samples, or to the beginning of a stroke.
export function step(by: number): void {
  const one = questioned.value;
  if (!one) return;
  const from = time.value === Infinity ? (by > 0 ? -1 : one.t.length) : cursor.value;
  seekIndex(Math.max(0, Math.min(one.t.length - 1, from + by)));
}

export function stepStroke(by: number): void {
  const one = questioned.value;
  if (!one) return;
  const from = time.value === Infinity ? (by > 0 ? -1 : one.t.length) : cursor.value;
  const starts = one.t.map((_, i) => i).filter((i) => one.down[i] && (i === 0 || one.stroke[i] !== one.stroke[i - 1] || !one.down[i - 1]));
  const to = by < 0 ? starts.filter((i) => i < from).at(-1) : starts.find((i) => i > from);
  seekIndex(to ?? (by < 0 ? 0 : one.t.length - 1));
}

export function seekIndex(i: number): void {
  batch(() => {
    playing.value = false;
    hover.value = -1;
    time.value = questioned.value?.t[i] ?? 0;
    gone.value = i;
  });
}

// Moves to a moment, ms; Infinity shows all.
export function seek(to: number): void {
  batch(() => {
    playing.value = false;
    hover.value = -1;
    time.value = to === Infinity ? to : Math.max(0, Math.min(length.value, to));
    gone.value = -1;
  });
}

// How ink is drawn.
export const inAir = signal(true);
export const order = signal(false);
export const dots = signal(false);
export const colouring = signal<Colouring>('none');
export const mode = signal<'beside' | 'overlay' | 'flicker'>('beside');
export const opacity = signal(0.6); // of the reference in the overlay
export const flickered = signal(false); // the reference is shown
export type Placing = 'centre' | 'corner' | 'procrustes' | 'scaled' | 'manual';
export const placing = signal<Placing>('centre');
const UNMOVED = { dx: 0, dy: 0, degrees: 0, percent: 100 };
export const manual = signal(UNMOVED);

// The similarity that lays the reference on the questioned signature.
export const placement = computed<{ similarity: Similarity; rms: number }>(() => {
  const [one, other] = [questioned.value, reference.value];
  if (!one || !other) return { similarity: SAME, rms: 0 };
  const { from, to } = pairsOf(one, other, explanation.value?.path);
  const similarity = laid(one, other, () => procrustes(from, to, placing.value === 'scaled' || !comparable(one, other)));
  return { similarity, rms: residual(similarity, from, to) };
});

function laid(one: Signal, other: Signal, best: () => Similarity): Similarity {
  // Of two units that do not compare, as large as the other one.
  const size = comparable(one, other) ? 1 : Math.hypot(one.width, one.height) / Math.hypot(other.width, other.height) || 1;
  const centred = (percent: number, degrees: number, dx: number, dy: number) =>
    about(other.width / 2, other.height / 2, degrees, (size * percent) / 100, (one.width - other.width) / 2 + dx, (one.height - other.height) / 2 + dy);
  switch (placing.value) {
    case 'corner': return { ...SAME, a: size };
    case 'centre': return centred(100, 0, 0, 0);
    case 'manual': return centred(manual.value.percent, manual.value.degrees, manual.value.dx, manual.value.dy);
    default: return best();
  }
}

// Zoom and shift, shared by all large sheets; the shift in widths and heights of the
// largest signature, since units of length are not the same on every sheet.
export const FITTED = { zoom: 1, x: 0, y: 0 };
export const view = signal(FITTED);
export type Tool = 'pan' | 'inspect' | 'ruler' | 'angle' | 'note';
export const tool = signal<Tool>('inspect');

// One scale for all signatures in mm: the largest decides, so that sizes compare. One
// without a scale fills its own sheet.
const metricExtent = computed(() => extentAmong(everything.value.filter((one) => one.metric)));
export const extentOf = (signal: Signal): Extent => (signal.metric ? metricExtent.value : extentAmong([signal]));

export interface Extent {
  width: number;
  height: number;
}

function extentAmong(all: Signal[]): Extent {
  return { width: all.reduce((most, one) => Math.max(most, one.width), 1), height: all.reduce((most, one) => Math.max(most, one.height), 1) };
}

// Signatures of which no scale is known: their lengths compare with nothing.
export const unscaled = computed(() => [...questionedItems.value, ...referenceItems.value].filter((item) => !signalFor(item.id, false)!.metric));

// The ends of the colour scale: the same for all signatures whose values have one unit.
const sharedRange = computed(() => rangeAmong(hasLength(colouring.value) ? everything.value.filter((one) => one.metric) : everything.value));
export const colourRangeOf = (signal: Signal): [number, number] => (signal.metric || !hasLength(colouring.value) ? sharedRange.value : rangeAmong([signal]));

function rangeAmong(all: Signal[]): [number, number] {
  const name = colouring.value;
  if (name === 'none' || name === 'p') return [0, 1];
  if (name === 'cost') return [0, 3];
  let [low, high] = [0, 0];
  for (const one of all) one[name].forEach((value, i) => {
    if (value === null || !one.down[i]) return; // only ink is coloured
    low = Math.min(low, value);
    high = Math.max(high, value);
  });
  // Acceleration and jerk have both signs: zero is the middle.
  if (name === 'acceleration' || name === 'jerk') return [-Math.max(-low, high) || -1, Math.max(-low, high) || 1];
  return [low, high || 1];
}

// Seconds into the video file at a moment of the pen, by the recorded timeline.
export const videoStart = computed(() => {
  const timeline = questionedItem.value?.timeline;
  return timeline?.pen ? (timeline.pen.firstMicros - timeline.fileStartMicros) / 1e6 : 0;
});
