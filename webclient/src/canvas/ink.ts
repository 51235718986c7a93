// Draws ink while it is written. Each sample is drawn in the event that brings
// it, on a desynchronized canvas, so ink shows in the same frame. What is drawn
// is never what is stored: the recorder keeps the samples as they came.
import { MAX_PRESSURE, type Point, UNITS_PER_PX } from '../ink/point.ts';

export interface Look {
  colour: string;
  width: number; // CSS px at half pressure
}

export class InkCanvas {
  private readonly context: CanvasRenderingContext2D | null;
  private last: Point | undefined;
  private ratio = 1;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly look: Look,
  ) {
    this.context = canvas.getContext('2d', { desynchronized: true });
  }

  // Sets the size in CSS px; what was drawn is gone and is drawn again by the caller.
  resize(width: number, height: number, ratio = Math.min(3, window.devicePixelRatio || 1)): void {
    this.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.last = undefined;
  }

  clear(): void {
    this.context?.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.last = undefined;
  }

  draw(points: readonly Point[]): void {
    for (const point of points) {
      if (point.down) this.segment(point.start ? undefined : this.last, point);
      this.last = point.down ? point : undefined;
    }
  }

  private segment(from: Point | undefined, to: Point): void {
    const context = this.context;
    if (!context) return;
    const scale = this.ratio / UNITS_PER_PX;
    context.strokeStyle = this.look.colour;
    context.lineCap = context.lineJoin = 'round';
    context.lineWidth = this.look.width * this.ratio * widthFactor(to.p);
    context.beginPath();
    context.moveTo((from ?? to).x * scale, (from ?? to).y * scale);
    context.lineTo(to.x * scale + (from ? 0 : 0.01), to.y * scale);
    context.stroke();
  }
}

// 0.45 at no pressure, 1 at half, 1.55 at full: a mouse, which reports half, gets the plain width.
export function widthFactor(pressure: number): number {
  return 0.45 + 1.1 * (pressure / MAX_PRESSURE);
}
