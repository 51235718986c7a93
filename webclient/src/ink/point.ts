// One sample point as the device reported it, in the project's fixed units
// (package capture in Go): microseconds, 1/100 CSS pixel from the pad's top
// left, pressure 0..65535, angles in 0.01 degree. Integers throughout.
export interface Point {
  t: number;
  x: number;
  y: number;
  p: number;
  tiltX: number;
  tiltY: number;
  twist: number;
  down: boolean; // the tip touches; false is a recorded in-air point
  start: boolean; // first down point of a stroke
}

export const MAX_PRESSURE = 65535;

// Position units to a CSS pixel, and to a nominal millimetre (96 px to the inch).
export const UNITS_PER_PX = 100;
export const UNITS_PER_MM = (UNITS_PER_PX * 96) / 25.4;
