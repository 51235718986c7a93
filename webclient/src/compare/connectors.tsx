// The alignment of the two that are chosen: both channels over their own time,
// with a line from each sample to the one that it is laid on, coloured by what
// the step costs.
import { useEffect, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { number } from '../i18n/format.ts';
import { Notice, Panel, Progress, Select } from '../ui/ui.tsx';
import { Failure } from './failure.tsx';
import { ramp } from './draw.ts';
import type { ChannelName, Signal } from './signal.ts';
import { alignment, cannotAlign, current, explanation, loadAlignment, pairKey, questioned, questionedItem, reference, referenceItem, shown } from './state.ts';
import { text } from './text/index.ts';

const channel = signal<ChannelName>('y');
const again = signal(0); // times that it was asked for anew
const MOST = 160; // lines that can be told apart
const TOP_COST = 3;

// Asks for the alignment whenever another pair is chosen.
export function useAlignment(): void {
  useEffect(() => {
    const abort = new AbortController();
    void loadAlignment(abort.signal);
    return () => abort.abort();
  }, [pairKey.value, shown.value?.changedAt, again.value]);
}

export function Alignment() {
  const texts = text().alignment;
  const found = explanation.value;
  const problem = alignment.value?.key === pairKey.value ? alignment.value.problem : undefined;
  if (!reference.value) return null;
  return (
    <Panel title={texts.title(questionedItem.value?.label ?? '', referenceItem.value?.label ?? '')} test="alignment"
      tools={<Select<ChannelName> compact label={texts.channel} value={channel.value} options={text().channels} onChange={(name) => (channel.value = name)} test="alignment-channel" />}>
      <p class="small muted">{texts.text}</p>
      {problem !== undefined && (cannotAlign(problem) ? <Notice tone="warn" test="alignment-impossible">{texts.failed}</Notice> : <Failure problem={problem} retry={() => { alignment.value = undefined; again.value++; }} />)}
      {!found && problem === undefined && <Progress label={texts.waiting} />}
      {found && <>
        <Lines />
        <ul class="row small shares" aria-label={texts.shares}>{found.channels.map((one) => <li key={one.channel}>{texts.names[one.channel] ?? one.channel}: <strong>{number(one.cost, 2)}</strong></li>)}</ul>
        <Stretches />
      </>}
    </Panel>
  );
}

// The pieces that speak for one side, in words.
function Stretches() {
  const texts = text().alignment;
  const [found, one] = [explanation.value, questioned.value];
  if (!found || !one || found.stretches.length === 0) return null;
  return (
    <details>
      <summary>{texts.stretches(found.stretches.length)}</summary>
      <table class="table small">
        <thead><tr><th scope="col">{texts.from}</th><th scope="col">{texts.supports}</th><th scope="col" class="number">{texts.cost}</th></tr></thead>
        <tbody>{found.stretches.slice(0, 20).map((stretch) => (
          <tr key={stretch.from}><td>{texts.between(number((one.t[stretch.from] ?? 0) / 1000, 2), number((one.t[stretch.to - 1] ?? 0) / 1000, 2))}</td><td>{stretch.supports === 'same' ? texts.alike : texts.unlike}</td><td class="number">{number(stretch.cost, 2)}</td></tr>
        ))}</tbody>
      </table>
    </details>
  );
}

function Lines() {
  const texts = text().alignment;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [one, other, found, name, at] = [questioned.value, reference.value, explanation.value, channel.value, current.value];
  const paint = () => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context || !one || !other || !found || element.clientWidth === 0) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    element.width = element.clientWidth * ratio;
    element.height = element.clientHeight * ratio;
    const end = Math.max(one.t.at(-1) ?? 1, other.t.at(-1) ?? 1);
    const upper = tracer(one, name, element.width, 0.06 * element.height, 0.4 * element.height, end);
    const lower = tracer(other, name, element.width, 0.6 * element.height, 0.94 * element.height, end);
    const stride = Math.max(1, Math.ceil(found.path.length / MOST));
    context.lineWidth = ratio;
    found.path.forEach((step, k) => {
      if (k % stride !== 0 && step.q !== at) return;
      context.strokeStyle = ramp(step.cost / TOP_COST);
      context.globalAlpha = step.q === at ? 1 : 0.55;
      context.lineWidth = (step.q === at ? 3 : 1) * ratio;
      context.beginPath();
      context.moveTo(...upper(step.q));
      context.lineTo(...lower(step.r));
      context.stroke();
    });
    context.globalAlpha = 1;
    trace(context, one, upper, '#14235c', ratio);
    trace(context, other, lower, '#11683a', ratio);
  };
  const latest = useRef(paint);
  latest.current = paint;
  useEffect(paint);
  useEffect(() => {
    const observer = new ResizeObserver(() => latest.current());
    if (canvas.current) observer.observe(canvas.current);
    return () => observer.disconnect();
  }, []);
  return (
    <figure class="connectors">
      <canvas ref={canvas} role="img" aria-label={texts.picture} data-test="connectors" />
      <figcaption class="small muted">{texts.caption(questionedItem.value?.label ?? '', referenceItem.value?.label ?? '', number(TOP_COST))}</figcaption>
    </figure>
  );
}

type At = (i: number) => [number, number];

function tracer(signal: Signal, name: ChannelName, width: number, top: number, bottom: number, end: number): At {
  let [low, high] = [Infinity, -Infinity];
  signal[name].forEach((value, i) => {
    if (value === null || !signal.down[i]) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  });
  const down = name === 'y'; // grows downwards on paper
  return (i) => {
    const part = ((signal[name][i] ?? low) - low) / (high - low || 1);
    return [8 + ((signal.t[i] ?? 0) / end) * (width - 16), down ? top + part * (bottom - top) : bottom - Math.max(-0.1, Math.min(1.1, part)) * (bottom - top)];
  };
}

export function trace(context: CanvasRenderingContext2D, signal: Signal, at: At, colour: string, ratio: number): void {
  context.strokeStyle = colour;
  context.lineWidth = 1.5 * ratio;
  context.beginPath();
  signal.t.forEach((_, i) => (i === 0 || !signal.down[i] || !signal.down[i - 1] || signal.start[i] ? context.moveTo(...at(i)) : context.lineTo(...at(i))));
  context.stroke();
}
