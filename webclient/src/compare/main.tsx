// The investigator's page: one questioned signature against its references.
import { useEffect, useState } from 'preact/hooks';
import { investigate } from '../api.ts';
import { Shell, startPage } from '../ui/shell.tsx';
import { Button, Empty, Notice, Panel, ProblemNotice, TextField } from '../ui/ui.tsx';
import './compare.css';
import { exactTime } from '../i18n/format.ts';
import { failureOf, Features, Provenance, QualityPanel, Verdict } from './findings.tsx';
import { Plots } from './plots.tsx';
import { Replay, Selfie } from './replay.tsx';
import { Overlay, Questioned, References } from './sheets.tsx';
import { opened } from './state.ts';
import { text } from './text/index.ts';

// Fragment: #document/signer
function wanted(): { document: string; signer: string } | undefined {
  const [, document, signer] = /^#\/?([\w-]+)\/([\w-]+)$/.exec(location.hash) ?? [];
  return document && signer ? { document, signer } : undefined;
}

function App() {
  const texts = text();
  const shown = opened.value;
  useEffect(() => {
    document.title = `${texts.title} · Inkwitness`;
  }, [texts]);
  const target = wanted();
  return (
    <Shell home="/" width={shown ? 'wide' : 'narrow'}>
      {!target && <Empty main title={texts.open.nothing} text={texts.open.nothingText} test="compare-nothing" />}
      {target && !shown && <Open {...target} />}
      {shown && (
        <div class="stack" data-test="compare">
          <div>
            <h1>{texts.heading(shown.signer)}</h1>
            <p class="muted">{shown.title} · {exactTime(shown.signedAt)}</p>
          </div>
          <Verdict />
          <Panel title={texts.sheets.title}>
            <Replay />
            <div class={shown.videoUrl ? 'watch' : 'stack-small'}><Selfie /><div class="stack-small"><Questioned /><Overlay /></div></div>
            <h3>{texts.sheets.referencesTitle}</h3>
            <References />
          </Panel>
          <Panel title={texts.plotsTitle}><p class="small muted">{texts.plotsText}</p><Plots /></Panel>
          <Features />
          <QualityPanel />
          <Provenance />
        </div>
      )}
    </Shell>
  );
}

// Opening evidence needs a reason; it is written into the audit record.
function Open({ document, signer }: { document: string; signer: string }) {
  const texts = text().open;
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const open = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      opened.value = await investigate.open(document, signer, reason.trim());
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <Panel main title={texts.title} test="compare-open-form">
      <p>{texts.text}</p>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); void open(); }}>
        <TextField label={texts.reason} value={reason} onInput={setReason} lines={3} required hint={texts.hint} test="compare-reason" />
        {problem !== undefined && (failureOf(problem) === 'signed-out'
          ? <Notice tone="warn" test="compare-signed-out"><p>{texts.signIn}</p><p><a class="button" href="/">{texts.signInGo}</a></p></Notice>
          : failureOf(problem) === 'refused' ? <Notice tone="bad" test="compare-refused">{texts.refused}</Notice> : <ProblemNotice problem={problem} />)}
        <div><Button kind="primary" type="submit" busy={busy} disabled={reason.trim().length < 3} test="compare-open">{texts.go}</Button></div>
      </form>
    </Panel>
  );
}

window.addEventListener('hashchange', () => location.reload());
void startPage(App);
