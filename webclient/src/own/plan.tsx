// A draft: who signs, and where. Places are dragged, moved by keys, or typed.
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Document, documents, type Field, type FieldKind } from '../api.ts';
import { type Language, language, LANGUAGES } from '../i18n/index.ts';
import { Viewer } from '../pdf/viewer.tsx';
import { Button, Notice, Panel, ProblemNotice, Select, TextField } from '../ui/ui.tsx';
import { choicesStored } from './choice.ts';
import { ProviderChoice } from './provider.tsx';
import { KINDS, newField, onEveryPage, Place, Settings } from './fields.tsx';
import { SecondChoice } from './second.tsx';
import { InPerson, Reminders } from './ways.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

interface Person {
  name: string;
  email: string;
  language: Language;
  second?: boolean;
  phone?: string;
}

export function Plan({ document, onChange }: { document: Document; onChange: (next: Document) => void }) {
  const texts = text().plan;
  const [people, setPeople] = useState<Person[]>(() => document.signers.length > 0
    ? document.signers.map((signer) => ({ name: signer.name, email: signer.email, language: signer.language as Language, second: signer.second ?? false, phone: signer.phone ?? '' }))
    : [{ name: '', email: '', language: language.value }]);
  const [fields, setFields] = useState<Field[]>(document.fields.map(({ name: _, fixed: __, ...field }) => field));
  const [kind, setKind] = useState<FieldKind>('signature');
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
    setFields([...fields, newField(kind, current, page, document.pages, fields)]);
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
    const without = people.find((_, i) => !fields.some((field) => field.signer === i && field.kind === 'signature'));
    return without ? texts.missingField(without.name) : '';
  };
  const save = async (send: boolean, complete = send): Promise<boolean> => {
    const lack = complete ? lacking() : '';
    setMissing(lack);
    if (lack) return false;
    setBusy(true);
    setSaved(false);
    setProblem(undefined);
    try {
      const plan = { signers: people.map((person) => ({ ...person, name: person.name.trim(), email: person.email.trim(), second: person.second ?? false, phone: person.second ? (person.phone ?? '').trim() : '' })), fields };
      await choicesStored();
      let next = await documents.plan(document.id, plan);
      if (send) next = await documents.send(document.id);
      setSaved(!send);
      onChange(next);
      return true;
    } catch (error) {
      if (!ended(error)) setProblem(error);
      return false;
    } finally {
      setBusy(false);
    }
  };

  const label = (field: Field) => texts.fieldOf(texts.fieldKinds[field.kind], people[field.signer]?.name ?? '', field.page);
  return (
    <div class="plan" data-test="plan">
      <Panel title={texts.title}>
        {people.map((person, i) => (
          <fieldset key={i} class="consent stack-small" data-test={`signer-${i + 1}`}>
            <legend>{texts.signer(i + 1)}</legend>
            <TextField label={texts.name} value={person.name} onInput={(name) => setPerson(i, { name })} autocomplete="off" required test="signer-name" />
            <TextField label={texts.email} type="email" value={person.email} onInput={(email) => setPerson(i, { email })} autocomplete="off" required test="signer-email" />
            <Select<Language> label={texts.language} value={person.language} options={LANGUAGES} onChange={(tag) => setPerson(i, { language: tag })} test="signer-language" />
            <SecondChoice value={person} onChange={(next) => setPerson(i, next)} />
            <div class="row">
              {people.length > 1 && <Button onClick={() => setCurrent(i)} pressed={current === i} test="signer-choose">{texts.fieldsFor(person.name)}</Button>}
              {people.length > 1 && <Button kind="plain" onClick={() => removePerson(i)} test="signer-remove">{texts.remove}</Button>}
            </div>
          </fieldset>
        ))}
        {people.length > 1 && <p class="small muted">{texts.order}</p>}
        <div class="row"><Button onClick={() => { setPeople([...people, { name: '', email: '', language: language.value }]); setCurrent(people.length); }} test="signer-add">{texts.add}</Button></div>
        <ProviderChoice document={document} onChange={onChange} />
        <Reminders document={document} onChange={onChange} />
        {missing && <Notice tone="warn" test="plan-missing">{missing}</Notice>}
        <ProblemNotice problem={problem} />
        {saved && <Notice tone="good">{texts.saved}</Notice>}
        <div class="row">
          <Button kind="primary" large onClick={() => void save(true)} busy={busy} test="send">{texts.send}</Button>
          <InPerson document={document} before={() => save(false, true)} />
          <Button onClick={() => void save(false)} busy={busy} test="save">{texts.save}</Button>
        </div>
      </Panel>
      <div class="stack-small grow" ref={pages}>
        <div class="row">
          <Select<FieldKind> label={texts.kind} compact value={kind} options={Object.fromEntries(KINDS.map((one) => [one, texts.fieldKinds[one]])) as Record<FieldKind, string>} onChange={setKind} test="field-kind" />
          <Button kind="primary" onClick={addField} test="place-field">{texts.place}</Button>
          <span class="small muted">{people.length > 1 ? `${people[current]?.name || texts.signer(current + 1)} · ` : ''}{texts.placeOn(page)}</span>
        </div>
        <p class="small muted" id="field-help">{texts.fieldHelp}</p>
        <Viewer
          url={documents.pdfURL(document.id)} pages={document.pages} targets={fields} onPage={setPage}
          overlay={(view) => fields.map((field, i) => field.page === view.number && (
            <Place key={i} index={i} field={field} view={view} label={label(field)} onChange={(next) => setField(i, next)} />
          ))}
        />
        {fields.map((field, i) => (
          <Settings
            key={i} field={field} label={label(field)} size={document.pages[field.page - 1]} onChange={(next) => setField(i, next)}
            onEveryPage={document.pages.length > 1 ? () => setFields([...fields, ...onEveryPage(field, document.pages, fields)]) : undefined}
          />
        ))}
      </div>
    </div>
  );
}
