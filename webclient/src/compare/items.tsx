// The signatures of a case: where each comes from, what may be read, and how to
// bring more: by an opening, or by a file.
import { useEffect, useState } from 'preact/hooks';
import { common } from '../i18n/common/index.ts';
import { dateTime, exactTime, number } from '../i18n/format.ts';
import { Badge, Button, Dialog, Empty, Form, Notice, Panel, ProblemNotice, Select, TextField, useMissing } from '../ui/ui.tsx';
import { Ask } from './ask.tsx';
import { words } from './casetext/index.ts';
import { CaseForm } from './cases.tsx';
import { Checks } from './checks.tsx';
import { OpeningFacts } from './openings.tsx';
import { leave } from './place.ts';
import { disputes, type Item, type Opening, type Part } from './service.ts';
import { reload, shown, take } from './state.ts';

export function Signatures() {
  const texts = words().items;
  const dispute = shown.value;
  const [adding, setAdding] = useState<'' | 'deposit' | 'file'>('');
  if (!dispute) return null;
  const compare = dispute.items.some((one) => one.part === 'questioned' && one.readable);
  return (
    <>
      <Question />
      {dispute.openings.filter((one) => ['asked', 'approved', 'refused'].includes(one.state)).map((one) => <OwnOpening key={one.id} opening={one} />)}
      <Panel title={texts.title} test="items" tools={compare && <a class="button button-primary" href={`#case/${dispute.id}/compare`} data-test="go-compare">{texts.compare}</a>}>
        {dispute.items.length === 0 && <Empty title={texts.emptyTitle} text={texts.emptyText} test="items-empty" />}
        {(['questioned', 'reference'] as Part[]).map((part) => {
          const of = dispute.items.filter((one) => one.part === part);
          return of.length > 0 && <div key={part} class="stack-small"><h3>{texts.parts[part]} ({number(of.length)})</h3>{of.map((one) => <Line key={one.id} item={one} />)}</div>;
        })}
        <div class="row">
          <Button onClick={() => setAdding('deposit')} test="add-deposit">{texts.fromDeposit}</Button>
          <Button onClick={() => setAdding('file')} test="add-file">{texts.fromFile}</Button>
        </div>
        <Dialog title={texts.fromDeposit} open={adding === 'deposit'} onClose={() => setAdding('')} test="add-deposit-dialog">
          <Ask case={dispute.id} done={() => { setAdding(''); void reload(); }} />
          <div><Button onClick={() => setAdding('')}>{texts.cancel}</Button></div>
        </Dialog>
        <Dialog title={texts.fromFile} open={adding === 'file'} onClose={() => setAdding('')} test="add-file-dialog"><Bring done={() => setAdding('')} /></Dialog>
      </Panel>
    </>
  );
}

function Question() {
  const texts = words().items;
  const dispute = shown.value!;
  const [editing, setEditing] = useState(false);
  return (
    <Panel title={texts.question} tools={<Button onClick={() => setEditing(true)} test="case-edit">{texts.edit}</Button>}>
      <p>{dispute.question}</p>
      {dispute.parties && <div class="stack-small"><h3>{words().cases.parties}</h3><p class="lines">{dispute.parties}</p></div>}
      <Dialog title={texts.edit} open={editing} onClose={() => setEditing(false)}>
        <CaseForm start={dispute} go={texts.save} save={async ({ reference, question, parties, keepUntil }) => { take(await disputes.describe(dispute.id, { reference, question, parties, keepUntil })); setEditing(false); }} />
      </Dialog>
    </Panel>
  );
}

// A question of one's own that is not open yet: what happens next, and the way there.
function OwnOpening({ opening }: { opening: Opening }) {
  const texts = words().openings;
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const act = async (call: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await call();
      await reload();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <Panel title={words().record.openings}>
      <OpeningFacts opening={opening}>
        <Notice tone={opening.state === 'approved' ? 'good' : opening.state === 'refused' ? 'bad' : 'info'} test="opening-next">{texts.next[opening.state as 'asked' | 'approved' | 'refused']}</Notice>
        <ProblemNotice problem={problem} />
        <div class="row">
          {opening.state === 'approved' && <Button kind="primary" busy={busy} onClick={() => void act(async () => take(await disputes.open(opening.id)))} test="open-evidence">{texts.open}</Button>}
          {opening.state !== 'refused' && <Button busy={busy} onClick={() => void act(() => disputes.withdraw(opening.id))} test="withdraw">{texts.withdraw}</Button>}
          {opening.state === 'asked' && <Button busy={busy} onClick={() => void act(async () => undefined)} test="opening-refresh">{texts.look}</Button>}
        </div>
      </OpeningFacts>
    </Panel>
  );
}

function Line({ item }: { item: Item }) {
  const texts = words().items;
  const [editing, setEditing] = useState(false);
  const origin = item.origin === 'deposit' ? texts.ofDocument(item.title ?? '', item.name) : texts.ofFile(item.filename ?? '', texts.formats[item.format ?? ''] ?? item.format ?? '');
  return (
    <div class="item" data-test="item" data-part={item.part}>
      <div class="row row-between">
        <strong class="item-label">{item.label}</strong>
        <span class="grow">{origin}{item.origin !== 'deposit' && item.name ? ` · ${item.name}` : ''}{item.signedAt && <span class="muted"> · {dateTime(item.signedAt)}</span>}</span>
        {item.readable ? item.until && <Badge tone="good">{texts.readableUntil(dateTime(item.until))}</Badge> : <Badge tone="warn" test="item-closed">{texts.closed}</Badge>}
        <Button kind="plain" onClick={() => setEditing(true)} label={texts.editItem(item.label)} test="item-edit">{texts.edit}</Button>
      </div>
      {item.note && <p class="small muted">{texts.origin}: {item.note}</p>}
      {item.checks && <Checks report={item.checks} />}
      <Dialog title={texts.editItem(item.label)} open={editing} onClose={() => setEditing(false)}><EditItem item={item} done={() => setEditing(false)} /></Dialog>
    </div>
  );
}

