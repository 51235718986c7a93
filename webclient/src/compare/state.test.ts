import { afterEach, expect, it } from 'vitest';
import { trace } from './connectors.tsx';
import type { Case, Item } from './service.ts';
import { sampled } from './signal.test.ts';
import { signalOf } from './signal.ts';
import { alignment, chosenQuestioned, colouring, colourRangeOf, putAway, questioned, samples, seek, shown, time, view } from './state.ts';

type Row = [number, number, number, boolean, boolean?];

function show(rows: Row[]): void {
  const item = { id: 'a', part: 'questioned', label: 'Q1', readable: true } as Item;
  shown.value = { id: 'c', items: [item] } as unknown as Case;
  samples.value = new Map([['a', sampled(rows)]]);
}

afterEach(() => {
  putAway();
  colouring.value = 'none';
});

it('takes the ends of the colours from the ink alone', () => {
  // 500 mm/s on paper; the leap in the air is ten times as fast.
  show([[0, 0, 0, true, true], [10_000, 30, 40, true], [20_000, 60, 80, true], [30_000, 70, 80, false], [40_000, 570, 80, false], [50_000, 600, 100, true, true], [60_000, 630, 140, true]]);
  colouring.value = 'speed';
  expect(colourRangeOf(questioned.value!)).toEqual([0, 500]);
});

it('keeps nothing of a case that is left', () => {
  show([[0, 0, 0, true, true], [10_000, 30, 40, true]]);
  seek(5);
  view.value = { zoom: 3, x: 1, y: 1 };
  chosenQuestioned.value = 'a';
  alignment.value = { key: 'a b' };
  putAway();
  expect([shown.value, samples.value.size, alignment.value, questioned.value, time.value, view.value.zoom, chosenQuestioned.value]).toEqual([undefined, 0, undefined, undefined, Infinity, 1, '']);
});

it('draws no line to a stroke that begins without a way to it', () => {
  const signal = signalOf(sampled([[0, 0, 0, true, true], [10_000, 10, 0, true], [20_000, 90, 0, true, true], [30_000, 99, 0, true]]));
  const drawn: string[] = [];
  const context = { beginPath() {}, stroke() {}, moveTo: (x: number) => drawn.push(`to ${x}`), lineTo: (x: number) => drawn.push(`line ${x}`) } as unknown as CanvasRenderingContext2D;
  trace(context, signal, (i) => [i, 0], '#000', 1);
  expect(drawn).toEqual(['to 0', 'line 1', 'to 2', 'line 3']);
});
