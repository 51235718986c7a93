// The pen device's clock of one capture: microseconds of event.timeStamp. A
// reloaded page counts from a new origin, so the difference of the two origins
// is added: one capture has one clock, and the pings that map it to the server's
// use the same one.
export class PenClock {
  private shift: number; // ms

  constructor(
    readonly origin: number, // performance.timeOrigin of the page that began the capture, ms
    currentOrigin: number = performance.timeOrigin,
  ) {
    this.shift = currentOrigin - origin;
  }

  // What comes is later than what an earlier page recorded (µs): a device whose clock was
  // set back between two pages has their origins in the wrong order.
  follow(recorded: number): void {
    this.shift = Math.max(this.shift, recorded / 1000 - performance.now());
  }

  // µs of a DOM time stamp of this page.
  at(timeStamp: number): number {
    return Math.max(0, Math.round((timeStamp + this.shift) * 1000));
  }

  now(): number {
    return this.at(performance.now());
  }
}
