// The channels over time, questioned against one reference, with linked cursors;
// each also as a table.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { language } from '../i18n/index.ts';
import { number } from '../i18n/format.ts';
import { Button, Select } from '../ui/ui.tsx';
import type { Timing } from './align.ts';
import { CHANNELS, type ChannelName, indexAt, type Signal } from './signal.ts';
import { alignment, axes, current, effectiveTiming, hover, localCost, pairKey, questioned, questionedItem, reference, referenceItem, seekIndex, timing } from './state.ts';
import { later, never } from './later.ts';
import { text } from './text/index.ts';

const HEIGHT = 190;
const ALWAYS: ChannelName[] = ['x', 'y', 'tilt']; // known in the air too

export function Plots() {
  const texts = text();
  if (!questioned.value) return null;
  return (
    <div class="stack">
      <div class="toolbar">
        <Select<Timing> label={texts.plots.timing} value={timing.value} options={texts.plots.timings} onChange={(value) => (timing.value = value)} test="timing" />
        <p class="small muted grow" role="status" data-test="timing-note">{timing.value !== effectiveTiming.value ? (alignment.value?.key === pairKey.value && alignment.value.problem !== undefined ? texts.plots.noAlignment : texts.plots.waiting) : texts.plots.explain[timing.value]}</p>
      </div>
      <div class="plots" data-test="plots">{CHANNELS.map((name) => <Channel key={`${name} ${language.value}`} name={name} />)}<Cost key={`cost ${language.value}`} /></div>
    </div>
  );
}

// The same array for the same signal, or the plots would be drawn anew each time.
const values = new WeakMap<Signal, Map<ChannelName, (number | null)[]>>();

function valuesOf(signal: Signal, name: ChannelName): (number | null)[] {
  if (ALWAYS.includes(name)) return signal[name];
  const known = values.get(signal) ?? new Map<ChannelName, (number | null)[]>();
  values.set(signal, known);
  const made = known.get(name) ?? signal[name].map((value, i) => (signal.down[i] ? value : null));
  known.set(name, made);
  return made;
}

function Channel({ name }: { name: ChannelName }) {
  const texts = text();
  const [one, other] = [questioned.value, reference.value];
  if (!one) return null;
  const title = `${texts.channels[name]} (${texts.units[name](one.metric)})`;
  return <Plot name={name} title={title} one={{ at: axes.value.one!, values: valuesOf(one, name) }} other={other && axes.value.other && { at: axes.value.other, values: valuesOf(other, name) }} digits={name === 'p' ? 3 : 1} range={name === 'p' ? [0, 1] : undefined} />;
}

// Where the two differ: the cost along the alignment, over the questioned signature.
function Cost() {
  const texts = text();
  if (!localCost.value) return null;
  return <Plot name="cost" title={texts.plots.cost} one={{ at: axes.value.one!, values: localCost.value }} digits={2} />;
}

interface Line {
  at: (number | null)[];
  values: (number | null)[];
}

interface PlotProps {
  name: ChannelName | 'cost';
  title: string;
  one: Line;
  other?: Line;
  digits: number;
  range?: [number, number];
}

function Plot({ name, title, one, other, digits, range }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [table, setTable] = useState(false);
  const [seen, setSeen] = useState(false);
  const data = useRef<uPlot.AlignedData>([[]]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    // Plots out of sight wait until they come into it, or the page has been still.
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && setSeen(true), { rootMargin: '300px' });
    watch.observe(element);
    const timer = setTimeout(() => setSeen(true), 1200);
    return () => { watch.disconnect(); clearTimeout(timer); };
  }, []);
  // The replay's moment is a line across all plots.
  const point = () => {
    const made = plot.current;
    const at = one.at[current.peek()];
    if (!made || hover.peek() >= 0) return;
    made.setCursor({ left: at == null ? -10 : made.valToPos(at, 'x'), top: -10 }, false);
  };
  const draw = () => {
    const element = box.current;
    if (!element) return;
    data.current = merge(one, other);
    if (plot.current) {
      plot.current.setData(data.current);
    } else {
      const made = new uPlot(config(title, element.clientWidth, digits, range, other !== undefined), data.current, element);
      plot.current = made;
      const observer = new ResizeObserver(() => made.width !== element.clientWidth && made.setSize({ width: element.clientWidth, height: HEIGHT }));
      observer.observe(element);
    }
    point();
  };
  // Eight of them at once would keep the next input waiting.
  useEffect(() => {
    if (seen) later(box, draw);
  }, [seen, one.at, one.values, other?.at, other?.values]);
  useEffect(() => () => { never(box); plot.current?.destroy(); plot.current = undefined; }, []);
  useEffect(point, [current.value, seen, one.at]);
  return (
    <div class="plot" data-test={`plot-${name}`}>
      <div ref={box} role="img" aria-label={title} class="plot-box" />
      <Button kind="plain" pressed={table} onClick={() => setTable(!table)} test={`table-${name}`}>{text().plots.table}</Button>
      {table && <Values title={title} one={one} other={other} digits={digits} />}
    </div>
  );
}

