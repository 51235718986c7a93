// Legal holds of a document: who may asks for one, a second person agrees, and it
// takes two again to lift it.
import { useEffect, useState } from 'preact/hooks';
import { type Hold, holds as service, Problem } from '../api.ts';
import { exactTime } from '../i18n/format.ts';
import { Badge, Button, Form, Notice, Panel, ProblemNotice, TextField } from '../ui/ui.tsx';
import { ended, who } from './state.ts';
import { text } from './text/index.ts';

const PLACERS = ['owner', 'investigator']; // roles; the service refuses the others
const hidden = (error: unknown) => error instanceof Problem && (error.status === 403 || error.status === 404);

export function Holds({ document, onChange }: { document: string; onChange: () => void }) {
  const texts = text().holds;
  const [lines, setLines] = useState<Hold[]>();
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const load = () => service.list(document).then((answer) => setLines(answer.holds), (error: unknown) => { if (!hidden(error) && !ended(error)) setProblem(error); });
  useEffect(() => void load(), [document]);
  if (!lines && !problem) return null; // not for who may not see them
  const mayAct = PLACERS.includes(who.value?.role ?? '');
  const act = async (call: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await call();
      onChange();
    } catch (error) {
      if (!ended(error)) setProblem(error);
    }
    await load();
    setBusy(false);
  };
  return (
    <Panel title={texts.title} test="holds">
      <p class="muted">{texts.text}</p>
      {lines?.length === 0 && <p class="muted" data-test="holds-none">{texts.none}</p>}
      <ul class="people">
        {lines?.map((hold) => (
          <li key={hold.id} data-test="hold" data-state={hold.state}>
            <HoldFacts hold={hold} />
            <div class="row">
              {hold.mayAgree && (hold.state === 'placed' || hold.state === 'lapsed') && <Button kind="primary" onClick={() => void act(() => service.agree(document, hold.id))} busy={busy} test="hold-agree">{texts.agree}</Button>}
              {mayAct && (hold.state === 'placed' || hold.state === 'inForce') && <Button onClick={() => void act(() => service.end(document, hold.id))} busy={busy} test="hold-end">{texts.end}</Button>}
              {hold.mayAgree && hold.state === 'ending' && <Button kind="danger" onClick={() => void act(() => service.lift(document, hold.id))} busy={busy} test="hold-lift">{texts.lift}</Button>}
            </div>
            {!hold.mayAgree && texts.waits[hold.state] && <p class="small muted">{texts.waits[hold.state]}</p>}
          </li>
        ))}
      </ul>
      {mayAct && (
        <Form small onSubmit={() => void act(() => service.place(document, reason).then(() => setReason('')))}>
          <TextField label={texts.reason} hint={texts.reasonHint} value={reason} onInput={setReason} lines={2} minLength={3} maxLength={1000} required test="hold-reason" />
          <div><Button type="submit" busy={busy} test="hold-place">{texts.place}</Button></div>
        </Form>
      )}
      {problem !== undefined && <div data-test="hold-problem"><ProblemNotice problem={problem} /></div>}
      {lines?.some((hold) => hold.protects) && <Notice tone="warn" test="hold-protects">{texts.protects}</Notice>}
    </Panel>
  );
}

function HoldFacts({ hold }: { hold: Hold }) {
  const texts = text().holds;
  const acts = [['placed', hold.placed], ['agreed', hold.agreed], ['ended', hold.ended], ['lifted', hold.lifted]] as const;
  return (
    <div class="grow">
      <div class="row row-between"><strong>{hold.reason}</strong><Badge tone={hold.protects ? 'warn' : undefined} test="hold-state">{texts.states[hold.state]}</Badge></div>
      {acts.map(([what, act]) => act && <div key={what} class="small muted">{texts.acts[what](act.name || texts.erased)} · <time dateTime={act.at}>{exactTime(act.at)}</time></div>)}
    </div>
  );
}
