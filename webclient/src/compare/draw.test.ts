// The colours of a channel on paper: grey printing and colour blindness keep the order.
import { expect, it } from 'vitest';
import { ramp } from './draw.ts';

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