const PAGE = 40;

// The same values as rows, a page at a time; the page follows the replay.
function Values({ title, one, other, digits }: Omit<PlotProps, 'name' | 'range'>) {
  const texts = text().plots;
  const [page, setPage] = useState(Math.max(0, Math.floor(current.peek() / PAGE)));
  const pages = Math.max(1, Math.ceil(one.at.length / PAGE));
  const show = (value: number | null | undefined) => (value == null ? '–' : number(value, digits));
  const known = (other?.at ?? []).map((at, i) => [at, i] as const).filter((pair): pair is readonly [number, number] => pair[0] !== null);
  const times = known.map(([at]) => at);
  const rows = one.at.slice(page * PAGE, page * PAGE + PAGE).map((at, k) => {
    const i = page * PAGE + k;
    const j = at == null ? -1 : indexAt(times, at);
    return { i, at, mine: one.values[i], theirs: j >= 0 ? other?.values[known[j]![1]] : null };
  });
  return (
    <div class="stack-small" data-test="values">
      <div class="table-scroll values" tabIndex={0} role="region" aria-label={title}>
        <table class="table small">
          <caption class="visually-hidden">{title}</caption>
          <thead><tr><th scope="col" class="number">{texts.sample}</th><th scope="col" class="number">{texts.axes[effectiveTiming.value]}</th><th scope="col" class="number">{questionedItem.value?.label}</th>{other && <th scope="col" class="number">{referenceItem.value?.label}</th>}</tr></thead>
          <tbody>{rows.map((row) => <tr key={row.i} class={row.i === current.value ? 'here' : undefined}><th scope="row" class="number">{number(row.i + 1)}</th><td class="number">{row.at == null ? '–' : number(row.at, 2)}</td><td class="number">{show(row.mine)}</td>{other && <td class="number">{show(row.theirs)}</td>}</tr>)}</tbody>
        </table>
      </div>
      <div class="row small">
        <Button disabled={page === 0} onClick={() => setPage(page - 1)} label={texts.earlier} test="values-back">◀</Button>
        <span>{texts.page(number(page + 1), number(pages))}</span>
        <Button disabled={page + 1 >= pages} onClick={() => setPage(page + 1)} label={texts.later} test="values-on">▶</Button>
      </div>
    </div>
  );
}

// uPlot wants one rising axis: both are merged on it, and what has no place or
// repeats one is left out.
function merge(one: Line, other: Line | undefined): uPlot.AlignedData {
  const rising = ({ at, values }: Line): uPlot.AlignedData => {
    const x: number[] = [];
    const y: (number | null)[] = [];
    at.forEach((value, i) => {
      if (value == null || (x.length > 0 && value <= x.at(-1)!)) return;
      x.push(value);
      y.push(values[i] ?? null);
    });
    return [x, y];
  };
  return other ? uPlot.join([rising(one), rising(other)], [[2, 2], [2, 2]]) : rising(one);
}

function config(title: string, width: number, digits: number, range: [number, number] | undefined, two: boolean): uPlot.Options {
  const css = getComputedStyle(document.documentElement);
  const colour = (token: string) => css.getPropertyValue(token).trim();
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
  const series = (label: string, stroke: string, dash?: number[]): uPlot.Series => ({
    label, stroke, dash, width: 1.5, spanGaps: true, points: { show: false },
    value: (_, value) => (value == null ? '–' : number(value, digits)),
  });
  return {
    title, width, height: HEIGHT,
    legend: { live: false },
    cursor: { sync: { key: 'compare', setSeries: false }, drag: { x: true, y: false } },
    scales: { x: { time: false }, y: range ? { range } : {} },
    axes: [axis, { ...axis, size: 60 }],
    series: [
      { label: '' },
      series(text().sheets.questioned, dark ? '#a9bcff' : '#14235c'),
      ...(two ? [series(text().sheets.reference, dark ? '#7fd6a0' : '#11863f', [6, 3])] : []),
    ],
    hooks: {
      init: [(made) => {
        if (dark) made.root.dataset['dark'] = '';
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

