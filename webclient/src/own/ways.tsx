// Other ways to get a signature than one mail: reminders, another person, and a
// device that goes round.
import { useState } from 'preact/hooks';
import { account, type Document, documents, type Signer } from '../api.ts';
import { common } from '../i18n/common/index.ts';
import { day } from '../i18n/format.ts';
import { type Language, LANGUAGES } from '../i18n/index.ts';
import { Button, Dialog, Form, ProblemNotice, Select, TextField } from '../ui/ui.tsx';
import { useChoice } from './choice.ts';
import { type SecondLayer, SecondChoice } from './second.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

const DAYS = [0, 1, 2, 3, 5, 7, 14];

export function Reminders({ document, onChange }: { document: Document; onChange: (next: Document) => void }) {
  const texts = text().document.reminders;
  const { value, choose, problem } = useChoice(document.remindDays, async (days) => onChange(await documents.remindEvery(document.id, days)));
  const options = Object.fromEntries([...new Set([...DAYS, document.remindDays])].map((days) => [String(days), days === 0 ? texts.never : texts.every(days)]));
  return (
    <div class="stack-small">
      <Select label={texts.label} value={String(value)} options={options} onChange={(days) => choose(Number(days))} test="reminders" />
      {document.remindAt && <span class="small muted" data-test="reminder-next">{texts.next(day(document.remindAt))}</span>}
      <ProblemNotice problem={problem} />
    </div>
  );
}

// `before` stores a draft; the document is sent with the start of handing round.
export function InPerson({ document, before }: { document: Document; before?: () => Promise<boolean> }) {
  const texts = text().document;
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const start = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await documents.inPerson(document.id);
      await account.signOut(); // only then: the device must not go round with the owner's session
      location.replace('/sign?hand');
    } catch (error) {
      if (!ended(error)) setProblem(error);
      setBusy(false);
    }
  };
  return (
    <>
      <Button onClick={() => void (before ? before() : Promise.resolve(true)).then((ready) => ready && setOpen(true))} test="in-person">{texts.inPerson}</Button>
      <Dialog title={texts.handRound.title} open={open} onClose={() => setOpen(false)} test="in-person-dialog">
        <p>{texts.handRound.text}</p>
        <ProblemNotice problem={problem} />
        <div class="row">
          <Button kind="primary" onClick={() => void start()} busy={busy} test="in-person-go">{texts.handRound.go}</Button>
          <Button onClick={() => setOpen(false)}>{common().back}</Button>
        </div>
      </Dialog>
    </>
  );
}

// The address was wrong, or somebody else is to sign: as long as nobody has begun.
export function Correct({ document, signer, onChange }: { document: Document; signer: Signer; onChange: (next: Document) => void }) {
  const texts = text().document.correct;
  const [open, setOpen] = useState(false);
  const [name, setName] = useState(signer.name);
  const [email, setEmail] = useState(signer.email);
  const [language, setLanguage] = useState(signer.language as Language);
  const [layer, setLayer] = useState<SecondLayer>({ second: signer.second ?? false, phone: signer.phone ?? '' });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const save = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      onChange(await documents.correct(document.id, signer.id, { name: name.trim(), email: email.trim(), language, second: layer.second ?? false, phone: (layer.phone ?? '').trim() }));
      setOpen(false);
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy(false);
  };
  return (
    <>
      <Button kind="plain" onClick={() => setOpen(true)} test="signer-correct">{texts.go}</Button>
      <Dialog title={texts.title} open={open} onClose={() => setOpen(false)} test="correct">
        <p>{texts.text}</p>
        <Form onSubmit={() => void save()}>
          <TextField label={text().plan.name} value={name} onInput={setName} required autocomplete="off" test="correct-name" />
          <TextField label={text().plan.email} type="email" value={email} onInput={setEmail} required autocomplete="off" test="correct-email" />
          <Select<Language> label={text().plan.language} value={language} options={LANGUAGES} onChange={setLanguage} />
          <SecondChoice value={layer} onChange={setLayer} />
          <ProblemNotice problem={problem} />
          <div class="row">
            <Button kind="primary" type="submit" busy={busy} test="correct-go">{texts.save}</Button>
            <Button onClick={() => setOpen(false)}>{common().cancel}</Button>
          </div>
        </Form>
      </Dialog>
    </>
  );
}
