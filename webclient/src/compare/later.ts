// Work that may wait until the effect of an input is on the screen: one piece after
// each frame, so that the next input is never behind more than one of them. A piece
// that its owner asks for again takes the place of the one that waits.
const waiting = new Map<object, () => void>();
let running = false;

export function later(owner: object, work: () => void): void {
  waiting.delete(owner);
  waiting.set(owner, work);
  if (running) return;
  running = true;
  afterFrame(next);
}

// For an owner that goes.
export function never(owner: object): void {
  waiting.delete(owner);
}

function next(): void {
  const [first] = waiting;
  if (!first) {
    running = false;
    return;
  }
  const [owner, work] = first;
  waiting.delete(owner);
  afterFrame(next); // also where the piece throws
  work();
}

// Frames may come late, or not at all (a page out of sight, a slow machine that plays
// the video): then work goes on without them.
const PATIENCE = 60; // ms

function afterFrame(work: () => void): void {
  let due = true;
  const once = () => {
    if (!due) return;
    due = false;
    work();
  };
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, PATIENCE);
}
