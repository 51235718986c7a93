// Questions to open evidence: what the second person reads and decides, and what
// who asked can do next.
import { useEffect, useRef, useState } from 'preact/hooks';
import { exactTime, number } from '../i18n/format.ts';
import { useNewest } from '../newest.ts';
import { Badge, Button, Dialog, Empty, Notice, Panel, ProblemNotice, Progress, TextField } from '../ui/ui.tsx';
import { words } from './casetext/index.ts';
import { Failure } from './failure.tsx';
import { disputes, type Opening, type OpeningState } from './service.ts';

const TONES: Record<OpeningState, 'good' | 'warn' | 'bad' | 'accent' | undefined> = {
  asked: 'accent', approved: 'good', open: 'good', refused: 'bad', withdrawn: undefined, over: undefined,
};
const POLL_MS = 5000;

export function Openings() {
  const texts = words().openings;
  const [all, setAll] = useState<Opening[]>();
  const [problem, setProblem] = useState<unknown>();
  const newest = useNewest();
  const heading = useRef<HTMLHeadingElement>(null);
  const load = () => newest(disputes.openings(), (answer) => { setAll(answer.openings); setProblem(undefined); }, setProblem);
  useEffect(() => {
    void load();
    const timer = setInterval(() => document.visibilityState === 'visible' && void load(), POLL_MS);
    return () => clearInterval(timer);
  }, []);
  const waiting = all?.filter((one) => one.state === 'asked' && !one.mine) ?? [];
  const rest = all?.filter((one) => !waiting.includes(one)) ?? [];
  return (
    <div class="stack" data-test="openings">
      <h1>{texts.title}</h1>
      <p class="muted">{texts.text}</p>
      {problem !== undefined && <Failure problem={problem} retry={() => void load()} />}
      {!all && problem === undefined && <Progress label={texts.title} />}
      {all && (
        <Panel title={texts.waiting} heading={heading}>
          {waiting.length === 0 && <Empty title={texts.noneTitle} text={texts.noneText} test="openings-none" />}
          {waiting.map((one) => <Decision key={one.id} opening={one} done={() => void load().then(() => heading.current?.focus())} />)}
        </Panel>
      )}
      {rest.length > 0 && <Panel title={texts.earlier}><div class="stack">{rest.map((one) => <OpeningFacts key={one.id} opening={one} />)}</div></Panel>}
    </div>
  );
}

// What is asked, in the order in which a second person has to think of it.
export function OpeningFacts({ opening, children }: { opening: Opening; children?: preact.ComponentChildren }) {
  const texts = words().openings;
  return (
    <div class="opening stack-small" data-test="opening" data-state={opening.state}>
      <div class="row row-between"><strong>{texts.signatureOf(opening.name || texts.erased, opening.title || texts.erased)}</strong><Badge tone={TONES[opening.state]} test="opening-state">{texts.states[opening.state]}</Badge></div>
      <dl class="facts small">
        <dt>{texts.asker}</dt><dd>{opening.askedBy} · {exactTime(opening.askedAt)}</dd>
        <dt>{texts.dispute}</dt><dd>{opening.dispute}</dd>
        <dt>{texts.reason}</dt><dd>{opening.reason}</dd>
        <dt>{texts.hours}</dt><dd>{texts.forHours(number(opening.hours))}</dd>
        {opening.decidedAt && <><dt>{opening.state === 'refused' ? texts.refusedBy : texts.approvedBy}</dt><dd>{opening.decidedBy} · {exactTime(opening.decidedAt)}</dd></>}
        {opening.answer && <><dt>{texts.answer}</dt><dd>{opening.answer}</dd></>}
        {opening.openedAt && <><dt>{texts.openedAt}</dt><dd>{exactTime(opening.openedAt)}</dd></>}
        {(opening.state === 'open' || opening.state === 'approved' || opening.state === 'asked') && <><dt>{texts.ends[opening.state]}</dt><dd>{exactTime(opening.endsAt)}</dd></>}
      </dl>
      {children}
    </div>
  );
}

function Decision({ opening, done }: { opening: Opening; done: () => void }) {
  const texts = words().openings;
  const [refusing, setRefusing] = useState(false);
  const [answer, setAnswer] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const act = async (call: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await call();
      setRefusing(false);
      done();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <OpeningFacts opening={opening}>
      <Notice>{texts.consequence}</Notice>
      {!refusing && <ProblemNotice problem={problem} />}
      <div class="row">
        <Button kind="primary" busy={busy} onClick={() => void act(() => disputes.approve(opening.id))} test="approve">{texts.approve}</Button>
        <Button busy={busy} onClick={() => setRefusing(true)} test="refuse">{texts.refuse}</Button>
      </div>
      <Dialog title={texts.refuseTitle} open={refusing} onClose={() => setRefusing(false)} test="refuse-dialog">
        <TextField label={texts.answer} value={answer} onInput={setAnswer} lines={3} hint={texts.answerHint} test="refuse-answer" />
        <ProblemNotice problem={problem} />
        <div class="row"><Button kind="danger" busy={busy} onClick={() => void act(() => disputes.refuse(opening.id, answer))} test="refuse-go">{texts.refuse}</Button><Button onClick={() => setRefusing(false)}>{texts.back}</Button></div>
      </Dialog>
    </OpeningFacts>
  );
}
