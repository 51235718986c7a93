// All documents and where each stands; a new one begins with an upload.
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Document, type DocumentState, documents, newKey, Problem } from '../api.ts';
import { dateTime, day } from '../i18n/format.ts';
import { useNewest } from '../newest.ts';
import { Badge, Button, Empty, Panel, ProblemNotice, Progress, Select, TextField } from '../ui/ui.tsx';
import { ended, go } from './state.ts';
import { text } from './text/index.ts';

const POLL_MS = 5000;
const PAGE = 50; // documents of one answer

export function Documents() {
  const texts = text().list;
  const [known, setKnown] = useState<Document[]>();
  const [problem, setProblem] = useState<unknown>();
  const [oldest, setOldest] = useState<string>(); // the id of the first of all
  const [words, setWords] = useState('');
  const [state, setState] = useState<DocumentState | ''>('');
  const fail = (error: unknown) => { if (!ended(error)) setProblem(error); };
  const newest = useNewest();
  const load = () => newest(documents.list(), (answer) => {
    setKnown((before) => [...answer.documents, ...below(before ?? [], answer.documents)]);
    setProblem(undefined);
  }, fail);
  const loadOlder = () => documents.list(known?.at(-1)?.createdAt).then((answer) => {
    setKnown((before) => [...(before ?? []), ...without(answer.documents, before ?? [])]);
    if (answer.documents.length < PAGE) setOldest((answer.documents.at(-1) ?? known?.at(-1))?.id);
  }, fail);
  const shown = (known ?? []).filter((one) => (state === '' || one.state === state) && matches(one, words));
  useEffect(() => {
    void load();
    const timer = setInterval(() => document.visibilityState === 'visible' && void load(), POLL_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="stack" data-test="documents">
      <div class="row row-between"><h1>{text().title}</h1><Upload /></div>
      <ProblemNotice problem={problem} onRetry={() => void load()} />
      {!known && !problem && <Progress label={text().title} />}
      {known?.length === 0 && <Panel><Empty title={texts.emptyTitle} text={texts.emptyText} test="documents-empty"><p class="small">{texts.dropHint}</p></Empty></Panel>}
      {known && known.length > 0 && (
        <Panel>
          <div class="row">
            <div class="grow"><TextField label={texts.search} type="search" value={words} onInput={setWords} autocomplete="off" test="search" /></div>
            <Select<DocumentState | ''> label={texts.state} value={state} options={{ '': texts.allStates, ...text().states }} onChange={setState} test="filter-state" />
          </div>
          {shown.length === 0 && <Empty title={texts.noMatch} text={texts.noMatchText} test="no-match" />}
          {shown.length > 0 && <table class="table table-cards">
            <thead><tr><th scope="col">{texts.document}</th><th scope="col">{texts.state}</th><th scope="col">{texts.signers}</th><th scope="col">{texts.created}</th></tr></thead>
            <tbody>{shown.map((one) => <Line key={one.id} document={one} />)}</tbody>
          </table>}
          {known.length >= PAGE && known.at(-1)?.id !== oldest && <div><Button onClick={() => void loadOlder()} test="older">{texts.more}</Button></div>}
        </Panel>
      )}
    </div>
  );
}

const without = (some: Document[], others: Document[]) => some.filter(({ id }) => !others.some((other) => other.id === id));

// What stays below the newest page: a new document pushes the last one off it. Where
// nothing joins the two, what lies between is unknown, and is asked for again.
function below(known: Document[], page: Document[]): Document[] {
  const last = known.findLastIndex(({ id }) => page.some((one) => one.id === id));
  return page.length < PAGE || last < 0 ? [] : known.slice(last + 1);
}

// Every word stands somewhere in the title, the file's name or a signer.
function matches(document: Document, words: string): boolean {
  const text = [document.title, document.filename, ...document.signers.flatMap(({ name, email }) => [name, email])].join('\n').toLocaleLowerCase();
  return words.toLocaleLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function Line({ document }: { document: Document }) {
  const texts = text().list;
  const signed = document.signers.filter((signer) => signer.state === 'signed').length;
  return (
    <tr data-test="document-line">
      <td><a href={`#/documents/${document.id}`}><strong>{document.title || document.filename}</strong></a>
        {document.deposit && <div class="small muted">{texts.until(day(document.deposit.retainUntil))}</div>}</td>
      <td><StateBadge state={document.state} /></td>
      <td>{document.signers.map((signer) => signer.name).join(', ') || '–'}
        {document.state === 'sent' && <div class="small muted">{texts.signedOf(signed, document.signers.length)}</div>}</td>
      <td class="muted">{dateTime(document.createdAt)}</td>
    </tr>
  );
}

const TONES: Partial<Record<DocumentState, 'good' | 'warn' | 'bad' | 'accent'>> = {
  sent: 'accent', sealing: 'accent', completed: 'good', declined: 'bad', cancelled: 'warn',
};

export function StateBadge({ state, test }: { state: DocumentState; test?: string }) {
  return <Badge tone={TONES[state]} test={test}>{text().states[state]}</Badge>;
}

// The button, the hidden file input that tests and keyboards reach, and dropping on the page.
function Upload() {
  const texts = text().list;
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const here = useRef(true);
  const upload = async (file: File | undefined) => {
    if (!file) return;
    setProblem(undefined);
    if (!/\.pdf$/i.test(file.name) && file.type !== 'application/pdf') {
      setProblem(new Problem(422, 'invalid', texts.notPDF));
      return;
    }
    setBusy(file.name);
    try {
      const made = await documents.upload(file, file.name.replace(/\.pdf$/i, ''), file.name, newKey());
      if (here.current) go(`#/documents/${made.id}`); // who is elsewhere by now stays there
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy('');
  };
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      void upload(event.dataTransfer?.files[0]);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('drop', drop);
    return () => {
      here.current = false;
      window.removeEventListener('dragover', over);
      window.removeEventListener('drop', drop);
    };
  }, []);
  return (
    <div class="stack-small">
      <Button kind="primary" onClick={() => input.current?.click()} busy={busy !== ''} test="upload">{texts.upload}</Button>
      <input ref={input} type="file" accept="application/pdf,.pdf" class="visually-hidden" tabIndex={-1} aria-label={texts.upload} data-test="upload-file"
        onChange={(event) => { void upload(event.currentTarget.files?.[0]); event.currentTarget.value = ''; }} />
      {busy && <Progress label={texts.uploading(busy)} />}
      <ProblemNotice problem={problem} />
    </div>
  );
}
