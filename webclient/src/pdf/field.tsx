// A place to sign, shown on a page.
import type { ComponentChildren } from 'preact';
import { type Box, turnBox } from './geometry.ts';
import type { PageView } from './viewer.tsx';

export function fieldStyle(field: Box, page: PageView): Record<string, number> {
  const box = turnBox(field, page.size, page.turn);
  return { '--x': box.x * page.scale, '--y': box.y * page.scale, '--w': box.width * page.scale, '--h': box.height * page.scale };
}

export function FieldMark({ field, page, children }: { field: Box; page: PageView; children: ComponentChildren }) {
  return (
    <div class="pdf-field pdf-field-mine" style={fieldStyle(field, page)} data-target tabIndex={-1} data-test="field">{children}</div>
  );
}
