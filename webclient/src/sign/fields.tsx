// Fields beside the signature: shown where they stand on the page, entered there
// with a touch or in the form below the document.
import { useState } from 'preact/hooks';
import type { AskedField } from '../api.ts';
import { common } from '../i18n/common/index.ts';
import { longDay } from '../i18n/format.ts';
import { fieldStyle } from '../pdf/field.tsx';
import type { PageView } from '../pdf/viewer.tsx';
import { Button, Check, Notice, Panel, TextField } from '../ui/ui.tsx';
import { asked, enter, initialsOf, missing, TICKED, today, unsent, valueOf } from './filling.ts';
import { ceremony } from './state.ts';
import { text } from './text/index.ts';

export function FieldsOn({ page }: { page: PageView }) {
  const fields = (ceremony.value?.fields ?? []).filter((field) => field.page === page.number);
  return <>{fields.map((field) => <OnPage key={field.name} field={field} page={page} />)}</>;
}

function OnPage({ field, page }: { field: AskedField; page: PageView }) {
  const style = fieldStyle(field, page);
  if (field.kind === 'signature') return <div class="pdf-field pdf-field-mine" style={style} data-target tabIndex={-1} data-test="field">{common().pdf.signHere}</div>;
  const value = shown(field);
  if (field.fixed) return <div class="pdf-field pdf-field-given" style={style}>{value}</div>;
  const state = value ? 'full' : field.required ? 'needed' : 'empty';
  return (
    <button
      type="button" class={`pdf-field pdf-field-asked pdf-field-${field.kind}`} style={style} data-target data-state={state} data-test="fill" data-name={field.name}
      aria-label={`${title(field)}${value ? `: ${field.kind === 'checkbox' ? text().fill.ticked : value}` : ''}`} onClick={() => touch(field)}
    >
      {value || (field.kind === 'checkbox' ? '' : title(field))}
    </button>
  );
}

// A touch does what needs no keyboard; for the rest it leads to the form.
function touch(field: AskedField): void {
  if (field.kind === 'checkbox') enter({ [field.name]: valueOf(field) ? '' : TICKED });
  else if (field.kind === 'initials') enter({ [field.name]: valueOf(field) ? '' : usedInitials() });
  else {
    if (field.kind === 'date' && !valueOf(field)) enter({ [field.name]: today() });
    const control = document.querySelector<HTMLElement>(`[name="${field.name}"]`);
    control?.scrollIntoView({ block: 'center' });
    control?.focus({ preventScroll: true });
  }
}

function usedInitials(): string {
  const first = asked.value.find((field) => field.kind === 'initials' && valueOf(field));
  return first ? valueOf(first) : initialsOf(ceremony.value?.signer.name ?? '');
}

function shown(field: AskedField): string {
  const value = valueOf(field) || (field.fixed ? (field.value ?? '') : '');
  if (field.kind === 'checkbox') return value ? '✓' : '';
  return field.kind === 'date' && value ? longDay(value) : value;
}

function title(field: AskedField): string {
  return field.label || text().fill.kinds[field.kind];
}

export function Form({ tried }: { tried: boolean }) {
  const texts = text().fill;
  const others = asked.value.filter((field) => field.kind !== 'initials');
  const initials = asked.value.filter((field) => field.kind === 'initials');
  if (asked.value.length === 0) return null;
  return (
    <Panel title={texts.title} test="fields">
      <p class="muted">{texts.text}</p>
      {initials.length > 0 && <Initials fields={initials} tried={tried} />}
      {others.map((field) => <Entry key={field.name} field={field} tried={tried} />)}
      {unsent.value && <Notice tone="warn" test="fields-unsent">{texts.unsent}</Notice>}
    </Panel>
  );
}

function Initials({ fields, tried }: { fields: AskedField[]; tried: boolean }) {
  const texts = text().fill;
  const [value, setValue] = useState(usedInitials);
  const done = fields.filter((field) => valueOf(field));
  const change = (next: string) => {
    setValue(next);
    if (done.length > 0) enter(Object.fromEntries(done.map((field) => [field.name, next.trim()])));
  };
  const lacking = tried && fields.some((field) => missing.value.includes(field));
  return (
    <div class="row">
      <div class="initials"><TextField label={texts.initials} value={value} onInput={change} maxLength={12} error={lacking ? (value.trim() ? texts.press(texts.everywhere(fields.length)) : common().required) : undefined} test="initials" /></div>
      <Button onClick={() => enter(Object.fromEntries(fields.map((field) => [field.name, value.trim()])))} disabled={!value.trim() || done.length === fields.length} test="initial-all">{texts.everywhere(fields.length)}</Button>
      <span class="small muted" role="status" data-test="initials-done">{texts.initialled(done.length, fields.length)}</span>
    </div>
  );
}

function Entry({ field, tried }: { field: AskedField; tried: boolean }) {
  const texts = text().fill;
  const error = tried && missing.value.includes(field) ? common().required : undefined;
  const set = (value: string) => enter({ [field.name]: value });
  if (field.kind === 'checkbox') {
    return (
      <div class="field">
        <Check label={`${title(field)} (${where(field)})`} checked={valueOf(field) === TICKED} onChange={(on) => set(on ? TICKED : '')} name={field.name} test={`entry-${field.name}`} />
        {error && <span class="field-error">{error}</span>}
      </div>
    );
  }
  return (
    <TextField
      label={`${title(field)} (${where(field)})`} value={valueOf(field)} onInput={set} name={field.name} error={error} required={field.required}
      type={field.kind === 'date' ? 'date' : 'text'} lines={field.kind === 'text' && field.height > 40 ? 3 : undefined} maxLength={500}
      hint={field.kind === 'date' ? texts.dateHint : undefined} test={`entry-${field.name}`}
    />
  );
}

function where(field: AskedField): string {
  const texts = text().fill;
  return field.required ? `${texts.page(field.page)}, ${texts.needed}` : `${texts.page(field.page)}, ${common().optional}`;
}
