// What the investigator looks at, and how.
import { batch, computed, signal } from '@preact/signals';
import type { Comparison, Sampled } from '../api.ts';
import { about, axis, costs, pairsOf, partner, procrustes, residual, SAME, type Similarity, type Timing, warpTimes } from './align.ts';
import type { Colouring } from './draw.ts';
import { type Case, disputes, type Explanation, type Item, type Run } from './service.ts';
import { later } from './later.ts';
import { indexAt, type Signal, signalOf } from './signal.ts';

export const shown = signal<Case | undefined>(undefined);
export const samples = signal<ReadonlyMap<string, Sampled>>(new Map());

// Takes the newest state of the case; who is gone is no longer chosen.
export function take(next: Case): void {
  shown.value = next;
}

export async function reload(): Promise<void> {
  const id = shown.value?.id;
  if (id) take(await disputes.get(id));
}

// Which samples are loaded; another state of the case needs them anew.
const readable = (one: Case) => one.items.filter((item) => item.readable).map((item) => item.id).join(' ');
let loadedFor = '';

export async function loadSamples(): Promise<void> {
  const of = shown.value;
  if (!of) return;
  const key = `${of.id} ${readable(of)}`;
  if (key === loadedFor) return;
  const answer = await disputes.samples(of.id);
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
export const current = computed(() => {
  const one = questioned.value;
  if (!one) return -1;
  if (hover.value >= 0 && hover.value < one.t.length) return hover.value;
  return time.value === Infinity ? -1 : indexAt(one.t, time.value);
});
// Without an alignment from the service, warped times are shown as normalised ones.
export const effectiveTiming = computed<Timing>(() => (timing.value === 'warped' && !warp.value ? 'normalised' : timing.value));
export const currentPartner = computed(() => {
  const [one, other] = [questioned.value, reference.value];
  return one && other ? partner(one, other, current.value, effectiveTiming.value, warp.value) : -1;
});
export const axes = computed(() => {
  const [one, other, how] = [questioned.value, reference.value, effectiveTiming.value];
  return { one: one && axis(one, how), other: other && axis(other, how, warp.value) };
});

// Moves by samples, or to the beginning of a stroke.
export function step(by: number): void {
  const one = questioned.value;
  if (!one) return;
  const from = time.value === Infinity ? (by > 0 ? -1 : one.t.length) : indexAt(one.t, time.value);
  seekIndex(Math.max(0, Math.min(one.t.length - 1, from + by)));
}

export function stepStroke(by: number): void {
  const one = questioned.value;
  if (!one) return;
  const from = time.value === Infinity ? (by > 0 ? -1 : one.t.length) : indexAt(one.t, time.value);
  const starts = one.t.map((_, i) => i).filter((i) => one.down[i] && (i === 0 || one.stroke[i] !== one.stroke[i - 1] || !one.down[i - 1]));
  const to = by < 0 ? starts.filter((i) => i < from).at(-1) : starts.find((i) => i > from);
  seekIndex(to ?? (by < 0 ? 0 : one.t.length - 1));
}

export function seekIndex(i: number): void {
  batch(() => {
    playing.value = false;
    hover.value = -1;
    time.value = questioned.value?.t[i] ?? 0;
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
export const manual = signal({ dx: 0, dy: 0, degrees: 0, percent: 100 });

// The similarity that lays the reference on the questioned signature.
export const placement = computed<{ similarity: Similarity; rms: number }>(() => {
  const [one, other] = [questioned.value, reference.value];
  if (!one || !other) return { similarity: SAME, rms: 0 };
  const { from, to } = pairsOf(one, other, explanation.value?.path);
  const similarity = place(one, other, () => procrustes(from, to, placing.value === 'scaled'));
  return { similarity, rms: residual(similarity, from, to) };
});

function place(one: Signal, other: Signal, best: () => Similarity): Similarity {
  const centred = { ...SAME, dx: (one.width - other.width) / 2, dy: (one.height - other.height) / 2 };
  switch (placing.value) {
    case 'corner': return SAME;
    case 'centre': return centred;
    case 'manual': {
      const { dx, dy, degrees, percent } = manual.value;
      return about(other.width / 2, other.height / 2, degrees, percent / 100, centred.dx + dx, centred.dy + dy);
    }
    default: return best();
  }
}

// Zoom and shift, shared by all large sheets; in units of length.
export const view = signal({ zoom: 1, x: 0, y: 0 });
export type Tool = 'pan' | 'inspect' | 'ruler' | 'angle' | 'note';
export const tool = signal<Tool>('inspect');

// One scale for all signatures: the largest decides, so that sizes compare.
export const extent = computed(() => {
  const all = everything.value;
  return { width: all.reduce((most, one) => Math.max(most, one.width), 1), height: all.reduce((most, one) => Math.max(most, one.height), 1) };
});

// The ends of the colour scale, the same for all signatures.
export const colourRange = computed<[number, number]>(() => {
  const name = colouring.value;
  if (name === 'none' || name === 'p') return [0, 1];
  if (name === 'cost') return [0, 3];
  let [low, high] = [0, 0];
  for (const one of everything.value) for (const value of one[name]) {
    if ((value ?? 0) < low) low = value!;
    if ((value ?? 0) > high) high = value!;
  }
  // Acceleration and jerk have both signs: zero is the middle.
  if (name === 'acceleration' || name === 'jerk') return [-Math.max(-low, high) || -1, Math.max(-low, high) || 1];
  return [low, high || 1];
});

// Seconds into the video file at a moment of the pen, by the recorded timeline.
export const videoStart = computed(() => {
  const timeline = questionedItem.value?.timeline;
  return timeline?.pen ? (timeline.pen.firstMicros - timeline.fileStartMicros) / 1e6 : 0;
});
