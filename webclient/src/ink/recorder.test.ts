import { beforeEach, describe, expect, it } from 'vitest';
import { PenClock } from './clock.ts';
import type { Point } from './point.ts';
import { Recorder, tiltOf } from './recorder.ts';

let pad: HTMLElement;
let points: Point[];
let ahead: Point[];
let fresh: Point[]; // not shown ahead
let recorder: Recorder;

function send(type: string, init: Record<string, unknown>, coalesced?: Record<string, unknown>[]): void {
  const event = new Event(type, { cancelable: true });
  const defaults = { pointerId: 1, pointerType: 'pen', button: 0, pressure: 0, clientX: 0, clientY: 0, twist: 0, tiltX: 0, tiltY: 0 };
  const full = (part: Record<string, unknown>) => ({ ...defaults, ...init, ...part });
  for (const [key, value] of Object.entries(full({}))) Object.defineProperty(event, key, { value });
  if (coalesced) Object.defineProperty(event, 'getCoalescedEvents', { value: () => coalesced.map(full) });
  pad.dispatchEvent(event);
}

beforeEach(() => {
  pad = document.createElement('div');
  pad.setPointerCapture = () => undefined;
  pad.getBoundingClientRect = () => new DOMRect(10, 20, 600, 240);
  points = [];
  ahead = [];
  fresh = [];
  recorder = new Recorder(pad, new PenClock(0, 0), { points: (more, shown) => { points.push(...more); fresh.push(...more.slice(shown)); }, ahead: (more) => ahead.push(...more) });
});

describe('recorder', () => {
  it('keeps every coalesced sample with its own time, place and pressure', () => {
    send('pointerdown', { clientX: 11, clientY: 22.5, pressure: 0.25, timeStamp: 100 });
    send('pointermove', { timeStamp: 106 }, [
      { clientX: 12.34, clientY: 20, pressure: 0.5, timeStamp: 102 },
      { clientX: 13, clientY: 20, pressure: 0.75, timeStamp: 104.005 },
      { clientX: 14, clientY: 20, pressure: 1, timeStamp: 106 },
    ]);
    send('pointerup', { clientX: 14, clientY: 20, timeStamp: 108 });
    expect(points.map((p) => [p.t, p.x, p.y, p.p, p.down, p.start])).toEqual([
      [100000, 100, 250, 16384, true, true],
      [102000, 234, 0, 32768, true, false],
      [104005, 300, 0, 49151, true, false],
      [106000, 400, 0, 65535, true, false],
      [108000, 400, 0, 0, false, false],
    ]);
    expect(recorder.seen).toMatchObject({ pointer: 'pen', pressure: true });
  });

  it('keeps samples in order that arrive while those before are taken', () => {
    const order: number[] = [];
    let late = 2;
    recorder.close();
    recorder = new Recorder(pad, new PenClock(0, 0), {
      points: (more) => {
        if (late-- > 0) send('pointermove', { timeStamp: 20 - late }); // as Chromium does while it is busy
        order.push(...more.map((point) => point.t / 1000));
      },
      ahead: () => undefined,
    });
    send('pointerdown', { timeStamp: 1 });
    send('pointerup', { timeStamp: 30 });
    expect(order).toEqual([1, 19, 20, 30]);
  });

  it('shows what comes between two frames ahead, and counts it once', () => {
    send('pointerdown', { timeStamp: 0 });
    send('pointerrawupdate', { timeStamp: 5 });
    send('pointerrawupdate', { timeStamp: 15 }, [{ timeStamp: 10 }, { timeStamp: 15 }]);
    expect(points.map((point) => point.t / 1000)).toEqual([0]);
    send('pointermove', { timeStamp: 20 }, [{ timeStamp: 5 }, { timeStamp: 10 }, { timeStamp: 15 }, { timeStamp: 20 }]);
    send('pointerrawupdate', { timeStamp: 20 }); // comes late
    expect(points.map((point) => point.t / 1000)).toEqual([0, 5, 10, 15, 20]);
    expect(ahead.map((point) => point.t / 1000)).toEqual([5, 10, 15]);
    expect(fresh.map((point) => point.t / 1000)).toEqual([0, 20]);
    expect(ahead.every((point) => point.down && !point.start)).toBe(true);
  });

  it('shows each of several samples of one time once', () => {
    send('pointerdown', { timeStamp: 0, clientX: 10 });
    send('pointerrawupdate', { timeStamp: 5, clientX: 11 });
    send('pointerrawupdate', { timeStamp: 5, clientX: 12 });
    send('pointermove', { timeStamp: 5 }, [{ timeStamp: 5, clientX: 11 }, { timeStamp: 5, clientX: 12 }, { timeStamp: 5, clientX: 13 }]);
    send('pointerrawupdate', { timeStamp: 5, clientX: 13 });
    const places = (of: Point[]) => of.map((point) => point.x / 100);
    expect(places(points)).toEqual([0, 1, 2, 3]);
    expect(places(ahead)).toEqual([1, 2]);
    expect(places(fresh)).toEqual([0, 3]);
  });

  it('is not misled by movements of the next stroke that a busy browser gives before the lift', () => {
    const raw = (...times: number[]) => send('pointerrawupdate', { timeStamp: times.at(-1) }, times.map((timeStamp) => ({ timeStamp })));
    const move = (...times: number[]) => send('pointermove', { timeStamp: times.at(-1) }, times.map((timeStamp) => ({ timeStamp })));
    send('pointerdown', { timeStamp: 0 });
    raw(5, 10, 150, 155); // the last two are of the next stroke
    move(5, 10);
    send('pointerup', { timeStamp: 15 });
    move(20, 80);
    send('pointerdown', { timeStamp: 145 });
    raw(160);
    move(150, 155, 160);
    send('pointerup', { timeStamp: 165 });
    expect(points.map((point) => [point.t / 1000, point.down, point.start])).toEqual([
      [0, true, true], [5, true, false], [10, true, false], [15, false, false], [20, false, false], [80, false, false],
      [145, true, true], [150, true, false], [155, true, false], [160, true, false], [165, false, false],
    ]);
    expect(ahead.map((point) => point.t / 1000)).toEqual([5, 10, 160]);
  });

  it('shows nothing ahead while no pen is down', () => {
    send('pointerrawupdate', { timeStamp: 1 });
    send('pointerdown', { timeStamp: 2 });
    send('pointerup', { timeStamp: 4 });
    send('pointerrawupdate', { timeStamp: 6 });
    expect(ahead).toEqual([]);
  });

  it('records hovering as in-air points', () => {
    send('pointermove', { clientX: 30, clientY: 40, timeStamp: 5 });
    expect(points).toMatchObject([{ down: false, start: false, x: 2000, y: 2000 }]);
    expect(recorder.seen.inAir).toBe(true);
  });

  it('leaves out a palm beside the pen, and says so', () => {
    send('pointerdown', { timeStamp: 1 });
    send('pointerup', { timeStamp: 2 });
    send('pointerdown', { pointerId: 7, pointerType: 'touch', timeStamp: 3 });
    send('pointermove', { pointerId: 7, pointerType: 'touch', timeStamp: 4 });
    expect(points.length).toBe(2);
    expect(recorder.seen.ignoredTouches).toBe(1);
  });

  it('takes the arrow of the mouse for no part of what a pen writes', () => {
    send('pointermove', { pointerId: 9, pointerType: 'mouse', clientX: 300, timeStamp: 1 });
    send('pointermove', { pointerType: 'pen', timeStamp: 1 });
    send('pointerdown', { pointerType: 'pen', pressure: 0.3, timeStamp: 2 });
    send('pointermove', { pointerId: 9, pointerType: 'mouse', clientX: 300, timeStamp: 30 });
    send('pointerup', { pointerType: 'pen', timeStamp: 32 });
    send('pointermove', { pointerId: 9, pointerType: 'mouse', clientX: 300, timeStamp: 40 });
    recorder.close();
    expect(points.map((point) => point.t)).toEqual([1000, 2000, 32_000]);
  });

  it('follows one finger only', () => {
    send('pointerdown', { pointerType: 'touch', timeStamp: 1 });
    send('pointerdown', { pointerId: 2, pointerType: 'touch', timeStamp: 2 });
    send('pointermove', { pointerId: 2, pointerType: 'touch', timeStamp: 3 });
    expect(points.length).toBe(1);
  });

  it('starts a new stroke after a cancelled one', () => {
    send('pointerdown', { timeStamp: 1 });
    send('pointercancel', { timeStamp: 2 });
    send('pointerdown', { timeStamp: 3 });
    expect(points.map((p) => p.start)).toEqual([true, true]);
  });

  it('keeps the order when capturing the pointer delivers waiting movements', () => {
    pad.setPointerCapture = () => send('pointermove', { timeStamp: 2 });
    send('pointerdown', { timeStamp: 1 });
    expect(points.map((p) => [p.t, p.start])).toEqual([[1000, true], [2000, false]]);
  });

  it('hears nothing after close', () => {
    recorder.close();
    send('pointerdown', { timeStamp: 1 });
    expect(points).toEqual([]);
  });
});

