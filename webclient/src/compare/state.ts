// What the investigator looks at, and how.
import { computed, signal } from '@preact/signals';
import type { Investigation } from '../api.ts';
import type { Colouring } from './draw.ts';
import { type Signal, signalOf } from './signal.ts';

export const opened = signal<Investigation | undefined>(undefined);
export const chosen = signal(0); // the reference that plots and overlay show
export const time = signal(Infinity); // ms since the questioned signature's first sample; Infinity is its end
export const playing = signal(false);
export const rate = signal(1);
export const inAir = signal(true);
export const order = signal(false);
export const colouring = signal<Colouring>('none');
export const normalised = signal(false); // plots over the part of the whole time
export const opacity = signal(0.6); // of the reference in the overlay

export const questioned = computed<Signal | undefined>(() => opened.value && signalOf(opened.value.questioned));
export const references = computed<Signal[]>(() => opened.value?.references.map(signalOf) ?? []);
export const reference = computed<Signal | undefined>(() => references.value[chosen.value]);
export const length = computed(() => questioned.value?.t.at(-1) ?? 0);

// One scale for all signatures: the largest decides, so that sizes compare.
export const extent = computed(() => {
  const all = [questioned.value, ...references.value].filter((one) => one !== undefined);
  return { width: Math.max(1, ...all.map((one) => one.width)), height: Math.max(1, ...all.map((one) => one.height)) };
});

// The far end of the colour scale, the same for all signatures.
export const colourTop = computed(() => {
  if (colouring.value === 'p' || colouring.value === 'none') return 1;
  const name = colouring.value;
  let top = 0;
  for (const one of [questioned.value, ...references.value]) for (const value of one?.[name] ?? []) top = Math.max(top, value ?? 0);
  return top || 1;
});

// Seconds into the video file at a moment of the pen, by the recorded timeline.
export const videoStart = computed(() => {
  const timeline = opened.value?.timeline;
  return timeline?.pen ? (timeline.pen.firstMicros - timeline.fileStartMicros) / 1e6 : 0;
});
