// The channels over time, questioned against one reference, with linked cursors.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { language } from '../i18n/index.ts';
import { number } from '../i18n/format.ts';
import { CHANNELS, type ChannelName, type Signal } from './signal.ts';
import { normalised, questioned, reference, time } from './state.ts';
import { text } from './text/index.ts';

const HEIGHT = 190;

export function Plots() {
  const one = questioned.value;
  if (!one) return null;
  return <div class="plots" data-test="plots">{CHANNELS.map((name) => <Plot key={`${name} ${language.value}`} name={name} one={one} other={reference.value} />)}</div>;
}

function Plot({ name, one, other }: { name: ChannelName; one: Signal; other: Signal | undefined }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const texts = text();
  const unit = texts.units[name](one.metric);
  const isNormal = normalised.value;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = new uPlot(config(name, `${texts.channels[name]} (${unit})`, element.clientWidth, isNormal), data(name, one, other, isNormal), element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [one, other, isNormal]);
  // The replay's moment is a line across all plots.
  useEffect(() => {
    const made = plot.current;
    if (!made || time.value === Infinity) return;
    const end = one.t.at(-1) || 1;
    made.setCursor({ left: made.valToPos(isNormal ? (100 * time.value) / end : time.value, 'x'), top: -10 }, false);
  }, [time.value]);
  return <div class="plot" ref={box} role="img" aria-label={`${texts.channels[name]} (${unit})`} data-test={`plot-${name}`} />;
}

// Both signatures on one axis of times: uPlot wants one x array, so the two are merged.
function data(name: ChannelName, one: Signal, other: Signal | undefined, isNormal: boolean): uPlot.AlignedData {
  const table = (signal: Signal): uPlot.AlignedData => {
    const end = signal.t.at(-1) || 1;
    const kept = signal.t.map((_, i) => i).filter((i) => i === 0 || signal.t[i]! > signal.t[i - 1]!);
    return [
      kept.map((i) => (isNormal ? (100 * signal.t[i]!) / end : signal.t[i]!)),
      kept.map((i) => (signal.down[i] || name === 'tilt' || name === 'x' || name === 'y' ? (signal[name][i] ?? null) : null)),
    ];
  };
  return other ? uPlot.join([table(one), table(other)]) : table(one);
}

function config(name: ChannelName, title: string, width: number, isNormal: boolean): uPlot.Options {
  const css = getComputedStyle(document.documentElement);
  const colour = (token: string) => css.getPropertyValue(token).trim();
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const texts = text().sheets;
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line'), width: 1 } };
  const series = (label: string, stroke: string): uPlot.Series => ({
    label, stroke, width: 1.5, spanGaps: true, points: { show: false },
    value: (_, value) => (value === null ? '–' : number(value, name === 'p' ? 3 : 1)),
  });
  return {
    title, width, height: HEIGHT,
    cursor: { sync: { key: 'compare' }, drag: { x: true, y: false } },
    scales: { x: { time: false }, y: name === 'p' ? { range: [0, 1] } : {} },
    axes: [axis, { ...axis, size: 56 }],
    series: [
      { label: isNormal ? '%' : 'ms', value: (_, value) => (value === null ? '–' : number(value, 1)) },
      series(texts.questioned, dark ? '#a9bcff' : '#14235c'),
      series(texts.referenceShort, dark ? '#7fd6a0' : '#11863f'),
    ],
  };
}
