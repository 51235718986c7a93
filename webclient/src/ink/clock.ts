// The pen device's clock of one capture: microseconds of event.timeStamp. A
// reloaded page counts from a new origin, so the difference of the two origins
// is added: one capture has one clock, and the pings that map it to the server's
// use the same one.
export class PenClock {
  private readonly shift: number; // ms

  constructor(
    readonly origin: number, // performance.timeOrigin of the page that began the capture, ms
    currentOrigin: number = performance.timeOrigin,
  ) {
    this.shift = currentOrigin - origin;
  }

  // µs of a DOM time stamp of this page.
  at(timeStamp: number): number {
    return Math.max(0, Math.round((timeStamp + this.shift) * 1000));
  }

  now(): number {
    return this.at(performance.now());
  }
}
