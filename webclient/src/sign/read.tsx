// Who asks and what, then the document itself.
import { Viewer } from '../pdf/viewer.tsx';
import { FieldMark } from '../pdf/field.tsx';
import { common } from '../i18n/common/index.ts';
import { size } from '../i18n/format.ts';
import { signing } from '../api.ts';
import { Button, Panel } from '../ui/ui.tsx';
import { Decline, Title } from './parts.tsx';
import { ceremony, markRead, stage } from './state.ts';
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
        <div class="actions">
          <Button kind="primary" large onClick={() => (stage.value = 'read')} test="start-reading">{texts.intro.start}</Button>
          <Decline />
        </div>
      </Panel>
    </div>
  );
}

export function Read() {
  const texts = text();
  const state = ceremony.value;
  if (!state) return null;
  return (
    <div class="stack">
      <Title>{texts.read.title}</Title>
      <p class="muted">{texts.read.hint}</p>
      <Viewer
        url={signing.pdfURL}
        pages={state.document.pages}
        targets={state.fields}
        overlay={(page) => state.fields.filter((field) => field.page === page.number).map((field, i) => (
          <FieldMark key={i} field={field} page={page}>{common().pdf.signHere}</FieldMark>
        ))}
      />
      <div class="actions actions-sticky">
        <Button kind="primary" large onClick={markRead} test="read-done">{texts.read.go}</Button>
        <Decline />
      </div>
    </div>
  );
}
