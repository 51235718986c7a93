// Signatures on paper at one common scale: side by side, over each other, or one
// after the other at the same place.
import { useEffect, useRef, useState } from 'preact/hooks';
import { dateTime, number } from '../i18n/format.ts';
import { Button, Notice, Select } from '../ui/ui.tsx';
import { apply, degreesOf, SAME, scaleOf } from './align.ts';
import { dot, drawSignal, type Frame, type Options, placer, type Style } from './draw.ts';
import { later, never } from './later.ts';
import { addSpot, angle, distance, measured, NOTHING, type Spot, writing } from './marks.ts';
import type { Item } from './service.ts';
import { comparable, type Signal } from './signal.ts';
import {
  chosenReference, colouring, colourRangeOf, current, currentPartner, cursor, reachedPartner, dots, effectiveTiming, extentOf, FITTED, flickered, hover, inAir, localCost, manual, mode, opacity, order,
  placement, placing, type Placing, questioned, questionedItem, reference, referenceItem, referenceItems, references, seekIndex, shown, signalFor, time, tool, unscaled, view, warp,
} from './state.ts';
import { text } from './text/index.ts';

export const QUESTIONED: Style = { colour: '#14235c', air: '#8c97b8', tip: '#a61b24' };
export const REFERENCE: Style = { colour: '#11683a', air: '#95b5a2', tip: '#a61b24' };
const MARGIN = 16;

interface Layer {
  signal: Signal;
  style: Style;
  alpha: number;
  last: number;
  cursor: number;
  placed?: typeof SAME;
  cost?: (number | null)[];
}

function options(layer: Layer): Options {
  return { inAir: inAir.value, colouring: colouring.value, range: colourRangeOf(layer.signal), cost: layer.cost, order: order.value, dots: dots.value, last: layer.last, cursor: layer.cursor };
}

// Sets a canvas to its box and returns what draws on it.
function prepare(element: HTMLCanvasElement | null): { context: CanvasRenderingContext2D; ratio: number; width: number; height: number } | undefined {
  const context = element?.getContext('2d');
  if (!element || !context || element.clientWidth === 0) return undefined;
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [width, height] = [element.clientWidth, element.clientHeight];
  if (element.width !== Math.round(width * ratio)) element.width = Math.round(width * ratio);
  if (element.height !== Math.round(height * ratio)) element.height = Math.round(height * ratio);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, element.width, element.height);
  return { context, ratio, width, height };
}

// Where a signature's top left lies in a box, and its scale; zoom and shift are
// those of all large sheets.
function frameOf(signal: Signal, width: number, height: number, ratio: number, moved: { zoom: number; x: number; y: number }): Frame {
  const { width: wide, height: high } = extentOf(signal);
  const scale = Math.min((width - 2 * MARGIN) / wide, (height - 2 * MARGIN) / high) * moved.zoom;
  return { scale, ratio, left: (width - signal.width * scale) / 2 + moved.x * wide * scale, top: (height - signal.height * scale) / 2 + moved.y * high * scale };
}

function useRepaint(paint: () => void, canvas: { current: HTMLCanvasElement | null }): void {
  const latest = useRef(paint);
  latest.current = paint;
  useEffect(paint);
  useEffect(() => {
    const observer = new ResizeObserver(() => latest.current());
    if (canvas.current) observer.observe(canvas.current);
    return () => observer.disconnect();
  }, []);
}

