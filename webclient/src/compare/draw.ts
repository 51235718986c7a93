// Draws a signature up to a moment, coloured by a channel.
import { indexAt, type Signal } from './signal.ts';

export type Colouring = 'none' | 'p' | 'speed' | 't';

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
}

export interface Options {
  until: number; // ms; Infinity draws all
  inAir: boolean;
  colouring: Colouring;
  top: number; // value of the channel that is the far end of the scale
  order: boolean; // stroke numbers
  cursor: boolean; // mark the pen's place
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

export function drawSignal(context: CanvasRenderingContext2D, signal: Signal, frame: Frame, style: Style, options: Options): void {
  const last = Math.min(signal.t.length - 1, indexAt(signal.t, options.until));
  const x = (i: number) => (frame.left + (signal.x[i] ?? 0) * frame.scale) * frame.ratio;
  const y = (i: number) => (frame.top + (signal.y[i] ?? 0) * frame.scale) * frame.ratio;
  context.lineCap = context.lineJoin = 'round';
  let strokes = 0;
  for (let i = 0; i <= last; i++) {
    if (signal.start[i] && options.order) mark(context, String(++strokes), x(i), y(i), style, frame.ratio);
    if (i === 0 || signal.start[i]) continue;
    const touching = signal.down[i] && signal.down[i - 1];
    if (!touching && !options.inAir) continue;
    context.strokeStyle = touching ? inkColour(signal, i, style, options) : style.air;
    context.lineWidth = (touching ? 0.8 + 1.8 * (signal.p[i] ?? 0) : 0.8) * frame.ratio;
    context.setLineDash(touching ? [] : [2 * frame.ratio, 3 * frame.ratio]);
    context.beginPath();
    context.moveTo(x(i - 1), y(i - 1));
    context.lineTo(x(i), y(i));
    context.stroke();
  }
  context.setLineDash([]);
  if (options.cursor && last >= 0) dot(context, x(last), y(last), style.tip, frame.ratio);
}

function inkColour(signal: Signal, i: number, style: Style, options: Options): string {
  if (options.colouring === 'none') return style.colour;
  const value = options.colouring === 't' ? signal.t[i] : signal[options.colouring][i];
  return ramp((value ?? 0) / (options.top || 1));
}

function mark(context: CanvasRenderingContext2D, text: string, x: number, y: number, style: Style, ratio: number): void {
  context.fillStyle = style.tip;
  context.font = `${11 * ratio}px sans-serif`;
  context.fillText(text, x - 9 * ratio, y - 3 * ratio);
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, colour: string, ratio: number): void {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, 4 * ratio, 0, 2 * Math.PI);
  context.fill();
}
