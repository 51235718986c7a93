// Signatures on paper: each alone at one common scale, and two over each other.
import { useEffect, useRef } from 'preact/hooks';
import { dateTime, number } from '../i18n/format.ts';
import { drawSignal, type Options, type Style } from './draw.ts';
import type { Signal } from './signal.ts';
import { chosen, colouring, colourTop, extent, inAir, opacity, opened, order, questioned, reference, references, time } from './state.ts';
import { text } from './text/index.ts';

const QUESTIONED: Style = { colour: '#14235c', air: '#8c97b8', tip: '#a61b24' };
const REFERENCE: Style = { colour: '#11683a', air: '#95b5a2', tip: '#a61b24' };
const MARGIN = 14;

// Read while rendering, so that a change of any of them draws anew.
function look(): Omit<Options, 'until' | 'cursor'> {
  return { inAir: inAir.value, colouring: colouring.value, top: colourTop.value, order: order.value };
}

interface Layer {
  signal: Signal;
  style: Style;
  alpha: number;
  until: number;
}

// Redraws when anything it shows changes; the canvas follows its box.
function Paper({ layers, label, test }: { layers: Layer[]; label: string; test?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shared = look();
  const { width, height } = extent.value;
  const paint = () => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context || element.clientWidth === 0) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    element.width = element.clientWidth * ratio;
    element.height = element.clientHeight * ratio;
    const scale = Math.min((element.clientWidth - 2 * MARGIN) / width, (element.clientHeight - 2 * MARGIN) / height);
    for (const layer of layers) {
      const frame = {
        scale, ratio,
        left: (element.clientWidth - layer.signal.width * scale) / 2,
        top: (element.clientHeight - layer.signal.height * scale) / 2,
      };
      context.globalAlpha = layer.alpha;
      drawSignal(context, layer.signal, frame, layer.style, { ...shared, until: layer.until, cursor: layer.until !== Infinity });
    }
    context.globalAlpha = 1;
    ruler(context, scale, element.clientHeight, ratio, layers[0]?.signal.metric ?? false);
  };
  const latest = useRef(paint);
  latest.current = paint;
  useEffect(paint);
  useEffect(() => {
    const observer = new ResizeObserver(() => latest.current());
    if (canvas.current) observer.observe(canvas.current);
    return () => observer.disconnect();
  }, []);
  return <canvas ref={canvas} role="img" aria-label={label} data-test={test} />;
}

// 10 mm, where lengths are known.
function ruler(context: CanvasRenderingContext2D, scale: number, height: number, ratio: number, metric: boolean): void {
  if (!metric) return;
  context.strokeStyle = context.fillStyle = '#6b644f';
  context.lineWidth = ratio;
  context.font = `${10 * ratio}px sans-serif`;
  context.beginPath();
  context.moveTo(8 * ratio, (height - 8) * ratio);
  context.lineTo((8 + 10 * scale) * ratio, (height - 8) * ratio);
  context.stroke();
  context.fillText('10 mm', 10 * ratio, (height - 11) * ratio);
}

export function Questioned() {
  const texts = text().sheets;
  const one = questioned.value;
  const sampled = opened.value?.questioned;
  if (!one || !sampled) return null;
  return (
    <figure class="sheet sheet-questioned sheet-large" data-test="compare-questioned">
      <figcaption><strong>{texts.questioned}</strong><span class="small muted">{describe(sampled.at, sampled.device.pointer, one)}</span></figcaption>
      <Paper layers={[{ signal: one, style: QUESTIONED, alpha: 1, until: time.value }]} label={texts.questioned} />
    </figure>
  );
}

export function Overlay() {
  const texts = text().sheets;
  const one = questioned.value;
  const other = reference.value;
  if (!one || !other) return null;
  // The reference runs along in step: at the same part of its own time.
  const part = time.value === Infinity ? Infinity : (time.value / (one.t.at(-1) || 1)) * (other.t.at(-1) ?? 0);
  return (
    <figure class="sheet sheet-large" data-test="compare-overlay">
      <figcaption><strong>{texts.overlay(chosen.value + 1)}</strong>
        <label class="small">{texts.opacity} <input type="range" min="0" max="1" step="0.05" value={opacity.value} onInput={(event) => (opacity.value = Number(event.currentTarget.value))} data-test="opacity" /></label>
      </figcaption>
      <Paper layers={[{ signal: other, style: REFERENCE, alpha: opacity.value, until: part }, { signal: one, style: QUESTIONED, alpha: 1, until: time.value }]} label={texts.overlay(chosen.value + 1)} />
    </figure>
  );
}

export function References() {
  const texts = text().sheets;
  const all = opened.value?.references ?? [];
  if (all.length === 0) return <p class="muted">{texts.none}</p>;
  return (
    <div class="sheets">
      {references.value.map((one, i) => (
        <figure key={all[i]?.id} class="sheet" data-test="compare-reference">
          <figcaption>
            <label class="check"><input type="radio" name="reference" checked={chosen.value === i} onChange={() => (chosen.value = i)} data-test={`choose-reference-${i + 1}`} />{texts.reference(i + 1)}</label>
            <span class="small muted">{describe(all[i]?.at ?? '', all[i]?.device.pointer ?? '', one)}</span>
          </figcaption>
          <Paper layers={[{ signal: one, style: REFERENCE, alpha: 1, until: Infinity }]} label={texts.reference(i + 1)} />
        </figure>
      ))}
    </div>
  );
}

function describe(at: string, pointer: string, signal: Signal): string {
  const pointers = text().pointers;
  const length = `${number((signal.t.at(-1) ?? 0) / 1000, 1)} s`;
  const size = signal.metric ? ` · ${number(signal.width)} × ${number(signal.height)} mm` : '';
  return `${dateTime(at)} · ${pointers[pointer] ?? pointer} · ${length}${size}`;
}
