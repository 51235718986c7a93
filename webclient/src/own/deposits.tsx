// Every letter of deposit: its size, until when it is kept, and the file itself.
import { useEffect, useState } from 'preact/hooks';
import { type Document, documents } from '../api.ts';
import { day, size } from '../i18n/format.ts';
import { Badge, Button, Empty, Panel, ProblemNotice, Progress } from '../ui/ui.tsx';
import { Fetch } from './fetch.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

const PAGE = 50; // documents of one answer

export function Deposits() {
  const texts = text().deposits;
  const [all, setAll] = useState<Document[]>(); // with and without a deposit
  const [ends, setEnds] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const load = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const { documents: next } = await documents.list(all?.at(-1)?.createdAt);
      setAll([...(all ?? []), ...next]);
      setEnds(next.length < PAGE);
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy(false);
  };
  useEffect(() => void load(), []);
  const kept = all?.filter((one) => one.deposit) ?? [];
  return (
    <div class="stack" data-test="deposits">
      <h1>{texts.title}</h1>
      <p class="muted">{texts.text}</p>
      <ProblemNotice problem={problem} onRetry={() => void load()} />
      {!all && !problem && <Progress label={texts.title} />}
      {all && kept.length === 0 && ends && <Panel><Empty title={texts.empty} text={texts.emptyText} test="deposits-empty"><a class="button" href="#/">{text().title}</a></Empty></Panel>}
      {kept.length > 0 && (
        <Panel>
          <table class="table table-cards">
            <thead><tr><th scope="col">{text().list.document}</th><th scope="col">{texts.made}</th><th scope="col">{text().document.size}</th><th scope="col">{text().document.until}</th><th scope="col">{texts.file}</th></tr></thead>
            <tbody>{kept.map((one) => <Line key={one.id} document={one} />)}</tbody>
          </table>
        </Panel>
      )}
      {all && !ends && <div><Button onClick={() => void load()} busy={busy} test="deposits-more">{text().list.more}</Button></div>}
    </div>
  );
}

function Line({ document }: { document: Document }) {
  const texts = text();
  const deposit = document.deposit!;
  return (
    <tr data-test="deposit-line">
      <td><a href={`#/documents/${document.id}`}><strong>{document.title || document.filename}</strong></a></td>
      <td data-label={texts.deposits.made}>{day(deposit.createdAt)}</td>
      <td data-label={texts.document.size}>{size(deposit.size)}</td>
      <td data-label={texts.document.until}>{day(deposit.retainUntil)}{deposit.hold && <div><Badge tone="warn" test="deposit-held">{texts.deposits.held}</Badge></div>}</td>
      <td>{deposit.mayDownload ? <Fetch url={documents.depositURL(document.id)} name={`${document.filename.replace(/\.pdf$/i, '')}.asice`} label={texts.document.download} test="download-deposit" /> : <span class="muted small" data-test="deposit-closed">{texts.deposits.closed}</span>}</td>
    </tr>
  );
}
