// One plot: its data on one axis, its looks, and what pointing at it does.
import { signal } from '@preact/signals';
import uPlot from 'uplot';
import { number } from '../i18n/format.ts';
import type { Line } from './plots.tsx';
import { axes, hover, seekIndex } from './state.ts';
import { text } from './text/index.ts';

export const HEIGHT = 190;

const scheme = matchMedia('(prefers-color-scheme: dark)');
export const dark = signal(scheme.matches);
scheme.addEventListener('change', () => (dark.value = scheme.matches));

// uPlot wants one rising axis: both are merged on it, and what has no place or
// repeats one is left out. What join adds in between is undefined, and no break; beside
// a null it becomes one too (mode 2), so that a gap reaches from sample to sample.
export function merge(one: Line, other: Line | undefined): uPlot.AlignedData {
  return other ? uPlot.join([rising(one), rising(other)], [[2, 2], [2, 2]]) : rising(one);
}

// Between two strokes, and where a value is missing, stands a null, at which the curve
// breaks: what nobody measured is not drawn.
function rising({ at, values, start }: Line): uPlot.AlignedData {
  const x: number[] = [];
  const y: (number | null)[] = [];
  let gap = false;
  at.forEach((here, i) => {
    const value = values[i] ?? null;
    const before = x.at(-1);
    if (here == null || (before !== undefined && here <= before)) {
      gap ||= here == null || value === null || start[i]!;
      return;
    }
    if (before !== undefined && (gap || (start[i] && values[i - 1] != null))) {
      x.push((before + here) / 2);
      y.push(null);
    }
    gap = false;
    x.push(here);
    y.push(value);
  });
  return [x, y];
}

// Samples with a gap on both sides would have no line, and so not be seen.
export function alone(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  let before: number | null = null; // the last that is no addition of join
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === undefined) continue;
    let next = i + 1;
    while (next < values.length && values[next] === undefined) next++;
    if (value !== null && before === null && (values[next] ?? null) === null) found.push(i);
    before = value;
  }
  return found;
}

// As the reader's language writes numbers, with the digits that tell ticks apart.
function ticks(_: uPlot, splits: number[]): string[] {
  const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0)) || 1;
  let digits = 0;
  while (digits < 9 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
  return splits.map((value) => number(value, digits));
}

// As wide as its labels; uPlot asks again until the width stays.
function wide(made: uPlot, labels: string[] | null, axis: number): number {
  const { font, ticks: { size = 10 } = {}, gap = 5 } = made.axes[axis] as uPlot.Axis & { font: [string] };
  made.ctx.font = font[0];
  return Math.ceil(size + gap + Math.max(0, ...(labels ?? []).map((label) => made.ctx.measureText(label).width / uPlot.pxRatio)));
}

interface Look {
  title: string;
  width: number;
  digits: number;
  range?: [number, number];
  two: boolean;
  apart: boolean;
}

export function config({ title, width, digits, range, two, apart }: Look): uPlot.Options {
  const css = getComputedStyle(document.documentElement);
  const colour = (token: string) => css.getPropertyValue(token).trim();
  const axis: uPlot.Axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 }, values: ticks };
  const [mine, theirs] = dark.peek() ? ['#a9bcff', '#7fd6a0'] : ['#14235c', '#11863f'];
  const series = (label: string, stroke: string, more: Partial<uPlot.Series>): uPlot.Series => ({
    label, stroke, width: 1.5, spanGaps: false, points: { show: true, size: 4, fill: stroke, filter: (made, i) => alone(made.data[i]!) },
    value: (_, value) => (value == null ? '–' : number(value, digits)), ...more,
  });
  return {
    title, width, height: HEIGHT,
    legend: { live: false },
    cursor: { sync: { key: 'compare', setSeries: false }, drag: { x: true, y: false } },
    scales: { x: { time: false }, y: range ? { range } : {} },
    axes: [axis, { ...axis, size: wide }, ...(apart ? [{ ...axis, scale: 'other', side: 1, stroke: theirs, grid: { show: false }, size: wide } as const] : [])],
    series: [{ label: '' }, series(text().sheets.questioned, mine, {}), ...(two ? [series(text().sheets.reference, theirs, { dash: [6, 3], ...(apart ? { scale: 'other' } : {}) })] : [])],
    hooks: {
      init: [(made) => {
        if (dark.peek()) made.root.dataset['dark'] = '';
        // Pointing at a plot marks the sample everywhere; a click moves the replay there.
        const sampleAt = () => {
          const left = made.cursor.left ?? -1;
          if (left < 0) return -1;
          const x = made.posToVal(left, 'x');
          let best = -1;
          (axes.peek().one ?? []).forEach((at, i) => {
            if (at !== null && at <= x) best = i;
          });
          return best;
        };
        made.over.addEventListener('pointermove', () => (hover.value = sampleAt()));
        made.over.addEventListener('pointerleave', () => (hover.value = -1));
        made.over.addEventListener('click', () => { const i = sampleAt(); if (i >= 0) seekIndex(i); });
      }],
    },
  };
}
