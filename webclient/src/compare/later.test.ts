import { beforeEach, expect, it, vi } from 'vitest';
import { later, never } from './later.ts';

const frames: (() => void)[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (work: () => void) => frames.push(work));
});

function frame(): void {
  frames.splice(0).forEach((work) => work());
  vi.advanceTimersByTime(1);
}

it('does one piece a frame, the newest of each owner, and goes on after a failure', () => {
  const done: string[] = [];
  const [a, b, c, d] = [{}, {}, {}, {}];
  later(a, () => done.push('a, old'));
  later(b, () => { done.push('b'); throw new Error('broken'); });
  later(a, () => done.push('a'));
  later(c, () => done.push('c'));
  later(d, () => done.push('d'));
  never(c);
  expect(done).toEqual([]);
  expect(frame).toThrow('broken');
  expect(done).toEqual(['b']);
  frame();
  expect(done).toEqual(['b', 'a']);
  frame();
  frame();
  expect(done).toEqual(['b', 'a', 'd']);
  expect(frames.length).toBe(0); // nothing is left to wait for
  later(c, () => done.push('c'));
  frame();
  expect(done.at(-1)).toBe('c');
  frame(); // finds that nothing is left
});

it('goes on where no frame comes', () => {
  const done: string[] = [];
  later({}, () => done.push('a'));
  later({}, () => done.push('b'));
  vi.advanceTimersByTime(59);
  expect(done).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(done).toEqual(['a']);
  vi.advanceTimersByTime(60);
  expect(done).toEqual(['a', 'b']);
  frame(); // late, and with nothing left to do
  expect(done).toEqual(['a', 'b']);
});
