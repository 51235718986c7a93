// The fields of a draft: where people sign, and what they fill in beside it.
import { useRef } from 'preact/hooks';
import type { Field, FieldKind, PageSize } from '../api.ts';
import { fieldStyle } from '../pdf/field.tsx';
import { keepOn } from '../pdf/geometry.ts';
import type { PageView } from '../pdf/viewer.tsx';
import { Button, Check, TextField } from '../ui/ui.tsx';
import { text } from './text/index.ts';

export const KINDS: FieldKind[] = ['signature', 'initials', 'date', 'text', 'checkbox'];

const TICKED = 'yes';

// Points; a signature of 7 by 2.5 cm.
const SIZES: Record<FieldKind, { width: number; height: number }> = {
  signature: { width: 200, height: 70 }, initials: { width: 60, height: 26 }, date: { width: 120, height: 22 },
  text: { width: 200, height: 22 }, checkbox: { width: 16, height: 16 },
};

const least = (kind: FieldKind): number => (kind === 'signature' ? 18 : 8); // the service refuses less

// A new field lies below the middle of the page, beside those that are there.
export function newField(kind: FieldKind, signer: number, page: number, pages: PageSize[], fields: Field[]): Field {
  const size = pages[page - 1] ?? { width: 595, height: 842 };
  const beside = fields.filter((field) => field.page === page).length;
  const box = { x: (size.width - SIZES[kind].width) / 2 + 14 * beside, y: size.height * 0.75 - 14 * beside, ...SIZES[kind] };
  return { kind, signer, page, ...round(keepOn(box, size, least(kind))), ...(kind === 'initials' || kind === 'date' ? { required: true } : {}) };
}

// Copies for the pages on which this signer has no field of the kind yet.
export function onEveryPage(field: Field, pages: PageSize[], fields: Field[]): Field[] {
  return pages.flatMap((size, i) => {
    const page = i + 1;
    if (fields.some((other) => other.page === page && other.kind === field.kind && other.signer === field.signer)) return [];
    return [{ ...field, page, ...round(keepOn(field, size, least(field.kind))) }];
  });
}

const round = (box: { x: number; y: number; width: number; height: number }) => ({
  x: Math.round(box.x * 10) / 10, y: Math.round(box.y * 10) / 10, width: Math.round(box.width * 10) / 10, height: Math.round(box.height * 10) / 10,
});

interface PlaceProps {
  index: number;
  field: Field;
  view: PageView;
  label: string;
  onChange: (next: Field | undefined) => void;
}

export function Place({ index, field, view, label, onChange }: PlaceProps) {
  const grab = useRef<{ x: number; y: number; field: Field; resize: boolean } | undefined>(undefined);
  const change = (part: Partial<Field>) => onChange({ ...field, ...round(keepOn({ ...field, ...part }, view.size, least(field.kind))) });
  const move = (event: PointerEvent) => {
    const from = grab.current;
    if (!from) return;
    const [dx, dy] = unturn((event.clientX - from.x) / view.scale, (event.clientY - from.y) / view.scale, view.turn);
    if (from.resize) change({ x: from.field.x, y: from.field.y, width: from.field.width + dx, height: from.field.height + dy });
    else change({ x: from.field.x + dx, y: from.field.y + dy });
  };
  const take = (event: PointerEvent, resize: boolean) => {
    event.stopPropagation();
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    grab.current = { x: event.clientX, y: event.clientY, field, resize };
  };
  const drop = () => (grab.current = undefined);
  const key = (event: KeyboardEvent) => {
    const step = 5;
    const steps: Record<string, [number, number]> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const by = steps[event.key];
    if (event.key === 'Delete' || event.key === 'Backspace') onChange(undefined);
    else if (by && event.shiftKey) change({ width: field.width + by[0], height: field.height + by[1] });
    else if (by) change({ x: field.x + by[0], y: field.y + by[1] });
    else return;
    event.preventDefault();
  };
  return (
    <button type="button" class={`pdf-field pdf-field-own pdf-field-${field.kind}`} style={fieldStyle(field, view)} aria-label={label} title={label} aria-describedby="field-help" data-target data-index={index} data-test="field"
      onPointerDown={(event) => take(event, false)} onPointerMove={move} onPointerUp={drop} onPointerCancel={drop} onKeyDown={key}>
      <span class="pdf-field-label">{field.kind === 'checkbox' ? (field.value ? '✓' : '') : field.value || label}</span>
      <span class="pdf-handle" aria-hidden="true" data-test="field-handle" onPointerDown={(event) => take(event, true)} onPointerMove={move} onPointerUp={drop} onPointerCancel={drop} />
    </button>
  );
}

// A movement on the turned page, as a movement on the page as displayed.
function unturn(dx: number, dy: number, turn: number): [number, number] {
  switch (turn) {
    case 90: return [dy, -dx];
    case 180: return [-dx, -dy];
    case 270: return [-dy, dx];
    default: return [dx, dy];
  }
}

interface SettingsProps {
  field: Field;
  label: string;
  size: { width: number; height: number } | undefined;
  onChange: (next: Field | undefined) => void;
  onEveryPage: (() => void) | undefined;
}

// What is asked for in a field, and its place in numbers.
export function Settings({ field, label, size, onChange, onEveryPage }: SettingsProps) {
  const texts = text().plan;
  const set = (part: Partial<Field>) => {
    const numbers = Object.values(part).filter((value) => typeof value === 'number');
    if (numbers.every(Number.isFinite)) onChange({ ...field, ...round(keepOn({ ...field, ...part }, size ?? { width: 2000, height: 2000 }, least(field.kind))) });
  };
  return (
    <details class="small" data-test="field-numbers">
      <summary>{label}</summary>
      <div class="stack-small">
        {field.kind !== 'signature' && <Asked field={field} onChange={onChange} />}
        <div class="row">
          {(['x', 'y', 'width', 'height'] as const).map((side) => (
            <div key={side} class="number"><TextField label={texts[side]} type="number" value={String(field[side])} onInput={(value) => set({ [side]: Number(value) })} test={`field-${side}`} /></div>
          ))}
        </div>
        <div class="row">
          {onEveryPage && <Button onClick={onEveryPage} test="field-everywhere">{texts.everyPage}</Button>}
          <Button kind="plain" onClick={() => onChange(undefined)} test="field-remove">{texts.removeField}</Button>
        </div>
      </div>
    </details>
  );
}

function Asked({ field, onChange }: { field: Field; onChange: (next: Field) => void }) {
  const texts = text().plan;
  return (
    <>
      {field.kind !== 'initials' && <TextField label={texts.fieldLabel} value={field.label ?? ''} onInput={(label) => onChange({ ...field, label })} maxLength={100} hint={texts.fieldLabelHint} test="field-label" />}
      {!field.value && <Check label={field.kind === 'checkbox' ? texts.mustTick : texts.required} checked={field.required ?? false} onChange={(required) => onChange({ ...field, required })} test="field-required" />}
      {field.kind === 'checkbox' && <Check label={texts.ticked} checked={field.value === TICKED} onChange={(ticked) => onChange({ ...field, value: ticked ? TICKED : '', required: false })} test="field-value" />}
      {(field.kind === 'text' || field.kind === 'date') && (
        <TextField
          label={texts.value} hint={texts.valueHint} type={field.kind === 'date' ? 'date' : 'text'} value={field.value ?? ''} maxLength={500} test="field-value"
          onInput={(value) => onChange({ ...field, value, required: value === '' && (field.required ?? false) })}
        />
      )}
    </>
  );
}
