// One document: its draft to be planned, or where it stands, its deposit and its history.
import { useEffect, useState } from 'preact/hooks';
import { account, type Activity, type Document, documents, Problem, type Signer, type SignerState } from '../api.ts';
import { dateTime, day, exactTime, size } from '../i18n/format.ts';
import { useNewest } from '../newest.ts';
import { Badge, Button, Dialog, Empty, Notice, Panel, ProblemNotice, Progress } from '../ui/ui.tsx';
import { Viewer } from '../pdf/viewer.tsx';
import { doer, isSigners } from './acts.ts';
import { StateBadge } from './documents.tsx';
import { Erase, mayErase } from './erase.tsx';
import { Fetch } from './fetch.tsx';
import { Holds } from './holds.tsx';
import { Plan } from './plan.tsx';
import { Comments, Shares } from './sharing.tsx';
import { ProofDialog } from './settings/load.tsx';
import { Correct, InPerson, Reminders } from './ways.tsx';
import { ended } from './state.ts';
import { text } from './text/index.ts';

const POLL_MS = 3000;

export function DocumentPage({ id }: { id: string }) {
  const [shown, setShown] = useState<Document>();
  const [problem, setProblem] = useState<unknown>();
  const newest = useNewest();
  const change = (next: Document) => void newest(Promise.resolve(next), setShown);
  const load = () => newest(
    documents.get(id),
    (next) => { setShown(next); setProblem(undefined); },
    (error) => { if (!ended(error)) setProblem(error); },
  );
  const moving = shown === undefined || shown.state === 'sent' || shown.state === 'sealing';
  useEffect(() => {
    void load();
    if (!moving) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && void load(), POLL_MS);
    return () => clearInterval(timer);
  }, [id, moving]);

  if (problem instanceof Problem && problem.status === 404) return <Empty main title={text().document.gone} text="" />;
  if (!shown) return problem ? <ProblemNotice problem={problem} onRetry={() => void load()} /> : <Progress label={text().title} />;
  return (
    <div class="stack" data-test="document">
      <div class="row">
        <h1>{shown.title || shown.filename}</h1>
        <StateBadge state={shown.state} test={shown.state === 'draft' ? 'document-draft' : 'document-state'} />
      </div>
      <ProblemNotice problem={problem} onRetry={() => void load()} />
      {shown.trouble && <Notice tone="warn">{shown.trouble}</Notice>}
      {shown.state === 'draft' ? <Plan key={shown.id} document={shown} onChange={change} /> : <Followed document={shown} onChange={change} />}
    </div>
  );
}

function Followed({ document, onChange }: { document: Document; onChange: (next: Document) => void }) {
  const texts = text().document;
  const [open, setOpen] = useState(false);
  const onHold = () => void documents.get(document.id).then(onChange, () => undefined); // the next look tells
  return (
    <>
    <div class="columns">
      <div class="stack">
        <People document={document} onChange={onChange} />
        <Panel tools={<Button onClick={() => setOpen(!open)} pressed={open} test="show-document">{texts.show}</Button>} title={texts.file}>
          <dl class="facts">
            <dt>{texts.file}</dt><dd>{document.filename} · {size(document.size)}</dd>
            <dt>{texts.fingerprint}</dt><dd class="mono">{document.sha256}</dd>
          </dl>
          {open && <Viewer url={documents.pdfURL(document.id)} pages={document.pages} targets={document.fields} />}
        </Panel>
      </div>
      <div class="stack columns-side">
        <DepositPanel document={document} />
        {document.deposit && <Holds document={document.id} onChange={onHold} />}
      </div>
      <div class="stack">
        <Comments document={document.id} />
        <Shares document={document.id} />
      </div>
    </div>
    <History document={document} />
    </>
  );
}

const TONES: Partial<Record<SignerState, 'good' | 'bad' | 'accent'>> = {
  invited: 'accent', opened: 'accent', consented: 'accent', captured: 'accent', sealing: 'accent', signed: 'good', declined: 'bad',
};

function People({ document, onChange }: { document: Document; onChange: (next: Document) => void }) {
  const texts = text().document;
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [reminded, setReminded] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const act = async (call: (id: string) => Promise<Document>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      onChange(await call(document.id));
      setAsking(false);
      setReminded(call === documents.remind);
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    setBusy(false);
  };
  return (
    <Panel title={texts.signers}>
      <ul class="people">{document.signers.map((signer) => <PersonLine key={signer.id} document={document} signer={signer} onChange={onChange} />)}</ul>
      {document.state === 'sent' && !document.inPerson && <Unsent document={document} />}
      {mayErase() && <ProofDialog />}
      {!asking && <ProblemNotice problem={problem} />}
      {reminded && <Notice tone="good">{texts.reminded}</Notice>}
      {document.state === 'sent' && document.inPerson && <p class="muted">{texts.handRound.stopped}</p>}
      {document.state === 'sent' && <Reminders document={document} onChange={onChange} />}
      {document.state === 'sent' && (
        <div class="row">
          <Button onClick={() => void act(documents.remind)} busy={busy} test="remind">{texts.remind}</Button>
          <InPerson document={document} />
          <Button kind="danger" onClick={() => setAsking(true)} test="cancel">{texts.cancel}</Button>
        </div>
      )}
      <Dialog title={texts.cancelTitle} open={asking} onClose={() => setAsking(false)} test="cancel-dialog">
        <p>{texts.cancelText}</p>
        <ProblemNotice problem={problem} />
        <div class="row">
          <Button kind="danger" onClick={() => void act(documents.cancel)} busy={busy} test="cancel-confirm">{texts.cancel}</Button>
          <Button onClick={() => setAsking(false)}>{texts.keep}</Button>
        </div>
      </Dialog>
    </Panel>
  );
}