function EditItem({ item, done }: { item: Item; done: () => void }) {
  const texts = words().items;
  const [part, setPart] = useState(item.part);
  const [label, setLabel] = useState(item.label);
  const [note, setNote] = useState(item.note);
  const [removing, setRemoving] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const act = async (call: () => ReturnType<typeof disputes.change>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      take(await call());
      done();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const id = shown.value!.id;
  if (removing) {
    return (
      <>
        <p>{item.origin === 'deposit' ? texts.removeDeposit : texts.removeFile}</p>
        <ProblemNotice problem={problem} />
        <div class="row"><Button kind="danger" busy={busy} onClick={() => void act(() => disputes.removeItem(id, item.id))} test="item-remove-go">{texts.remove}</Button><Button onClick={() => setRemoving(false)}>{texts.cancel}</Button></div>
      </>
    );
  }
  return (
    <Form onSubmit={() => void act(() => disputes.change(id, item.id, { part, label, note }))}>
      <Select label={texts.part} value={part} options={texts.partNames} onChange={setPart} test="item-part" />
      <TextField label={texts.label} value={label} onInput={setLabel} required test="item-label" />
      <TextField label={texts.origin} value={note} onInput={setNote} lines={2} test="item-note" />
      <dl class="facts small"><dt>SHA-256</dt><dd class="mono">{item.sha256}</dd><dt>{texts.added}</dt><dd>{exactTime(item.addedAt)}</dd></dl>
      <ProblemNotice problem={problem} />
      <div class="row"><Button kind="primary" type="submit" busy={busy} test="item-save">{texts.save}</Button><Button kind="danger" onClick={() => { setProblem(undefined); setRemoving(true); }} test="item-remove">{texts.remove}</Button><Button onClick={done}>{texts.cancel}</Button></div>
    </Form>
  );
}

function Files({ chosen, onChoose }: { chosen: number; onChoose: (files: File[]) => void }) {
  const { error, attributes } = useMissing(chosen > 0 ? undefined : common().required);
  return (
    <div class="field">
      <label for="bring-file">{words().items.files}</label>
      <input {...attributes} id="bring-file" type="file" multiple accept=".asice,.csv,.inkml,.xml,.txt,.bin,.iso,.dat" aria-invalid={error ? true : undefined} aria-describedby={error && 'bring-file-error'}
        onChange={(event) => onChoose([...(event.currentTarget.files ?? [])])} data-test="bring-file" />
      {error && <span class="field-error" id="bring-file-error" role="alert">{error}</span>}
    </div>
  );
}

function Bring({ done }: { done: () => void }) {
  const texts = words().items;
  const [part, setPart] = useState<Part>('reference');
  const [files, setFiles] = useState<File[]>([]);
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ file: string; error: unknown }>();
  const [of] = useState(shown.value!.id); // whatever is open when the last file has gone
  // Who closes the dialog stops: what has not gone is not sent.
  const [stop] = useState(() => new AbortController());
  useEffect(() => () => stop.abort(), []);
  const send = async () => {
    setBusy(true);
    setProblem(undefined);
    for (const file of files) {
      try {
        take(await disputes.bring(of, file, { part, label: '', note }, stop.signal));
        setFiles((left) => left.filter((one) => one !== file));
        if (stop.signal.aborted) return;
      } catch (error) {
        if (stop.signal.aborted) return void reload().catch(() => undefined); // it may have arrived
        setProblem({ file: file.name, error });
        setBusy(false);
        return;
      }
    }
    setBusy(false);
    done();
  };
  return (
    <Form onSubmit={() => void send()}>
      <p class="small">{texts.bringText}</p>
      <Files chosen={files.length} onChoose={setFiles} />
      <Select label={texts.part} value={part} options={texts.partNames} onChange={setPart} test="bring-part" />
      <TextField label={texts.origin} value={note} onInput={setNote} lines={2} required minLength={3} hint={texts.originHint} test="bring-note" />
      {problem && <div class="stack-small"><strong>{problem.file}</strong><ProblemNotice problem={problem.error} /></div>}
      <div class="row"><Button kind="primary" type="submit" busy={busy} test="bring-go">{texts.bring(files.length)}</Button><Button onClick={done}>{texts.cancel}</Button></div>
    </Form>
  );
}

// A case is ended by hand here, or by its date.
export function EndCase() {
  const texts = words().items;
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const end = async (id: string) => {
    setBusy(true);
    setProblem(undefined);
    await disputes.remove(id).then(() => leave(id), setProblem);
    setBusy(false);
  };
  return (
    <div>
      <Button kind="danger" onClick={() => setAsking(true)} test="case-delete">{texts.end}</Button>
      <Dialog title={texts.end} open={asking} onClose={() => setAsking(false)}>
        <p>{texts.endText}</p>
        <ProblemNotice problem={problem} />
        <div class="row"><Button kind="danger" busy={busy} onClick={() => void end(shown.value!.id)} test="case-delete-go">{texts.end}</Button><Button onClick={() => setAsking(false)}>{texts.cancel}</Button></div>
      </Dialog>
    </div>
  );
}