// A large sheet: it can be zoomed, shifted, pointed at and measured, by hand and
// by keys.
function Sheet({ id, item, layers, label, test }: { id: string; item: Item; layers: Layer[]; label: string; test: string }) {
  const texts = text().sheets;
  const canvas = useRef<HTMLCanvasElement>(null);
  const cross = useRef<{ x: number; y: number } | undefined>(undefined);
  const [, redraw] = useState(0);
  const base = layers[0]!;
  const looks = layers.map(options);
  const moved = view.value;
  const { width: wide, height: high } = extentOf(base.signal);
  const spots = measured.value.sheet === id ? measured.value.spots : [];
  const notes = shown.value?.notes.filter((note) => note.item === item.id) ?? [];
  const paint = () => {
    const on = prepare(canvas.current);
    if (!on || wide === 0 || high === 0) return;
    const frame = frameOf(base.signal, on.width, on.height, on.ratio, moved);
    ruler(on.context, frame, on.height, base.signal.metric);
    layers.forEach((layer, i) => {
      on.context.globalAlpha = layer.alpha;
      drawSignal(on.context, layer.signal, { ...frame, placed: layer.placed }, layer.style, looks[i]!);
    });
    on.context.globalAlpha = 1;
    drawSpots(on.context, frame, spots);
    notes.forEach((note, i) => mark(on.context, frame, note, String(i + 1)));
    if (cross.current) crosshair(on.context, cross.current, on.ratio);
  };
  useRepaint(paint, canvas);
  const spotAt = (x: number, y: number): Spot => {
    const element = canvas.current!;
    const frame = frameOf(base.signal, element.clientWidth, element.clientHeight, 1, view.peek());
    return { x: (x - frame.left) / frame.scale, y: (y - frame.top) / frame.scale };
  };
  const nearest = (x: number, y: number): number => {
    const element = canvas.current!;
    const at = placer(base.signal, frameOf(base.signal, element.clientWidth, element.clientHeight, 1, view.peek()));
    let best = -1;
    let least = 24;
    base.signal.t.forEach((_, i) => {
      if (!base.signal.down[i] && !inAir.peek()) return;
      const [px, py] = at(i);
      const far = Math.hypot(px - x, py - y);
      if (far < least) [best, least] = [i, far];
    });
    return best;
  };
  const act = (x: number, y: number) => {
    switch (tool.peek()) {
      case 'ruler': return addSpot(id, item.id, spotAt(x, y), 2);
      case 'angle': return addSpot(id, item.id, spotAt(x, y), 3);
      case 'note': writing.value = { item: item.id, spot: spotAt(x, y) }; return;
      case 'inspect': {
        const i = nearest(x, y);
        if (i >= 0 && id === 'questioned') seekIndex(i);
      }
    }
  };
  const drag = useRef<{ x: number; y: number; far: number } | undefined>(undefined);
  const local = (event: PointerEvent | WheelEvent): [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const shift = (dx: number, dy: number) => {
    const element = canvas.current!;
    const { scale } = frameOf(base.signal, element.clientWidth, element.clientHeight, 1, view.peek());
    view.value = { ...view.peek(), x: view.peek().x + dx / scale / wide, y: view.peek().y + dy / scale / high };
  };
  const onKey = (event: KeyboardEvent) => {
    const far = event.shiftKey ? 20 : 4;
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] as [number, number] | undefined;
    if (event.key === '+' || event.key === '=') zoomBy(1.25);
    else if (event.key === '-') zoomBy(0.8);
    else if (event.key === '0') view.value = FITTED;
    else if (event.key === 'Escape') { measured.value = NOTHING; cross.current = undefined; redraw((n) => n + 1); }
    else if (event.key === 'Enter' && cross.current) act(cross.current.x, cross.current.y);
    else if (arrow && tool.peek() === 'pan') shift(-arrow[0] * far * 4, -arrow[1] * far * 4);
    else if (arrow && tool.peek() === 'inspect' && id === 'questioned') seekIndex(Math.max(0, Math.min(base.signal.t.length - 1, (current.peek() < 0 ? 0 : current.peek()) + (arrow[0] || arrow[1]) * (event.shiftKey ? 10 : 1))));
    else if (arrow) {
      const element = canvas.current!;
      const from = cross.current ?? { x: element.clientWidth / 2, y: element.clientHeight / 2 };
      cross.current = { x: from.x + arrow[0] * far, y: from.y + arrow[1] * far };
      redraw((n) => n + 1);
    } else return;
    event.preventDefault();
  };
  return (
    <canvas
      ref={canvas} tabIndex={0} role="application" aria-roledescription={texts.sheet} aria-label={label} aria-describedby="sheet-keys" data-test={`${test}-canvas`} data-tool={tool.value}
      onKeyDown={onKey}
      onPointerDown={(event) => { const [x, y] = local(event); drag.current = { x, y, far: 0 }; canvas.current?.setPointerCapture(event.pointerId); }}
      onPointerMove={(event) => {
        const [x, y] = local(event);
        const from = drag.current;
        if (from) {
          from.far += Math.hypot(x - from.x, y - from.y);
          if (tool.peek() === 'pan') shift(x - from.x, y - from.y);
          [from.x, from.y] = [x, y];
        } else if (tool.peek() === 'inspect' && id === 'questioned') hover.value = nearest(x, y);
      }}
      onPointerUp={(event) => { const [x, y] = local(event); if (drag.current && drag.current.far < 5) act(x, y); drag.current = undefined; }}
      onPointerLeave={() => { drag.current = undefined; if (id === 'questioned') hover.value = -1; }}
      onWheel={(event) => { if (event.ctrlKey || tool.peek() === 'pan') { event.preventDefault(); zoomBy(event.deltaY < 0 ? 1.15 : 1 / 1.15); } }}
    />
  );
}

