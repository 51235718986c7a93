// A draft: who signs, and where. Places are dragged, moved by keys, or typed.
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Document, documents, type Field } from '../api.ts';
import { type Language, language, LANGUAGES } from '../i18n/index.ts';
import { keepOn } from '../pdf/geometry.ts';
import { fieldStyle } from '../pdf/field.tsx';
import { type PageView, Viewer } from '../pdf/viewer.tsx';
import { Button, Notice, Panel, ProblemNotice, Select, TextField } from '../ui/ui.tsx';
import { ProviderChoice } from './provider.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

interface Person {
  name: string;
  email: string;
  language: Language;
}

const SIZE = { width: 200, height: 70 }; // points: a signature of 7 by 2.5 cm
const LEAST = 18; // the service refuses less

export function Plan({ document, onChange }: { document: Document; onChange: (next: Document) => void }) {
  const texts = text().plan;
  const [people, setPeople] = useState<Person[]>(() => document.signers.length > 0
    ? document.signers.map((signer) => ({ name: signer.name, email: signer.email, language: signer.language as Language }))
    : [{ name: '', email: '', language: language.value }]);
  const [fields, setFields] = useState<Field[]>(document.fields.map(({ signer, page, x, y, width, height }) => ({ signer, page, x, y, width, height })));
  const [current, setCurrent] = useState(0); // the signer that new places are for
  const [page, setPage] = useState(1);
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [missing, setMissing] = useState('');
  const [fresh, setFresh] = useState(-1);
  const pages = useRef<HTMLDivElement>(null);

  const setPerson = (i: number, part: Partial<Person>) => setPeople(people.map((person, n) => (n === i ? { ...person, ...part } : person)));
  const setField = (i: number, next: Field | undefined) => setFields(next ? fields.map((field, n) => (n === i ? next : field)) : fields.filter((_, n) => n !== i));
  const removePerson = (i: number) => {
    setPeople(people.filter((_, n) => n !== i));
    setFields(fields.filter((field) => field.signer !== i).map((field) => ({ ...field, signer: field.signer > i ? field.signer - 1 : field.signer })));
    setCurrent(0);
  };
  const addField = () => {
    const size = document.pages[page - 1] ?? { width: 595, height: 842 };
    const beside = fields.filter((field) => field.page === page).length;
    const box = { x: (size.width - SIZE.width) / 2 + 14 * beside, y: size.height * 0.75 - 14 * beside, ...SIZE };
    setFields([...fields, { signer: current, page, ...round(keepOn(box, size, LEAST)) }]);
    setFresh(fields.length);
  };
  // A new place is brought into view with the focus on it, ready for the arrow keys.
  useEffect(() => {
    if (fresh < 0) return;
    const made = pages.current?.querySelector<HTMLElement>(`[data-index="${fresh}"]`);
    made?.scrollIntoView({ block: 'center' });
    made?.focus({ preventScroll: true });
    setFresh(-1);
  }, [fresh]);

  useEffect(() => setMissing(''), [people, fields]);

  const lacking = (): string => {
    if (people.some((person) => !person.name.trim() || !/.+@.+/.test(person.email))) return texts.missingSigner;
    const without = people.find((_, i) => !fields.some((field) => field.signer === i));
    return without ? texts.missingField(without.name) : '';
  };
  const save = async (send: boolean) => {
    const lack = send ? lacking() : '';
    setMissing(lack);
    if (lack) return;
    setBusy(true);
    setSaved(false);
    setProblem(undefined);
    try {
      const plan = { signers: people.map((person) => ({ ...person, name: person.name.trim(), email: person.email.trim() })), fields };
      let next = await documents.plan(document.id, plan);
      if (send) next = await documents.send(document.id);
      setSaved(!send);
      onChange(next);
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy(false);
  };

  return (
    <div class="plan" data-test="plan">
      <Panel title={texts.title}>
        {people.map((person, i) => (
          <fieldset key={i} class="consent stack-small" data-test={`signer-${i + 1}`}>
            <legend>{texts.signer(i + 1)}</legend>
            <TextField label={texts.name} value={person.name} onInput={(name) => setPerson(i, { name })} autocomplete="off" required test="signer-name" />
            <TextField label={texts.email} type="email" value={person.email} onInput={(email) => setPerson(i, { email })} autocomplete="off" required test="signer-email" />
            <Select<Language> label={texts.language} value={person.language} options={LANGUAGES} onChange={(tag) => setPerson(i, { language: tag })} test="signer-language" />
            <div class="row">
              {people.length > 1 && <Button onClick={() => setCurrent(i)} pressed={current === i} test="signer-choose">{texts.field(person.name, page)}</Button>}
              {people.length > 1 && <Button kind="plain" onClick={() => removePerson(i)} test="signer-remove">{texts.remove}</Button>}
            </div>
          </fieldset>
        ))}
        {people.length > 1 && <p class="small muted">{texts.order}</p>}
        <div class="row"><Button onClick={() => { setPeople([...people, { name: '', email: '', language: language.value }]); setCurrent(people.length); }} test="signer-add">{texts.add}</Button></div>
        <ProviderChoice document={document} onChange={onChange} />
        {missing && <Notice tone="warn" test="plan-missing">{missing}</Notice>}
        <ProblemNotice problem={problem} />
        {saved && <Notice tone="good">{texts.saved}</Notice>}
        <div class="row">
          <Button kind="primary" large onClick={() => void save(true)} busy={busy} test="send">{texts.send}</Button>
          <Button onClick={() => void save(false)} busy={busy} test="save">{texts.save}</Button>
        </div>
      </Panel>
      <div class="stack-small grow" ref={pages}>
        <div class="row">
          <Button kind="primary" onClick={addField} test="place-field">{texts.place}</Button>
          <span class="small muted">{people.length > 1 ? `${texts.field(people[current]?.name ?? '', page)} · ` : ''}{texts.placeOn(page)}</span>
        </div>
        <p class="small muted" id="field-help">{texts.fieldHelp}</p>
        <Viewer
          url={documents.pdfURL(document.id)} pages={document.pages} targets={fields} onPage={setPage}
          overlay={(view) => fields.map((field, i) => field.page === view.number && (
            <Place key={i} index={i} field={field} view={view} label={texts.field(people[field.signer]?.name ?? '', field.page)} onChange={(next) => setField(i, next)} />
          ))}
        />
        {fields.map((field, i) => (
          <Numbers key={i} field={field} label={texts.field(people[field.signer]?.name ?? '', field.page)} size={document.pages[field.page - 1]} onChange={(next) => setField(i, next)} />
        ))}
      </div>
    </div>
  );
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

function Place({ index, field, view, label, onChange }: PlaceProps) {
  const grab = useRef<{ x: number; y: number; field: Field; resize: boolean } | undefined>(undefined);
  const change = (part: Partial<Field>) => onChange({ ...field, ...round(keepOn({ ...field, ...part }, view.size, LEAST)) });
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
    <button type="button" class="pdf-field pdf-field-own" style={fieldStyle(field, view)} aria-describedby="field-help" data-target data-index={index} data-test="field"
      onPointerDown={(event) => take(event, false)} onPointerMove={move} onPointerUp={drop} onPointerCancel={drop} onKeyDown={key}>
      {label}
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

function Numbers({ field, label, size, onChange }: { field: Field; label: string; size: { width: number; height: number } | undefined; onChange: (next: Field | undefined) => void }) {
  const texts = text().plan;
  const set = (part: Partial<Field>) => {
    if (Object.values(part).every(Number.isFinite)) onChange({ ...field, ...round(keepOn({ ...field, ...part }, size ?? { width: 2000, height: 2000 }, LEAST)) });
  };
  return (
    <details class="small" data-test="field-numbers">
      <summary>{label}</summary>
      <div class="row">
        {(['x', 'y', 'width', 'height'] as const).map((side) => (
          <div key={side} class="number"><TextField label={texts[side]} type="number" value={String(field[side])} onInput={(value) => set({ [side]: Number(value) })} test={`field-${side}`} /></div>
        ))}
        <Button kind="plain" onClick={() => onChange(undefined)} test="field-remove">{texts.removeField}</Button>
      </div>
    </details>
  );
}
