// Turns pointer events into sample points. Everything that the device reports
// becomes a point: coalesced samples, in-air movement, the lift of the pen.
// Nothing is smoothed, thinned or predicted.
import type { PenClock } from './clock.ts';
import { MAX_PRESSURE, type Point, UNITS_PER_PX } from './point.ts';

export interface RecorderSink {
  points(points: Point[], shown: number): void; // all there are, in the order of their times; the first `shown` were ahead
  ahead(points: Point[]): void; // movements of the stroke, before they come as points; to be shown
}

// What was seen of the device while recording; goes into the evidence.
export interface Seen {
  pointer: 'pen' | 'touch' | 'mouse' | '';
  pressure: boolean; // values other than the 0 and 0.5 that stand for "no sensor"
  tilt: boolean;
  twist: boolean;
  inAir: boolean;
  coalesced: boolean; // the browser can give the samples between two frames
  events: number;
  samples: number;
  ignoredTouches: number; // fingers and palms beside a pen
}

// How long after the sample before one that is shown ahead may be. Shorter than the
// lift between two strokes, longer than two samples at 100 Hz.
const STROKE = 25_000; // µs

export class Recorder {
  readonly seen: Seen = {
    pointer: '', pressure: false, tilt: false, twist: false, inAir: false, coalesced: false,
    events: 0, samples: 0, ignoredTouches: 0,
  };
  private active: number | undefined; // pointerId that is writing
  private readonly ready: [points: Point[], shown: number][] = []; // the first is with the sink
  // The newest time of which the sink has samples of the stroke, and how many of that time:
  // there may be several, where a clock is coarse or a busy browser gives them together.
  private newest = { t: 0, shown: 0, ahead: 0, counted: 0 };
  private left = 0;
  private top = 0;
  private readonly stop = new AbortController();

  constructor(
    private readonly pad: HTMLElement,
    private readonly clock: PenClock,
    private readonly sink: RecorderSink,
  ) {
    const options: AddEventListenerOptions = { signal: this.stop.signal, passive: false };
    pad.addEventListener('pointerdown', (event) => this.down(event), options);
    // Movements count as pointermove brings them: once a frame, and always before the
    // pen down or lift that follows them (Pointer Events 3, section 4.2.6). The same
    // samples come in pointerrawupdate as they arrive; in a busy Chromium those of the
    // next stroke may then come ahead of the lift and the pen down before them.
    pad.addEventListener('pointermove', (event) => this.move(event), options);
    pad.addEventListener('pointerrawupdate', (event) => this.ahead(event as PointerEvent), options);
    pad.addEventListener('pointerup', (event) => this.up(event), options);
    pad.addEventListener('pointercancel', (event) => this.cancel(event), options);
    for (const kind of ['touchstart', 'touchmove', 'contextmenu', 'selectstart', 'dragstart'] as const) {
      pad.addEventListener(kind, (event) => event.preventDefault(), options);
    }
    const measure = () => this.measure();
    window.addEventListener('resize', measure, { signal: this.stop.signal });
    window.addEventListener('scroll', measure, { signal: this.stop.signal, capture: true, passive: true });
    this.measure();
  }

  close(): void {
    this.stop.abort();
  }

  private measure(): void {
    const box = this.pad.getBoundingClientRect();
    this.left = box.left;
    this.top = box.top;
  }

  private down(event: PointerEvent): void {
    event.preventDefault();
    if (this.ignored(event) || this.active !== undefined || event.button !== 0) return;
    this.measure();
    this.active = event.pointerId;
    this.seen.pointer = event.pointerType as Seen['pointer'];
    // First the sample, then the capture: Chromium delivers movements that wait
    // in its queue from within setPointerCapture.
    const first = this.point(event, true, true);
    this.newest = { t: first.t, shown: 1, ahead: 0, counted: 1 };
    this.emit([first], 0);
    try {
      this.pad.setPointerCapture(event.pointerId);
    } catch {
      // the pointer is already gone; its up event still ends the stroke
    }
  }

  private move(event: PointerEvent): void {
    if (this.ignored(event)) return;
    if (this.active !== undefined && event.pointerId !== this.active) return;
    const down = this.active !== undefined;
    if (!down) this.seen.inAir = true;
    const all = samplesOf(event);
    if (all[0] !== event) this.seen.coalesced = true;
    const points = all.map((one) => this.point(one, down, false));
    this.emit(points, points.filter((point) => this.isShown(point.t, 'counted')).length);
  }

