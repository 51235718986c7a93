// Asking to open the evidence of a signature, for a case that exists or a new one.
import { useEffect, useRef, useState } from 'preact/hooks';
import { account } from '../api.ts';
import { dateTime } from '../i18n/format.ts';
import { Button, Form, Notice, Panel, ProblemNotice, Select, TextField } from '../ui/ui.tsx';
import { words } from './casetext/index.ts';
import { Failure } from './failure.tsx';
import { go, place } from './place.ts';
import { type CaseLine, disputes, type Evidence } from './service.ts';

const HOURS = { '4': 4, '24': 24, '168': 168, '720': 720 } as const;

interface Props {
  document?: string; // chosen on the owner's page
  signer?: string;
  case?: string; // the case that is open
  done?: () => void;
}

export function Ask({ document: wanted, signer, case: within, done }: Props) {
  const texts = words().ask;
  const [cases, setCases] = useState<CaseLine[]>([]);
  const [signatures, setSignatures] = useState<Evidence[]>();
  const [deciders, setDeciders] = useState(1);
  const [mayInvite, setMayInvite] = useState(false);
  const [failed, setFailed] = useState<unknown>();
  const [chosen, setChosen] = useState(wanted && signer ? `${wanted}/${signer}` : '');
  const [dispute, setDispute] = useState(within ?? '');
  const [reference, setReference] = useState('');
  const [question, setQuestion] = useState('');
  const [reason, setReason] = useState('');
  const [hours, setHours] = useState<keyof typeof HOURS>('24');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const left = useRef(false);
  useEffect(() => () => void (left.current = true), []);
  // Disputes come years after signing: those of all older documents follow, page by page.
  const show = async (so: Evidence[], next: string | undefined) => {
    if (so.length > 0 || !next) setSignatures(so);
    const [newest] = so;
    if (newest) setChosen((one) => one || `${newest.document}/${newest.signer}`);
    if (!next || left.current) return;
    const page = await disputes.evidence(next);
    await show([...so, ...page.signatures], page.next);
  };
  const load = async () => {
    setFailed(undefined);
    try {
      const [own, evidence, openings] = await Promise.all([disputes.list(), disputes.evidence(), disputes.openings()]);
      setCases(own.cases);
      const shown = show(evidence.signatures, evidence.next);
      if (evidence.signatures.length === 0) await shown;
      else void shown.catch(setProblem);
      setDeciders(openings.deciders);
      if (openings.deciders === 0) setMayInvite(['owner', 'admin'].includes((await account.session()).account.role));
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => void load(), []);
  if (failed !== undefined) return <Failure problem={failed} retry={() => void load()} />;
  if (!signatures) return null;
  const send = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const id = dispute || (await disputes.create({ reference, question, parties: '' })).id;
      setDispute(id);
      const [document = '', of = ''] = chosen.split('/');
      await disputes.ask(id, { document, signer: of, reason: reason.trim(), hours: HOURS[hours] });
      if (done) done();
      else if (place.peek().at === 'ask') go(`case/${id}/signatures`);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const fresh = dispute === '';
  if (signatures.length === 0) return <Notice test="ask-none">{texts.none}</Notice>;
  return (
    <Form test="compare-open-form" onSubmit={() => void send()}>
      <p>{texts.text}</p>
      {deciders === 0 && <Notice tone="warn" test="ask-alone"><p>{texts.alone} {mayInvite ? <a href="/#/members">{texts.invite}</a> : texts.askOwner}</p></Notice>}
      <Select label={texts.signature} value={chosen} onChange={setChosen} test="ask-signature"
        options={Object.fromEntries(signatures.map((one) => [`${one.document}/${one.signer}`, `${one.name} · ${one.title} · ${dateTime(one.signedAt)}`]))} />
      {!within && <Select label={texts.case} value={dispute} onChange={setDispute} test="ask-case"
        options={{ '': texts.newCase, ...Object.fromEntries(cases.map((one) => [one.id, one.reference])) }} />}
      {fresh && <TextField label={words().cases.reference} value={reference} onInput={setReference} hint={words().cases.referenceHint} required test="ask-reference" />}
      {fresh && <TextField label={words().cases.question} value={question} onInput={setQuestion} hint={words().cases.questionHint} lines={2} required minLength={3} test="ask-question" />}
      <TextField label={texts.reason} value={reason} onInput={setReason} lines={3} required minLength={3} hint={texts.hint} test="compare-reason" />
      <Select label={texts.hours} value={hours} options={texts.periods} onChange={setHours} test="ask-hours" />
      <ProblemNotice problem={problem} />
      <div><Button kind="primary" type="submit" busy={busy} test="compare-open">{texts.go}</Button></div>
    </Form>
  );
}

export function AskPage(props: Props) {
  return <Panel main title={words().ask.title}><Ask {...props} /></Panel>;
}
