// Who asks and what, then the document itself.
import { useEffect, useState } from 'preact/hooks';
import { signing } from '../api.ts';
import { size } from '../i18n/format.ts';
import { type Shown, Viewer } from '../pdf/viewer.tsx';
import { Button, Notice, Panel, ProblemNotice } from '../ui/ui.tsx';
import { FieldsOn, Form } from './fields.tsx';
import { asked, flush, missing, restore } from './filling.ts';
import { Controller, Decline, Title } from './parts.tsx';
import { beginReading, ceremony, markRead, refresh } from './state.ts';
import { text } from './text/index.ts';

export function Intro() {
  const texts = text();
  const state = ceremony.value;
  if (!state) return null;
  const missing = Math.max(0, state.references.want - state.references.have);
  return (
    <div class="stack">
      <Title>{texts.intro.asks(state.sender.name)}</Title>
      <Panel test="intro">
        <div class="stack-small">
          <h2 data-test="document-title">{state.document.title}</h2>
          <p class="muted small">{texts.intro.pages(state.document.pages.length)} · {size(state.document.size)}</p>
        </div>
        <p>{texts.intro.hello(state.signer.name)}<br />{texts.intro.how}</p>
        <ol class="pre-list">
          {texts.intro.steps(state.document.pages.length, missing).split('\n').map((line) => <li key={line}>{line}</li>)}
        </ol>
        <p class="muted">{texts.intro.nothingYet}</p>
        {state.controller && <Controller who={state.controller} />}
        <div class="actions">
          <Button kind="primary" large onClick={beginReading} test="start-reading">{texts.intro.start}</Button>
          <Decline />
        </div>
      </Panel>
    </div>
  );
}

export function Read() {
  const texts = text();
  const state = ceremony.value;
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const [shown, setShown] = useState<Shown>('loading');
  const [pressed, setPressed] = useState(false); // while a page was being drawn
  useEffect(restore, []);
  const consented = state?.next === 'fill'; // the fields are all that is missing
  const done = async () => {
    setTried(true);
    if (missing.value.length > 0) {
      toMissing();
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      await flush();
      if (consented) await refresh();
      else markRead();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  // A page that comes into view while the button goes down must not take the press away:
  // it counts as soon as the page is drawn.
  useEffect(() => {
    if (!pressed || shown === 'drawing') return;
    setPressed(false);
    if (shown === 'shown') void done();
  }, [pressed, shown]);
  if (!state) return null;
  return (
    <div class="stack">
      <Title>{consented ? texts.fill.title : texts.read.title}</Title>
      <p class="muted">{asked.value.length > 0 ? texts.fill.hint : texts.read.hint}</p>
      <Viewer url={signing.pdfURL} pages={state.document.pages} targets={state.fields.filter((field) => !field.fixed)} overlay={(page) => <FieldsOn page={page} />} onShown={setShown} />
      <Form tried={tried} />
      {tried && missing.value.length > 0 && <Notice tone="warn" test="fields-missing">{texts.fill.missing(missing.value.length)}</Notice>}
      <ProblemNotice problem={problem} />
      <div class="actions actions-sticky">
        <Button kind="primary" large onClick={() => setPressed(true)} busy={busy || pressed} disabled={shown === 'loading' || shown === 'failed'} test="read-done">{consented ? texts.fill.go : texts.read.go}</Button>
        <Decline />
        <p class="small" role="status" data-test="document-wait">{shown === 'loading' || pressed ? texts.read.loading : shown === 'failed' ? texts.read.failed : ''}</p>
      </div>
    </div>
  );
}

// Leads to the first control that still wants something.
function toMissing(): void {
  const [first] = missing.value;
  const control = document.querySelector<HTMLElement>(first?.kind === 'initials' ? '[data-test=initials]' : `[name="${first?.name}"]`);
  control?.scrollIntoView({ block: 'center' });
  control?.focus({ preventScroll: true });
}
