// Draws a signature up to a moment, coloured by a channel.
import { apply, type Similarity } from './align.ts';
import type { Signal } from './signal.ts';

export type Colouring = 'none' | 'p' | 'speed' | 'acceleration' | 'jerk' | 'tilt' | 't' | 'cost';

export interface Style {
  colour: string; // of plain ink
  air: string; // of in-air movement
  tip: string; // of the pen's place now
}

export interface Frame {
  scale: number; // CSS px to a unit of length, the same for all that are compared
  left: number; // CSS px
  top: number;
  ratio: number; // device px to a CSS px
  placed?: Similarity; // where the signature is laid before it is drawn
}

export interface Options {
  last: number; // sample up to which is drawn; Infinity draws all
  inAir: boolean;
  colouring: Colouring;
  range: [number, number]; // values of the channel at the ends of the scale
  cost?: (number | null)[]; // of each sample, for colouring by it
  order: boolean; // stroke numbers and directions
  dots: boolean; // every sample
  cursor: number; // sample to mark; -1 is none
}

// Dark blue to yellow through magenta, even in lightness: it survives grey
// printing and most colour blindness. Own mixture of five stops.
const STOPS = [[32, 20, 120], [110, 20, 150], [185, 50, 110], [235, 120, 50], [250, 200, 40]] as const;

export function ramp(part: number): string {
  const at = Math.min(0.9999, Math.max(0, part)) * (STOPS.length - 1);
  const low = STOPS[Math.floor(at)] ?? STOPS[0];
  const high = STOPS[Math.floor(at) + 1] ?? low;
  const mix = (i: 0 | 1 | 2) => Math.round(low[i] + (high[i] - low[i]) * (at % 1));
  return `rgb(${mix(0)} ${mix(1)} ${mix(2)})`;
}

const BINS = 64;
const PALETTE = Array.from({ length: BINS }, (_, i) => ramp(i / (BINS - 1)));
const NOTHING = '#b9b4a6'; // where a channel has no value

export function drawSignal(context: CanvasRenderingContext2D, signal: Signal, frame: Frame, style: Style, options: Options): void {
  const last = Math.min(signal.t.length - 1, options.last);
  const at = placer(signal, frame);
  context.lineCap = context.lineJoin = 'round';
  if (options.inAir) drawAir(context, signal, at, last, style, frame.ratio);
  drawInk(context, signal, at, last, style, options, frame.ratio);
  if (options.dots) drawDots(context, signal, at, last, frame.ratio);
  if (options.order) drawOrder(context, signal, at, last, style, frame.ratio);
  if (options.cursor >= 0 && options.cursor < signal.t.length) dot(context, ...at(options.cursor), style.tip, frame.ratio);
}

type Place = (i: number) => [number, number];

// Device pixels of a sample.
export function placer(signal: Signal, frame: Frame): Place {
  return (i) => {
    const [x, y] = frame.placed ? apply(frame.placed, signal.x[i]!, signal.y[i]!) : [signal.x[i]!, signal.y[i]!];
    return [(frame.left + x * frame.scale) * frame.ratio, (frame.top + y * frame.scale) * frame.ratio];
  };
}

function drawAir(context: CanvasRenderingContext2D, signal: Signal, at: Place, last: number, style: Style, ratio: number): void {
  context.strokeStyle = style.air;
  context.lineWidth = 0.8 * ratio;
  context.setLineDash([2 * ratio, 3 * ratio]);
  context.beginPath();
  for (let i = 1; i <= last; i++) {
    if (signal.start[i] || (signal.down[i] && signal.down[i - 1])) continue; // ink, or nothing is known of the way
    context.moveTo(...at(i - 1));
    context.lineTo(...at(i));
  }
  context.stroke();
  context.setLineDash([]);
}

