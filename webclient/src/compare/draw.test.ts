// The colours of a channel on paper: grey printing and colour blindness keep the order.
import { expect, it } from 'vitest';
import { drawSignal, ramp } from './draw.ts';
import { sampled } from './signal.test.ts';
import { signalOf } from './signal.ts';

const PAPER = [255, 254, 249];

// CIE 1976 lightness of an sRGB colour, 0 black to 100 white.
function lightness(rgb: number[]): number {
  const [r, g, b] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  const y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return y <= 0.008856 ? 903.3 * y : 116 * Math.cbrt(y) - 16;
}

const at = (part: number) => lightness(ramp(part).match(/\d+/g)!.map(Number));

it('grows lighter evenly, so that a grey print shows the same', () => {
  const eighths = Array.from({ length: 9 }, (_, i) => at(i / 8));
  const steps = eighths.slice(1).map((value, i) => value - eighths[i]!);
  expect(Math.min(...steps)).toBeGreaterThan(4); // to be told apart, side by side
  expect(Math.max(...steps) / Math.min(...steps)).toBeLessThan(3);
});

it('stays darker than the paper at its lightest', () => {
  expect(lightness(PAPER) - at(1)).toBeGreaterThan(15);
  expect(at(-1)).toBe(at(0)); // beyond its ends it stays what it is there
  expect(at(2)).toBe(at(1));
});

// A finger is in the air unseen: its lift is the last that is known before the next touch.
it('draws no way in the air that nobody recorded', () => {
  const signal = signalOf(sampled([[0, 0, 0, true, true], [10_000, 10, 0, true], [11_000, 10, 0, false], [500_000, 90, 0, true, true], [510_000, 99, 0, true]]));
  const moves: string[] = [];
  let dashed = false;
  const context = new Proxy({ setLineDash: (dash: number[]) => (dashed = dash.length > 0), moveTo: (x: number) => dashed && moves.push(`to ${x}`), lineTo: (x: number) => dashed && moves.push(`line ${x}`) } as Record<string, unknown>, {
    get: (known, name: string) => known[name] ?? (() => undefined), set: () => true,
  }) as unknown as CanvasRenderingContext2D;
  drawSignal(context, signal, { scale: 1, left: 0, top: 0, ratio: 1 }, { colour: '', air: '', tip: '' }, { last: Infinity, inAir: true, colouring: 'none', range: [0, 1], order: false, dots: false, cursor: -1 });
  expect(moves).toEqual(['to 1', 'line 1']);
});