  private ahead(event: PointerEvent): void {
    if (this.ignored(event) || event.pointerId !== this.active) return;
    for (const point of samplesOf(event).map((one) => this.point(one, true, false))) {
      if (point.t - this.newest.t > STROKE) return;
      if (!this.isShown(point.t, 'ahead')) this.sink.ahead([point]);
    }
  }

  // Whether the sink has a sample that comes one way or the other; it has from then on.
  private isShown(t: number, way: 'ahead' | 'counted'): boolean {
    if (t < this.newest.t) return true;
    if (t > this.newest.t) this.newest = { t, shown: 0, ahead: 0, counted: 0 };
    this.newest[way]++;
    if (this.newest[way] <= this.newest.shown) return true;
    this.newest.shown++;
    return false;
  }

  // A busy Chromium delivers movements that wait in its queue from within a handler,
  // so this may be called while the sink still has what came before: in turn.
  private emit(points: Point[], shown: number): void {
    this.seen.events++;
    this.seen.samples += points.length;
    this.ready.push([points, shown]);
    if (this.ready.length > 1) return;
    for (let next = this.ready[0]; next; next = this.ready[0]) {
      try {
        this.sink.points(...next);
      } finally {
        this.ready.shift();
      }
    }
  }

  // The lift is a sample too: where and when the tip left the surface.
  private up(event: PointerEvent): void {
    if (event.pointerId !== this.active) return;
    this.active = undefined;
    this.emit([this.point(event, false, false)], 0);
  }

  // A cancelled pointer has no position of its own; the stroke ends at its last sample.
  private cancel(event: PointerEvent): void {
    if (event.pointerId === this.active) this.active = undefined;
  }

  // A hand that rests on the screen while a pen writes is not handwriting, nor is the
  // arrow of a mouse that has not written: browsers move it by themselves when the page
  // below it changes, also before the pen comes.
  private ignored(event: PointerEvent): boolean {
    if (event.pointerType === 'pen') {
      this.seen.pointer = 'pen';
      return false;
    }
    if (this.seen.pointer === '') return event.pointerType === 'mouse' && event.type !== 'pointerdown';
    if (this.seen.pointer !== 'pen') return false;
    if (event.pointerType === 'touch' && event.type === 'pointerdown') this.seen.ignoredTouches++;
    return true;
  }

  private point(event: PointerEvent, down: boolean, start: boolean): Point {
    const [tiltX, tiltY] = tiltOf(event);
    const pressure = down ? event.pressure : 0;
    if (down && pressure !== 0 && pressure !== 0.5) this.seen.pressure = true;
    if (tiltX !== 0 || tiltY !== 0) this.seen.tilt = true;
    if (event.twist) this.seen.twist = true;
    return {
      t: this.clock.at(event.timeStamp),
      x: Math.round((event.clientX - this.left) * UNITS_PER_PX),
      y: Math.round((event.clientY - this.top) * UNITS_PER_PX),
      p: Math.round(Math.min(1, Math.max(0, pressure)) * MAX_PRESSURE),
      tiltX,
      tiltY,
      twist: Math.round((((event.twist || 0) % 360) + 360) % 360 * 100) % 36000,
      down,
      start,
    };
  }
}

function samplesOf(event: PointerEvent): PointerEvent[] {
  const all = event.getCoalescedEvents?.() ?? [];
  return all.length > 0 ? all : [event];
}

// Tilt in 0.01 degree. A pen that only knows altitude and azimuth (W3C Pointer
// Events 3, section 4.1.3) is converted; one that knows both is read as tilt.
export function tiltOf(event: {
  tiltX?: number;
  tiltY?: number;
  altitudeAngle?: number;
  azimuthAngle?: number;
}): [number, number] {
  const { tiltX = 0, tiltY = 0, altitudeAngle, azimuthAngle } = event;
  if (tiltX !== 0 || tiltY !== 0 || altitudeAngle === undefined || azimuthAngle === undefined) {
    return [hundredths(tiltX), hundredths(tiltY)];
  }
  if (altitudeAngle >= Math.PI / 2) return [0, 0];
  const degrees = 180 / Math.PI;
  if (altitudeAngle <= 0) {
    const flat = (component: number) => (Math.abs(component) < 1e-9 ? 0 : Math.sign(component) * 90);
    return [hundredths(flat(Math.cos(azimuthAngle))), hundredths(flat(Math.sin(azimuthAngle)))];
  }
  const slope = Math.tan(altitudeAngle);
  return [
    hundredths(Math.atan(Math.cos(azimuthAngle) / slope) * degrees),
    hundredths(Math.atan(Math.sin(azimuthAngle) / slope) * degrees),
  ];
}

function hundredths(degrees: number): number {
  return Math.max(-9000, Math.min(9000, Math.round(degrees * 100))) || 0;
}