// Pieces of one colour and one width are one path: thousands of samples take a
// few hundred calls.
function drawInk(context: CanvasRenderingContext2D, signal: Signal, at: Place, last: number, style: Style, options: Options, ratio: number): void {
  let key = -1;
  let open = false;
  const finish = () => {
    if (open) context.stroke();
    open = false;
  };
  for (let i = 0; i <= last; i++) {
    if (i === 0 || signal.start[i] || !signal.down[i] || !signal.down[i - 1]) {
      finish();
      key = -1;
      if (signal.down[i] && (i === last || !signal.down[i + 1] || signal.start[i + 1])) point(context, at(i), style, ratio);
      continue;
    }
    const width = Math.round(8 * (signal.p[i] ?? 0));
    const bin = colourBin(signal, i, options);
    const next = bin * 16 + width;
    if (next !== key || !open) {
      finish();
      key = next;
      open = true;
      context.strokeStyle = bin === 0 ? style.colour : bin < 0 ? NOTHING : PALETTE[bin - 1]!;
      context.lineWidth = (0.8 + (1.8 * width) / 8) * ratio;
      context.beginPath();
      context.moveTo(...at(i - 1));
    }
    context.lineTo(...at(i));
  }
  finish();
}

// 0 is the plain colour, -1 a missing value, else one more than the palette's entry.
function colourBin(signal: Signal, i: number, options: Options): number {
  if (options.colouring === 'none') return 0;
  const value = options.colouring === 'cost' ? options.cost?.[i] : signal[options.colouring][i];
  if (value == null) return options.colouring === 'cost' && !options.cost ? 0 : -1;
  const [low, high] = options.range;
  return 1 + Math.max(0, Math.min(BINS - 1, Math.round(((value - low) / (high - low || 1)) * (BINS - 1))));
}

function point(context: CanvasRenderingContext2D, [x, y]: [number, number], style: Style, ratio: number): void {
  context.fillStyle = style.colour;
  context.beginPath();
  context.arc(x, y, 1.2 * ratio, 0, 2 * Math.PI);
  context.fill();
}

function drawDots(context: CanvasRenderingContext2D, signal: Signal, at: Place, last: number, ratio: number): void {
  context.fillStyle = '#a61b24';
  context.beginPath();
  for (let i = 0; i <= last; i++) {
    if (!signal.down[i]) continue;
    const [x, y] = at(i);
    context.moveTo(x, y);
    context.arc(x, y, 1.1 * ratio, 0, 2 * Math.PI);
  }
  context.fill();
}

// The number of each stroke at its beginning, and an arrow in its middle.
function drawOrder(context: CanvasRenderingContext2D, signal: Signal, at: Place, last: number, style: Style, ratio: number): void {
  context.fillStyle = style.tip;
  context.font = `600 ${11 * ratio}px sans-serif`;
  for (let i = 0; i <= last; i++) {
    if (!signal.down[i] || (i > 0 && signal.down[i - 1] && !signal.start[i])) continue;
    let end = i;
    while (end + 1 <= last && signal.down[end + 1] && !signal.start[end + 1]) end++;
    const [x, y] = at(i);
    context.fillText(String(signal.stroke[i]! + 1), x - 10 * ratio, y - 3 * ratio);
    if (end - i >= 4) arrow(context, at(Math.floor((i + end) / 2) - 2), at(Math.floor((i + end) / 2) + 2), ratio);
    i = end;
  }
}

function arrow(context: CanvasRenderingContext2D, [x0, y0]: [number, number], [x1, y1]: [number, number], ratio: number): void {
  if (Math.hypot(x1 - x0, y1 - y0) < 0.2) return;
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const size = 7 * ratio;
  context.beginPath();
  context.moveTo(x1 + size * Math.cos(angle), y1 + size * Math.sin(angle));
  context.lineTo(x1 + size * Math.cos(angle + 2.5), y1 + size * Math.sin(angle + 2.5));
  context.lineTo(x1 + size * Math.cos(angle - 2.5), y1 + size * Math.sin(angle - 2.5));
  context.fill();
}

export function dot(context: CanvasRenderingContext2D, x: number, y: number, colour: string, ratio: number): void {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, 4.5 * ratio, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = '#ffffff';
  context.lineWidth = 1.2 * ratio;
  context.stroke();
}