// Without a mail server nothing is sent: who follows the document has to pass the links on.
function Unsent({ document }: { document: Document }) {
  const texts = text().document;
  const [kept, setKept] = useState(false);
  const to = document.signers.map((signer) => signer.email);
  useEffect(() => {
    account.outbox().then(({ mails }) => setKept(mails.some((mail) => mail.state === 'local' && to.includes(mail.to))), () => undefined);
  }, [document.id]);
  return kept ? <Notice tone="warn" test="mails-kept"><p>{texts.mailsKept} <a href="#/outbox">{text().nav.outbox}</a></p></Notice> : null;
}

function PersonLine({ document, signer, onChange }: { document: Document; signer: Signer; onChange: (next: Document) => void }) {
  const texts = text().document;
  return (
    <li data-test="signer-line" data-signer={signer.id}>
      <div class="grow">
        <strong>{signer.name}</strong> <span class="muted small">{signer.email}</span>
        {signer.signedAt && <div class="small muted">{texts.signedAt(exactTime(signer.signedAt))}{signer.typed ? ` · ${texts.typed}` : ''}</div>}
        {signer.erasedAt && <div class="small muted" data-test="signer-erased">{texts.erased(exactTime(signer.erasedAt))}</div>}
        {signer.reason && <div class="small">{texts.reason(signer.reason)}</div>}
      </div>
      <Badge tone={TONES[signer.state]} test="signer-state">{text().signerStates[signer.state]}</Badge>
      {document.state === 'sent' && ['waiting', 'invited', 'opened'].includes(signer.state) && <Correct document={document} signer={signer} onChange={onChange} />}
      <Erase document={document} signer={signer} onChange={() => void documents.get(document.id).then(onChange, () => undefined)} />
      {signer.state === 'signed' && !signer.typed && !signer.erasedAt && <a class="button" href={`/compare#${document.id}/${signer.id}`} data-test="investigate">{texts.investigate}</a>}
    </li>
  );
}

function DepositPanel({ document }: { document: Document }) {
  const texts = text().document;
  const { deposit } = document;
  const name = document.filename.replace(/\.pdf$/i, '');
  return (
    <Panel title={texts.depositTitle} test="deposit">
      {!deposit && <p class="muted">{texts.waitingDeposit}</p>}
      {deposit && (
        <>
          <p>{texts.depositText}</p>
          <dl class="facts">
            <dt>{texts.size}</dt><dd>{size(deposit.size)}</dd>
            <dt>{texts.until}</dt><dd>{day(deposit.retainUntil)}</dd>
            <dt>{texts.fingerprint}</dt><dd class="mono">{deposit.sha256}</dd>
          </dl>
          {deposit.hold && <Notice tone="warn">{texts.hold}</Notice>}
          {deposit.mayDownload
            ? <Fetch url={documents.depositURL(document.id)} name={`${name}.asice`} label={texts.download} test="download-deposit" primary />
            : <p class="muted" data-test="deposit-closed">{texts.depositClosed}</p>}
          <Fetch url={documents.signedURL(document.id)} name={`${name}-signed.pdf`} label={texts.signedPDF} test="download-pdf" />
          {deposit.mayDownload && deposit.recordedAt && (
            <>
              <p class="muted">{texts.recordText(day(deposit.recordedAt))}</p>
              <Fetch url={documents.recordURL(document.id)} name={`${name}.asice.ers`} label={texts.record} test="download-record" />
            </>
          )}
        </>
      )}
    </Panel>
  );
}

function History({ document }: { document: Document }) {
  const texts = text();
  const [lines, setLines] = useState<Activity[]>();
  const [problem, setProblem] = useState<unknown>();
  const newest = useNewest();
  const version = JSON.stringify([document.state, document.signers.map((signer) => signer.state)]);
  useEffect(() => void newest(
    documents.activity(document.id),
    (answer) => { setLines(answer.activity ?? []); setProblem(undefined); },
    (error) => { if (!ended(error)) setProblem(error); },
  ), [document.id, version]);
  const signer = (id: string | undefined) => document.signers.find((one) => one.id === id)?.name ?? '';
  const sentence = (line: Activity) => {
    const about = isSigners(line) || !signer(line.signer) ? '' : ` · ${signer(line.signer)}`;
    const [first = '', ...rest] = (line.detail ?? '').split(' '); // the rest are ids and versions, in the exported record, or the name of an API key
    const words = /^(evidence\.opened|signer\.declined)$/.test(line.kind) ? line.detail : first === 'key' ? `${texts.details['key']} (${rest.join(' ')})` : texts.details[first];
    return `${doer(line, signer(line.signer))}: ${texts.kinds[line.kind] ?? line.kind}${about}${words ? ` · ${words}` : ''}`;
  };
  return (
    <Panel title={texts.document.activity} test="activity">
      <ProblemNotice problem={problem} />
      {lines?.length === 0 && <p class="muted">{texts.document.activityEmpty}</p>}
      <ol class="timeline small">
        {lines?.map((line, i) => (
          <li key={i}><time dateTime={line.at} title={exactTime(line.at)}>{dateTime(line.at)}</time>{sentence(line)}</li>
        ))}
      </ol>
    </Panel>
  );
}
