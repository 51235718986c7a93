// Where a field lies on a page, for the style sheet.
import { type Box, turnBox } from './geometry.ts';
import type { PageView } from './viewer.tsx';

export function fieldStyle(field: Box, page: PageView): Record<string, number> {
  const box = turnBox(field, page.size, page.turn);
  return { '--x': box.x * page.scale, '--y': box.y * page.scale, '--w': box.width * page.scale, '--h': box.height * page.scale };
}
