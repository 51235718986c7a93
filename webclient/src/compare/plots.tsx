// The channels over time, questioned against one reference, with linked cursors;
// each also as a table.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { language } from '../i18n/index.ts';
import { number } from '../i18n/format.ts';
import { Button, Select } from '../ui/ui.tsx';
import type { Timing } from './align.ts';
import { config, dark, HEIGHT, merge } from './curve.ts';
import { CHANNELS, type ChannelName, comparable, hasLength, indexAt, type Signal } from './signal.ts';
import { alignment, axes, cannotAlign, current, cursor, effectiveTiming, hover, localCost, pairKey, questioned, questionedItem, reference, referenceItem, timing } from './state.ts';
import { later, never } from './later.ts';
import { text } from './text/index.ts';

const ALWAYS: ChannelName[] = ['x', 'y', 'tilt']; // known in the air too

export function Plots() {
  const texts = text();
  if (!questioned.value) return null;
  return (
    <div class="stack">
      <div class="toolbar">
        <Select<Timing> label={texts.plots.timing} value={timing.value} options={texts.plots.timings} onChange={(value) => (timing.value = value)} test="timing" />
      </div>
      <p class="small muted" role="status" data-test="timing-note">{timing.value !== effectiveTiming.value ? (alignment.value?.key !== pairKey.value || alignment.value.problem === undefined ? texts.plots.waiting : cannotAlign(alignment.value.problem) ? texts.plots.noAlignment : texts.plots.alignmentMissing) : texts.plots.explain[timing.value]}</p>
      <div class="plots" data-test="plots">{CHANNELS.map((name) => <Channel key={name} name={name} />)}<Cost /></div>
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
  const line = (signal: Signal, at: (number | null)[], label = ''): Line => ({ label, unit: texts.units[name](signal.metric), at, values: valuesOf(signal, name), start: signal.start });
  const mine = line(one, axes.value.one!, questionedItem.value?.label);
  const theirs = other && axes.value.other && line(other, axes.value.other, referenceItem.value?.label);
  const apart = theirs !== undefined && hasLength(name) && !comparable(one, other!);
  const title = `${texts.channels[name]} (${apart ? `${mine.label}: ${mine.unit}, ${theirs.label}: ${theirs.unit}` : mine.unit})`;
  return <Plot name={name} title={title} one={mine} other={theirs} apart={apart} digits={name === 'p' ? 3 : 1} range={name === 'p' ? FULL : undefined} />;
}

const FULL: [number, number] = [0, 1];

// Where the two differ: the cost along the alignment, over the questioned signature.
function Cost() {
  const texts = text();
  const one = questioned.value;
  if (!localCost.value || !one) return null;
  return <Plot name="cost" title={texts.plots.cost} one={{ label: questionedItem.value?.label ?? '', unit: '', at: axes.value.one!, values: localCost.value, start: one.start }} digits={2} />;
}

export interface Line {
  label: string;
  unit: string;
  at: (number | null)[];
  values: (number | null)[];
  start: boolean[]; // of a stroke: nothing is known between it and what was before
}

interface PlotProps {
  name: ChannelName | 'cost';
  title: string;
  one: Line;
  other?: Line;
  apart?: boolean; // the two have no unit in common: each has an axis of its own
  digits: number;
  range?: [number, number];
}

function Plot({ name, title, one, other, apart = false, digits, range }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [table, setTable] = useState(false);
  const [seen, setSeen] = useState(false);
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
  // What a plot was made for: with other words, units or colours it is made anew.
  const look = [title, language.value, dark.value, other !== undefined, apart].join(' ');
  const draw = () => {
    const element = box.current;
    if (!element) return;
    const data = merge(one, other);
    if (plot.current) plot.current.setData(data);
    else plot.current = new uPlot(config({ title, width: element.clientWidth, digits, range, two: other !== undefined, apart }), data, element);
    point();
  };
  useLayoutEffect(() => () => {
    never(box);
    plot.current?.destroy();
    plot.current = undefined;
  }, [look]);
  // Eight of them at once would keep the next input waiting.
  useEffect(() => {
    if (seen) later(box, draw);
  }, [seen, look, one.at, one.values, other?.at, other?.values]);
  useEffect(() => {
    const element = box.current!;
    const observer = new ResizeObserver(() => plot.current && plot.current.width !== element.clientWidth && plot.current.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
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
function Values({ title, one, other, digits }: Pick<PlotProps, 'title' | 'one' | 'other' | 'digits'>) {
  const texts = text().plots;
  const [turned, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(one.at.length / PAGE));
  useEffect(() => {
    if (cursor.value >= 0) setPage(Math.floor(cursor.value / PAGE));
  }, [cursor.value]);
  const page = Math.min(turned, pages - 1); // another signature may have fewer
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
          <thead><tr><th scope="col" class="number">{texts.sample}</th><th scope="col" class="number">{texts.axes[effectiveTiming.value]}</th>{[one, other].map((line) => line && <th key={line.label} scope="col" class="number">{line.label}{line.unit && `, ${line.unit}`}</th>)}</tr></thead>
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

