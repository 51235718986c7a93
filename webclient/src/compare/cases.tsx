// One's own cases, what waits for a second person, and a new case.
import { useEffect, useState } from 'preact/hooks';
import { longDay } from '../i18n/format.ts';
import { Badge, Button, Empty, Form, Panel, ProblemNotice, Progress, TextField } from '../ui/ui.tsx';
import { words } from './casetext/index.ts';
import { Failure } from './failure.tsx';
import { go, place } from './place.ts';
import { type CaseLine, type CaseWords, disputes } from './service.ts';

export function Cases() {
  const texts = words().cases;
  const [all, setAll] = useState<CaseLine[]>();
  const [waiting, setWaiting] = useState(0);
  const [problem, setProblem] = useState<unknown>();
  const load = async () => {
    setProblem(undefined);
    try {
      const [cases, openings] = await Promise.all([disputes.list(), disputes.openings().catch(() => ({ openings: [], deciders: 0 }))]);
      setAll(cases.cases);
      setWaiting(openings.openings.filter((one) => one.state === 'asked' && !one.mine).length);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => void load(), []);
  return (
    <div class="stack" data-test="cases">
      <h1>{texts.title}</h1>
      {waiting > 0 && <p class="notice notice-info"><a href="#openings" data-test="waiting">{texts.waiting(waiting)}</a></p>}
      {problem !== undefined && <Failure problem={problem} retry={() => void load()} />}
      {!all && problem === undefined && <Progress label={texts.title} />}
      {all && (
        <Panel title={texts.own}>
          {all.length === 0 ? <Empty title={texts.emptyTitle} text={texts.emptyText} test="cases-empty" /> : (
            <table class="table table-cards">
              <thead><tr><th scope="col">{texts.reference}</th><th scope="col">{texts.signatures}</th><th scope="col">{texts.state}</th><th scope="col">{texts.until}</th></tr></thead>
              <tbody>{all.map((one) => (
                <tr key={one.id} data-test="case-line">
                  <td><a href={`#case/${one.id}/signatures`}><strong>{one.reference}</strong></a><div class="small muted clip">{one.question}</div></td>
                  <td>{texts.counts(one.questioned, one.references)}</td>
                  <td><Badge tone={one.compared ? 'good' : undefined}>{one.compared ? texts.compared : texts.notCompared}</Badge></td>
                  <td class="muted">{longDay(one.keepUntil.slice(0, 10))}</td>
                </tr>
              ))}</tbody>
            </table>
          )}
        </Panel>
      )}
      {all && <Panel title={texts.newTitle} test="case-new"><CaseForm go={texts.create} save={async (by) => { const made = await disputes.create(by); if (place.peek().at === 'cases') go(`case/${made.id}/signatures`); }} /></Panel>}
    </div>
  );
}

// The words of a case, for a new one and for changes.
export function CaseForm({ start, save, go: label }: { start?: CaseWords; save: (by: CaseWords) => Promise<unknown>; go: string }) {
  const texts = words().cases;
  const [by, setBy] = useState<CaseWords>(start ?? { reference: '', question: '', parties: '' });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const send = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await save(by);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <Form onSubmit={() => void send()}>
      <TextField label={texts.reference} value={by.reference} hint={texts.referenceHint} required onInput={(reference) => setBy({ ...by, reference })} test="case-reference" />
      <TextField label={texts.question} value={by.question} hint={texts.questionHint} required minLength={3} lines={2} onInput={(question) => setBy({ ...by, question })} test="case-question" />
      <TextField label={texts.parties} value={by.parties} hint={texts.partiesHint} lines={3} onInput={(parties) => setBy({ ...by, parties })} test="case-parties" />
      {start && <KeepUntil value={by.keepUntil ?? ''} onChange={(keepUntil) => setBy({ ...by, keepUntil })} />}
      <ProblemNotice problem={problem} />
      <div><Button kind="primary" type="submit" busy={busy} test="case-save">{label}</Button></div>
    </Form>
  );
}

function KeepUntil({ value, onChange }: { value: string; onChange: (iso: string) => void }) {
  const texts = words().cases;
  return (
    <div class="field">
      <label for="keep-until">{texts.until}</label>
      <input id="keep-until" type="date" value={value.slice(0, 10)} aria-describedby="keep-hint" data-test="case-until"
        onChange={(event) => event.currentTarget.value && onChange(`${event.currentTarget.value}T00:00:00Z`)} />
      <span class="field-hint" id="keep-hint">{texts.untilHint}</span>
    </div>
  );
}
