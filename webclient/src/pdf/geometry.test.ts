import { describe, expect, it } from 'vitest';
import { keepOn, type Turn, turnBox, turned } from './geometry.ts';

const page = { width: 600, height: 800 };
const box = { x: 50, y: 700, width: 200, height: 60 };

describe('turning', () => {
  // By hand: at 90 degrees clockwise the bottom left corner comes to the top left.
  it.each<[Turn, object]>([
    [0, box],
    [90, { x: 40, y: 50, width: 60, height: 200 }],
    [180, { x: 350, y: 40, width: 200, height: 60 }],
    [270, { x: 700, y: 350, width: 60, height: 200 }],
  ])('%d degrees', (turn, expected) => {
    expect(turnBox(box, page, turn)).toEqual(expected);
  });

  it('four quarter turns change nothing', () => {
    let at = box;
    let size = page;
    for (let i = 0; i < 4; i++) {
      at = turnBox(at, size, 90);
      size = turned(size, 90);
    }
    expect(at).toEqual(box);
  });
});

it('keeps a box on the page', () => {
  expect(keepOn({ x: -10, y: 790, width: 5, height: 60 }, page)).toEqual({ x: 0, y: 740, width: 12, height: 60 });
  expect(keepOn({ x: 0, y: 0, width: 9999, height: 60 }, page).width).toBe(600);
});