export function zoomBy(factor: number): void {
  view.value = { ...view.peek(), zoom: Math.max(0.5, Math.min(40, view.peek().zoom * factor)) };
}

// A line of a round length that fits, in the corner.
function ruler(context: CanvasRenderingContext2D, frame: Frame, height: number, metric: boolean): void {
  if (!metric) return;
  const { ratio, scale } = frame;
  const length = [50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1].find((one) => one * scale < 160) ?? 0.1;
  context.strokeStyle = context.fillStyle = '#5b5442';
  context.lineWidth = ratio;
  context.font = `${11 * ratio}px sans-serif`;
  context.beginPath();
  const [x0, x1, y] = [8 * ratio, (8 + length * scale) * ratio, (height - 8) * ratio];
  context.moveTo(x0, y - 4 * ratio); context.lineTo(x0, y); context.lineTo(x1, y); context.lineTo(x1, y - 4 * ratio);
  context.stroke();
  context.fillText(`${number(length, length < 1 ? 1 : 0)} mm`, x0 + 4 * ratio, y - 5 * ratio);
}

function drawSpots(context: CanvasRenderingContext2D, frame: Frame, spots: Spot[]): void {
  if (spots.length === 0) return;
  const at = (spot: Spot): [number, number] => [(frame.left + spot.x * frame.scale) * frame.ratio, (frame.top + spot.y * frame.scale) * frame.ratio];
  context.strokeStyle = '#855100';
  context.lineWidth = 1.6 * frame.ratio;
  context.beginPath();
  spots.forEach((spot, i) => (i === 0 ? context.moveTo(...at(spot)) : context.lineTo(...at(spot))));
  context.stroke();
  for (const spot of spots) dot(context, ...at(spot), '#855100', frame.ratio * 0.8);
}

