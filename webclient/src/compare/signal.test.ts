import { describe, expect, it } from 'vitest';
import type { Sampled } from '../api.ts';
import { indexAt, signalOf, tiltAngle, toCSV } from './signal.ts';

function sampled(rows: [number, number, number, boolean, boolean?][], unitsPerMM = 10): Sampled {
  const column = <T>(pick: (row: (typeof rows)[number]) => T) => rows.map(pick);
  return {
    id: 'a', label: 'questioned', at: '', device: { pointer: 'pen' }, unitsPerMM,
    points: {
      t: column((row) => row[0]), x: column((row) => row[1]), y: column((row) => row[2]), p: column(() => 65535),
      tiltX: column(() => 0), tiltY: column(() => 3000), down: column((row) => row[3]), start: column((row) => row[4] ?? false),
    },
  };
}

describe('signal', () => {
  it('measures from the ink, in mm and ms', () => {
    const signal = signalOf(sampled([[0, 0, 0, false], [10_000, 100, 50, true, true], [20_000, 130, 90, true]]));
    expect(signal.t).toEqual([0, 10, 20]);
    expect(signal.x).toEqual([-10, 0, 3]);
    expect([signal.width, signal.height]).toEqual([3, 4]);
  });

  it('has speeds that do not cross a lift of the pen', () => {
    // 3-4-5: 5 mm in 10 ms is 500 mm/s, in both strokes; the leap between them is 100 mm.
    const signal = signalOf(sampled([[0, 0, 0, true, true], [10_000, 30, 40, true], [20_000, 1030, 40, true, true], [30_000, 1060, 80, true]]));
    expect(signal.speed).toEqual([500, 500, 500, 500]);
    expect(signal.acceleration).toEqual([0, 0, 0, 0]);
  });

  it('has no speed where two samples share a time', () => {
    expect(signalOf(sampled([[0, 0, 0, true, true], [0, 30, 40, true]])).speed).toEqual([null, null]);
  });

  it('says when lengths are not metric', () => {
    const signal = signalOf(sampled([[0, 5, 5, true, true], [10_000, 35, 45, true]], 0));
    expect(signal.metric).toBe(false);
    expect(signal.width).toBe(30);
  });
});

it('tilt away from upright', () => {
  expect(tiltAngle(0, 0)).toBe(0);
  expect(tiltAngle(30, 0)).toBeCloseTo(30, 10);
  // Two tilts of 45 degrees: tan = sqrt 2.
  expect(tiltAngle(45, 45)).toBeCloseTo(54.7356, 4);
});

it.each([[-1, -1], [0, 0], [9.99, 0], [10, 1], [99, 2]])('the sample at %d ms', (time, index) => {
  expect(indexAt([0, 10, 20], time)).toBe(index);
});

it('exports raw values', () => {
  expect(toCSV(sampled([[0, 1, 2, true, true]]))).toBe('t_us,x,y,pressure,tilt_x_cdeg,tilt_y_cdeg,down,start\r\n0,1,2,65535,0,3000,1,1\r\n');
});