describe('clock', () => {
  it('goes on over a reload', () => {
    expect(new PenClock(1_000_000, 1_000_000).at(2500.5)).toBe(2_500_500);
    expect(new PenClock(1_000_000, 1_004_000).at(10)).toBe(4_010_000);
    const back = new PenClock(1_000_000, 100_000); // the device's clock was set back by a quarter of an hour
    back.follow(7_000_000);
    expect(back.now()).toBeGreaterThanOrEqual(7_000_000);
    expect(back.now()).toBeLessThan(8_000_000);
    const on = new PenClock(1_000_000, 1_004_000);
    on.follow(3_000_000);
    expect(on.at(10)).toBe(4_010_000);
  });
});

describe('tilt from altitude and azimuth', () => {
  // W3C Pointer Events 3, section 4.1.3: azimuth 0 leans to the right, pi/2 towards the writer.
  it.each([
    [Math.PI / 2, 0, 0, 0],
    [Math.PI / 4, 0, 4500, 0],
    [Math.PI / 4, Math.PI / 2, 0, 4500],
    [Math.PI / 4, Math.PI, -4500, 0],
    [0, 0, 9000, 0],
    [0, Math.PI / 4, 9000, 9000],
  ])('altitude %d, azimuth %d', (altitudeAngle, azimuthAngle, x, y) => {
    expect(tiltOf({ altitudeAngle, azimuthAngle })).toEqual([x, y]);
  });

  it('prefers tilt when the pen gives it', () => {
    expect(tiltOf({ tiltX: -30, tiltY: 12.345, altitudeAngle: 1, azimuthAngle: 1 })).toEqual([-3000, 1235]);
  });
});