function mark(context: CanvasRenderingContext2D, frame: Frame, spot: Spot, label: string): void {
  const [x, y] = [(frame.left + spot.x * frame.scale) * frame.ratio, (frame.top + spot.y * frame.scale) * frame.ratio];
  const size = 9 * frame.ratio;
  context.fillStyle = '#855100';
  context.beginPath();
  context.arc(x, y, size, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = '#ffffff';
  context.font = `700 ${11 * frame.ratio}px sans-serif`;
  context.textAlign = 'center';
  context.fillText(label, x, y + 4 * frame.ratio);
  context.textAlign = 'start';
}

function crosshair(context: CanvasRenderingContext2D, at: { x: number; y: number }, ratio: number): void {
  context.strokeStyle = '#a61b24';
  context.lineWidth = ratio;
  context.beginPath();
  context.moveTo((at.x - 10) * ratio, at.y * ratio); context.lineTo((at.x + 10) * ratio, at.y * ratio);
  context.moveTo(at.x * ratio, (at.y - 10) * ratio); context.lineTo(at.x * ratio, (at.y + 10) * ratio);
  context.stroke();
}

// The reference's sample that goes with the replay's, by the chosen timing.
function lastOf(): number {
  if (time.value === Infinity) return Infinity;
  return Math.max(reachedPartner.value, effectiveTiming.value === 'warped' && warp.value ? -1 : 0);
}

export function Sheets() {
  const texts = text().sheets;
  const [one, other, item, known] = [questioned.value, reference.value, questionedItem.value, referenceItem.value];
  if (!one || !item) return null;
  const mine: Layer = { signal: one, style: QUESTIONED, alpha: 1, last: time.value === Infinity ? Infinity : cursor.value, cursor: current.value, cost: localCost.value };
  const theirs: Layer | undefined = other && { signal: other, style: REFERENCE, alpha: 1, last: lastOf(), cursor: currentPartner.value };
  const placed = theirs && { ...theirs, placed: placement.value.similarity };
  const caption = (of: Item, signal: Signal, kind: string) => <figcaption><strong>{kind} {of.label}</strong><span class="small muted">{describe(of, signal)}</span></figcaption>;
  return (
    <div class={mode.value === 'beside' ? 'pair' : 'single'} data-test="sheets" data-mode={mode.value}>
      {mode.value === 'beside' && <figure class="sheet sheet-questioned sheet-large" data-test="compare-questioned">{caption(item, one, texts.questioned)}<Sheet id="questioned" item={item} layers={[mine]} label={`${texts.questioned} ${item.label}`} test="questioned" /></figure>}
      {mode.value === 'beside' && theirs && known && <figure class="sheet sheet-large" data-test="compare-chosen">{caption(known, other!, texts.reference)}<Sheet id="reference" item={known} layers={[theirs]} label={`${texts.reference} ${known.label}`} test="reference" /></figure>}
      {mode.value !== 'beside' && placed && known && (
        <figure class="sheet sheet-questioned sheet-large" data-test="compare-overlay">
          <figcaption><strong>{mode.value === 'flicker' ? (flickered.value ? `${texts.reference} ${known.label}` : `${texts.questioned} ${item.label}`) : texts.over(item.label, known.label)}</strong><PlacementFacts /></figcaption>
          <Sheet id="questioned" item={item} label={texts.over(item.label, known.label)} test="overlay"
            layers={mode.value === 'overlay' ? [mine, { ...placed, alpha: opacity.value }] : flickered.value ? [{ ...mine, alpha: 0 }, placed] : [mine]} />
        </figure>
      )}
    </div>
  );
}

function PlacementFacts() {
  const texts = text().sheets;
  const { similarity, rms } = placement.value;
  const [one, other] = [questioned.value, reference.value];
  const unit = text().units.x(one?.metric ?? false);
  const size = one && other && comparable(one, other) ? number(100 * scaleOf(similarity), 1) : '–';
  const [dx, dy] = apply(similarity, 0, 0);
  return <span class="small muted" data-test="placement">{texts.placed(number(dx, 1), number(dy, 1), number(degreesOf(similarity), 1), size, number(rms, 2), unit)}</span>;
}

// How the reference is laid on the questioned signature.
export function Placement() {
  const texts = text().sheets;
  const by = manual.value;
  const unit = text().units.x(questioned.value?.metric ?? false);
  const field = (name: keyof typeof by, label: string, step: number) => (
    <label class="field small"><span>{label}</span><input type="number" class="narrow" step={step} value={by[name]} data-test={`manual-${name}`}
      onInput={(event) => (manual.value = { ...manual.value, [name]: Number(event.currentTarget.value) || (name === 'percent' ? 100 : 0) })} /></label>
  );
  return (
    <div class="toolbar">
      <Select<Placing> label={texts.placing} value={placing.value} options={texts.placings} onChange={(value) => (placing.value = value)} test="placing" />
      {mode.value === 'overlay' && <label class="field"><span class="field-label">{texts.opacity}</span><input type="range" min="0" max="1" step="0.05" value={opacity.value} onInput={(event) => (opacity.value = Number(event.currentTarget.value))} data-test="opacity" /></label>}
      {mode.value === 'flicker' && <Flicker />}
      {placing.value === 'manual' && <>{field('dx', `${texts.right}, ${unit}`, 0.5)}{field('dy', `${texts.below}, ${unit}`, 0.5)}{field('degrees', texts.turned, 1)}{field('percent', texts.sized, 1)}</>}
    </div>
  );
}

// Both at the same place, in turn: slowly enough for everybody (two changes a
// second), and only by hand where the reader asked for less motion.
function Flicker() {
  const texts = text().sheets;
  const [auto, setAuto] = useState(() => !matchMedia('(prefers-reduced-motion: reduce)').matches);
  useEffect(() => {
    if (!auto) return;
    const timer = setInterval(() => (flickered.value = !flickered.peek()), 500);
    return () => clearInterval(timer);
  }, [auto]);
  return <><Button onClick={() => (flickered.value = !flickered.peek())} test="flick">{texts.swap}</Button><label class="check"><input type="checkbox" checked={auto} onChange={(event) => setAuto(event.currentTarget.checked)} data-test="flicker-auto" />{texts.auto}</label></>;
}

// Which signatures stand at a scale of their own, and why.
export function Unscaled() {
  if (unscaled.value.length === 0) return null;
  return <Notice tone="warn" test="unscaled">{text().sheets.unscaled(unscaled.value.map((item) => item.label).join(', '))}</Notice>;
}

// What was measured, in words; read out when it changes.
export function Measured() {
  const texts = text().tools;
  const { item: id, spots } = measured.value;
  // Before a point is set: of the questioned signature.
  const item = shown.value?.items.find((one) => one.id === id) ?? questionedItem.value;
  const metric = signalFor(item?.id, false)?.metric ?? false;
  const unit = text().units.x(metric);
  const [a, b, c] = spots;
  const nominal = metric && item?.device.nominalScale;
  return (
    <p class={spots.length > 0 ? 'small' : 'small no-print'} role="status" data-test="measured">
      {tool.value === 'ruler' && (a && b ? texts.distance(number(distance(a, b), 2), number(Math.abs(b.x - a.x), 2), number(Math.abs(b.y - a.y), 2), unit) : texts.rulerHint)}
      {tool.value === 'angle' && (a && b && c ? texts.angleIs(number(angle(a, b, c), 1)) : texts.angleHint)}
      {tool.value === 'note' && texts.noteHint}
      {tool.value === 'inspect' && texts.inspectHint}
      {tool.value === 'pan' && texts.panHint}
      {nominal && (tool.value === 'ruler') && ` ${texts.nominal}`}
    </p>
  );
}

// A small sheet, drawn only when the signature or the way of drawing changes.
function Thumbnail({ signal, label }: { signal: Signal; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const look = options({ signal, style: REFERENCE, alpha: 1, last: Infinity, cursor: -1 });
  const { width, height } = extentOf(signal);
  const paint = () => {
    const on = prepare(canvas.current);
    if (!on || width === 0 || height === 0) return;
    const frame = frameOf(signal, on.width, on.height, on.ratio, { zoom: 1, x: 0, y: 0 });
    drawSignal(on.context, signal, frame, REFERENCE, { ...look, dots: false });
    ruler(on.context, frame, on.height, signal.metric);
  };
  const latest = useRef(paint);
  latest.current = paint;
  const shows = JSON.stringify([look.inAir, look.order, look.colouring, look.range]);
  useEffect(() => later(canvas, () => latest.current()), [signal, width, height, shows]);
  useEffect(() => {
    const observer = new ResizeObserver(() => later(canvas, () => latest.current()));
    if (canvas.current) observer.observe(canvas.current);
    return () => { observer.disconnect(); never(canvas); };
  }, []);
  return <canvas ref={canvas} role="img" aria-label={label} />;
}

export function References() {
  const texts = text().sheets;
  const all = referenceItems.value;
  if (all.length === 0) return <p class="muted" data-test="no-references">{texts.none}</p>;
  return (
    <div class="sheets">
      {references.value.map((one, i) => {
        const item = all[i]!;
        return (
          <figure key={item.id} class={`sheet${referenceItem.value?.id === item.id ? ' sheet-chosen' : ''}`} data-test="compare-reference">
            <figcaption>
              <label class="check"><input type="radio" name="reference" checked={referenceItem.value?.id === item.id} onChange={() => (chosenReference.value = item.id)} data-test={`choose-reference-${i + 1}`} />{texts.reference} {item.label}</label>
              <span class="small muted">{describe(item, one)}</span>
            </figcaption>
            <Thumbnail signal={one} label={`${texts.reference} ${item.label}`} />
          </figure>
        );
      })}
    </div>
  );
}

function describe(item: Item, signal: Signal): string {
  const parts = [text().pointers[item.device.pointer] ?? item.device.pointer, `${number((signal.t.at(-1) ?? 0) / 1000, 1)} s`];
  if (item.signedAt) parts.unshift(dateTime(item.signedAt));
  parts.push(signal.metric ? `${number(signal.width)} × ${number(signal.height)} mm` : text().sheets.noScale);
  if (signal.metric && item.device.nominalScale) parts.push(text().sheets.nominal);
  return parts.join(' · ');
}
