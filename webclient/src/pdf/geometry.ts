// Boxes on a page, in points from the top left of the page as displayed, and how
// they lie after the reader has turned the page.

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Turn = 0 | 90 | 180 | 270; // clockwise

export function turned(size: { width: number; height: number }, turn: Turn): { width: number; height: number } {
  return turn % 180 === 0 ? { width: size.width, height: size.height } : { width: size.height, height: size.width };
}

export function turnBox(box: Box, page: { width: number; height: number }, turn: Turn): Box {
  const { x, y, width, height } = box;
  switch (turn) {
    case 0:
      return { x, y, width, height };
    case 90:
      return { x: page.height - y - height, y: x, width: height, height: width };
    case 180:
      return { x: page.width - x - width, y: page.height - y - height, width, height };
    case 270:
      return { x: y, y: page.width - x - width, width: height, height: width };
  }
}

// Keeps a box on its page and at least `least` wide and high.
export function keepOn(box: Box, page: { width: number; height: number }, least = 12): Box {
  const width = Math.min(Math.max(box.width, least), page.width);
  const height = Math.min(Math.max(box.height, least), page.height);
  return {
    width,
    height,
    x: Math.min(Math.max(box.x, 0), page.width - width),
    y: Math.min(Math.max(box.y, 0), page.height - height),
  };
}
