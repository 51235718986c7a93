// What an examiner lays on a signature: distances, angles, notes. Places are in
// that signature's unit of length from the top left of its ink.
import { effect, signal } from '@preact/signals';
import { disputes, type Note } from './service.ts';
import { mode, questionedItem, referenceItem, shown, take } from './state.ts';

export interface Spot {
  x: number;
  y: number;
}

// Of the measuring tools: two points for a distance, three for an angle (its
// corner is the second).
export interface Marks {
  sheet: string;
  item: string; // the signature whose unit of length the spots are in
  spots: Spot[];
}

export const NOTHING: Marks = { sheet: '', item: '', spots: [] };
export const measured = signal(NOTHING);

// Points belong to the signature on which they were set, not to the sheet.
effect(() => {
  const { sheet, item } = measured.value;
  const there = sheet === 'questioned' ? questionedItem.value : mode.value === 'beside' ? referenceItem.value : undefined;
  if (item !== '' && there?.id !== item) measured.value = NOTHING;
});

export function distance(a: Spot, b: Spot): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

// Degrees between the arms at b, 0 to 180.
export function angle(a: Spot, b: Spot, c: Spot): number {
  const [ux, uy, vx, vy] = [a.x - b.x, a.y - b.y, c.x - b.x, c.y - b.y];
  return (Math.abs(Math.atan2(ux * vy - uy * vx, ux * vx + uy * vy)) * 180) / Math.PI;
}

// A further click of a tool that takes `need` points; one more begins anew.
export function addSpot(sheet: string, item: string, spot: Spot, need: number): void {
  const { sheet: before, spots } = measured.value;
  measured.value = { sheet, item, spots: before !== sheet || spots.length >= need ? [spot] : [...spots, spot] };
}

// A note that is being written.
export const writing = signal<{ item: string; spot: Spot } | undefined>(undefined);

// One at a time: what somebody wrote in another window stays.
export async function addNote(item: string, spot: Spot, text: string): Promise<void> {
  const round = (value: number) => Math.round(value * 100) / 100;
  take(await disputes.addNote(shown.value!.id, { item, x: round(spot.x), y: round(spot.y), text }));
}

export async function removeNote(note: Note): Promise<void> {
  take(await disputes.removeNote(shown.value!.id, note.id!));
}
