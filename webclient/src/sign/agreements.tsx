// What the signer agreed to, and the way to take it back: reachable from every step
// after the questions, as easy as agreeing was (GDPR article 7(3)).
import { useState } from 'preact/hooks';
import { type Ceremony, type Consent, signing } from '../api.ts';
import { common } from '../i18n/common/index.ts';
import { dateTime, day } from '../i18n/format.ts';
import { Badge, Button, Dialog, Notice, ProblemNotice } from '../ui/ui.tsx';
import { beginAnew, ceremony } from './state.ts';
import { text } from './text/index.ts';

const OVER: Ceremony['next'][] = ['sealing', 'done', 'declined', 'closed'];

// There is something to take back, or to be told about.
function concerned(state: Ceremony): boolean {
  return !['prove', 'read'].includes(state.next) && (state.references.have > 0 || state.consents.some((consent) => consent.given !== undefined));
}

export function Agreements() {
  const texts = text().agreements;
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState<Consent>();
  const [done, setDone] = useState('');
  const state = ceremony.value;
  if (!state || !concerned(state)) return null;
  const close = () => {
    setOpen(false);
    setAsked(undefined);
    setDone('');
  };
  const back = (told: string) => {
    setAsked(undefined);
    setDone(told);
  };
  return (
    <div>
      <Button kind="plain" onClick={() => setOpen(true)} test="agreements">{texts.open}</Button>
      <Dialog title={asked ? texts.ask[asked.purpose] ?? texts.open : texts.open} open={open} onClose={close} test="agreements-dialog">
        {asked ? <Ask state={state} consent={asked} onBack={back} /> : <List state={state} done={done} onAsk={setAsked} onClose={close} />}
      </Dialog>
    </div>
  );
}

function List({ state, done, onAsk, onClose }: { state: Ceremony; done: string; onAsk: (consent: Consent) => void; onClose: () => void }) {
  const texts = text().agreements;
  return (
    <>
      {done && <Notice tone="good" test="agreement-done">{done}</Notice>}
      <ul class="people">
        {state.consents.map((consent) => (
          <li key={consent.purpose} data-test={`agreement-${consent.purpose}`}>
            <div class="grow">
              <strong>{text().consent.purposes[consent.purpose] ?? consent.purpose}</strong>
              <div class="small muted">{standing(state, consent)}</div>
            </div>
            <Badge tone={consent.given ? 'accent' : undefined} test="agreement-state">{consent.given ? texts.agreed : texts.not}</Badge>
            {revocable(state, consent) && <Button onClick={() => onAsk(consent)} test={`take-back-${consent.purpose}`}>{texts.back}</Button>}
          </li>
        ))}
      </ul>
      <div class="actions"><Button onClick={onClose} test="agreements-close">{common().close}</Button></div>
    </>
  );
}

// Recordings can be taken back until they are sealed; the examples for comparisons always.
function revocable(state: Ceremony, consent: Consent): boolean {
  if (consent.purpose === 'comparison') return consent.given === true || state.references.have > 0;
  return consent.given === true && !OVER.includes(state.next);
}

function standing(state: Ceremony, consent: Consent): string {
  const texts = text().agreements;
  const when = consent.at ? texts.answered(dateTime(consent.at)) : '';
  return [when, fate(state, consent)].filter(Boolean).join(' ');
}

// What is kept of it now.
function fate(state: Ceremony, { purpose, given }: Consent): string {
  const texts = text().agreements;
  if (purpose === 'comparison') return state.references.have > 0 ? texts.kept(state.references.have) : '';
  if (!given || !OVER.includes(state.next)) return '';
  if (state.next === 'declined' || state.next === 'closed') return texts.nothing;
  if (state.erasedAt) return texts.erased(day(state.erasedAt));
  return texts.sealed(state.keep.depositYears, state.sender.name);
}

function Ask({ state, consent, onBack }: { state: Ceremony; consent: Consent; onBack: (done: string) => void }) {
  const texts = text().agreements;
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const takeBack = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      onBack(consent.purpose === 'comparison' ? await withdraw() : await refuse(consent));
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  const recording = !OVER.includes(state.next);
  return (
    <>
      <p>{texts.effect[consent.purpose]}</p>
      {consent.purpose === 'comparison' && <p>{recording ? texts.comparisonNow : texts.comparisonSealed(state.sender.name)}</p>}
      <p class="muted">{texts.lawful}</p>
      <ProblemNotice problem={problem} />
      <div class="actions">
        <Button kind="danger" onClick={() => void takeBack()} busy={busy} test="take-back-confirm">{texts.confirm}</Button>
        <Button onClick={() => onBack('')} disabled={busy} test="take-back-keep">{common().back}</Button>
      </div>
    </>
  );
}

async function withdraw(): Promise<string> {
  const texts = text().agreements;
  const { deleted } = await signing.withdraw();
  await beginAnew(await signing.get(), 'reference');
  return deleted ? texts.deleted : texts.deletedSoon;
}

// What was drawn under it goes from this device as well, and the step begins anew.
async function refuse({ purpose, textVersion, language }: Consent): Promise<string> {
  await beginAnew(await signing.consent({ purpose, textVersion, language, given: false }));
  return text().agreements.thrown;
}
