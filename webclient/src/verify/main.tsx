// The public verifier: a file is checked in the browser, nothing is uploaded.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Shell, startPage } from '../ui/shell.tsx';
import { Badge, Button, Notice, Panel, Progress } from '../ui/ui.tsx';
import { size } from '../i18n/format.ts';
import { type Check, check, type Outcome } from './check.ts';
import { Found } from './found.tsx';
import { text } from './text/index.ts';
import './verify.css';

function App() {
  const texts = text();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File>();
  const [outcome, setOutcome] = useState<Outcome>();
  const asked = useRef<File | undefined>(undefined);
  const [over, setOver] = useState(false);
  useEffect(() => {
    document.title = `${texts.title} · Inkwitness`;
  }, [texts]);

  const run = async (chosen: File | undefined) => {
    if (!chosen) return;
    asked.current = chosen;
    setFile(chosen);
    setOutcome(undefined);
    const found = await check(chosen).catch((): Outcome => ({ stopped: true }));
    if (asked.current === chosen) setOutcome(found); // or else another file is shown
  };
  return (
    <Shell width="narrow" home="/">
      <div class="stack">
        <h1>{texts.title}</h1>
        <p>{texts.intro}</p>
        <div
          class={over ? 'drop drop-over' : 'drop'} data-test="verify-drop"
          onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
          onDrop={(event) => { event.preventDefault(); setOver(false); void run(event.dataTransfer?.files[0]); }}
        >
          <Button kind="primary" large onClick={() => input.current?.click()} test="verify-choose">{texts.choose}</Button>
          <span class="muted">{texts.drop}</span>
          <span class="small muted">{texts.local}</span>
          <input ref={input} type="file" accept=".asice,.pdf,application/pdf,application/vnd.etsi.asic-e+zip" class="visually-hidden" tabIndex={-1} aria-label={texts.choose} data-test="verify-file"
            onChange={(event) => { void run(event.currentTarget.files?.[0]); event.currentTarget.value = ''; }} />
        </div>
        {file && !outcome && <Progress label={texts.working(file.name, size(file.size))} />}
        {file && outcome && <Answer file={file} outcome={outcome} />}
        <Panel title={texts.limitsTitle}>
          <ul class="pre-list">{texts.limits.split('\n').map((line) => <li key={line}>{line}</li>)}</ul>
        </Panel>
      </div>
    </Shell>
  );
}

type State = 'holds' | 'fails' | 'unknown' | 'unreadable' | 'stopped' | 'missing';

function stateOf(outcome: Outcome): State {
  if ('missing' in outcome) return 'missing';
  if ('unreadable' in outcome) return 'unreadable';
  if ('stopped' in outcome) return 'stopped';
  if (!outcome.report.holds || outcome.agree === false) return 'fails';
  return outcome.report.checks.some((one) => one.status === 'unknown') ? 'unknown' : 'holds';
}

const TONES = { holds: 'good', unknown: 'warn', fails: 'bad', unreadable: 'bad', stopped: 'warn', missing: 'warn' } as const;

function Answer({ file, outcome }: { file: File; outcome: Outcome }) {
  const texts = text();
  const state = stateOf(outcome);
  const checks = 'report' in outcome ? outcome.report.checks : [];
  const erased = state === 'holds' && checks.some((one) => one.code === 'deposit.erased');
  const rank = { fails: 0, unknown: 1, holds: 2 };
  return (
    <section class="panel stack" data-test="verify-answer" data-state={state}>
      <h2>{file.name}</h2>
      <Notice tone={TONES[state]}>
        <strong>{texts.answers[state]}</strong>
        <p>{texts.explained[erased ? 'erased' : state]}</p>
      </Notice>
      {'report' in outcome && outcome.agree !== undefined && (
        <Notice tone={outcome.agree ? 'good' : 'bad'} test="verify-second"><span data-agree={String(outcome.agree)}>{outcome.agree ? texts.agree : texts.disagree}</span></Notice>
      )}
      {checks.length > 0 && <p class="small muted">{texts.exact}</p>}
      {checks.length > 0 && (
        <ul class="checks">
          {[...checks].sort((a, b) => rank[a.status] - rank[b.status]).map((one, i) => <Line key={i} check={one} />)}
        </ul>
      )}
    </section>
  );
}

function Line({ check: one }: { check: Check }) {
  const texts = text();
  const tone = one.status === 'holds' ? 'good' : one.status === 'fails' ? 'bad' : 'warn';
  return (
    <li data-test="verify-check" data-status={one.status} data-code={one.code}>
      <Badge tone={tone}>{texts.statuses[one.status]}</Badge>
      <div class="grow">
        <Found check={one} />
        {one.part && <div class="small muted mono">{one.part}</div>}
      </div>
    </li>
  );
}

void startPage(App);
