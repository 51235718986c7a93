// A device that goes round: whose turn it is, and nothing of whoever had it before.
import { useEffect, useState } from 'preact/hooks';
import { type Handed, Problem, signing } from '../api.ts';
import { common } from '../i18n/common/index.ts';
import { Badge, Button, Dialog, Panel, ProblemNotice, Progress } from '../ui/ui.tsx';
import { useNewest } from '../newest.ts';
import { Title } from './parts.tsx';
import { forgetSecrets } from './secret.ts';
import { leaveDevice, takeDevice } from './state.ts';
import { text } from './text/index.ts';

const POLL_MS = 1500;

export function Hand() {
  const texts = text().hand;
  const [state, setState] = useState<Handed>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const newest = useNewest();
  const load = () => newest(signing.handed(), (next) => { setState(next); setProblem(undefined); }, setProblem);
  const moving = state === undefined || (!state.next && !state.over);
  useEffect(() => void load(), []);
  useEffect(() => {
    if (!moving) return;
    const timer = setInterval(() => void load(), POLL_MS);
    return () => clearInterval(timer);
  }, [moving]);
  const take = async (signer: string) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await takeDevice(signer);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  if (!state) return problem ? <div class="stack"><ProblemNotice problem={problem} onRetry={() => void load()} /><End /></div> : <Progress label={common().loading} />;
  const next = state.signers.find((signer) => signer.id === state.next);
  return (
    <div class="stack">
      <Title key={state.next}>{state.over ? texts.over : next ? texts.to(next.name) : texts.wait}</Title>
      <Panel test="hand">
        <p>{state.over ? texts.overText(state.sender.name) : texts.text(state.title, state.sender.name)}</p>
        <ol class="people">
          {state.signers.map((signer) => (
            <li key={signer.id} aria-current={signer.id === state.next ? 'step' : undefined}>
              <span class="grow">{signer.name}</span>
              <Badge tone={signer.state === 'signed' ? 'good' : signer.state === 'declined' ? 'bad' : signer.id === state.next ? 'accent' : undefined}>
                {texts.states[signer.state === 'signed' || signer.state === 'declined' || signer.state === 'sealing' ? signer.state : signer.id === state.next ? 'next' : 'later']}
              </Badge>
            </li>
          ))}
        </ol>
        {!state.over && !next && <Progress label={texts.sealing} />}
        <ProblemNotice problem={problem} />
        <div class="actions">
          {next && <Button kind="primary" large onClick={() => void take(next.id)} busy={busy} test="hand-take">{texts.iAm(next.name)}</Button>}
          <End primary={state.over} />
        </div>
      </Panel>
    </div>
  );
}

function End({ primary = false }: { primary?: boolean }) {
  const texts = text().hand;
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const end = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await signing.endHanding();
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) { // else it was over already
        setProblem(error);
        setBusy(false);
        return;
      }
    }
    forgetSecrets();
    sessionStorage.clear();
    location.replace('/');
  };
  return (
    <>
      <Button kind={primary ? 'primary' : 'plain'} onClick={() => setOpen(true)} test="hand-end">{texts.end}</Button>
      <Dialog title={texts.end} open={open} onClose={() => setOpen(false)}>
        <p>{texts.endText}</p>
        <ProblemNotice problem={problem} />
        <div class="actions">
          <Button kind="primary" onClick={() => void end()} busy={busy} test="hand-end-confirm">{texts.end}</Button>
          <Button onClick={() => setOpen(false)}>{common().back}</Button>
        </div>
      </Dialog>
    </>
  );
}

// Shown where a signer is through: the device goes on, cleared of everything.
export function HandOn() {
  const texts = text().hand;
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const leave = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await leaveDevice();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return (
    <div class="stack-small">
      <p>{texts.onText}</p>
      <ProblemNotice problem={problem} />
      <div class="actions"><Button kind="primary" large onClick={() => void leave()} busy={busy} test="hand-on">{texts.on}</Button></div>
    </div>
  );
}
