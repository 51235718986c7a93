// After the confirmation: sealing, done, declined; and the links that lead nowhere, or to another window.
import { useEffect, useState } from 'preact/hooks';
import { signing } from '../api.ts';
import { download, type Progress as Received, save } from '../download.ts';
import { day, size } from '../i18n/format.ts';
import { Button, Empty, Notice, Panel, ProblemNotice, Progress } from '../ui/ui.tsx';
import { HandOn } from './hand.tsx';
import { Controller, Title } from './parts.tsx';
import { ceremony, goOnHere, handing, problem, refresh } from './state.ts';
import { text } from './text/index.ts';

const POLL_MS = 1000;

export function Sealing() {
  const texts = text().sealing;
  useEffect(() => {
    const timer = setInterval(() => void refresh(), POLL_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <Panel test="sealing">
        {ceremony.value?.consentAt
          ? <>
              <p>{texts.consent}</p>
              <div><a class="button button-primary button-large" href={ceremony.value.consentAt} rel="noreferrer" data-test="provider-consent">{texts.consentGo(new URL(ceremony.value.consentAt).hostname)}</a></div>
            </>
          : <Progress label={handing ? texts.short : texts.text} />}
        <ProblemNotice problem={problem.value} />
        {handing && <HandOn />}
      </Panel>
    </div>
  );
}

export function Done() {
  const texts = text().done;
  const state = ceremony.value;
  const waiting = state !== undefined && !state.deposit;
  useEffect(() => {
    if (!waiting) return;
    const timer = setInterval(() => void refresh(), 5 * POLL_MS);
    return () => clearInterval(timer);
  }, [waiting]);
  if (!state) return null;
  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <Panel test="done">
        <Notice tone="good">{texts.text(state.document.title)}</Notice>
        {handing ? <HandOn /> : <Files />}
        {!handing && state.controller && <Controller who={state.controller} />}
      </Panel>
    </div>
  );
}

// What the signer takes along. Not on a device that goes on to the next: they get a mail.
function Files() {
  const texts = text().done;
  const state = ceremony.value;
  if (!state) return null;
  const name = fileName(state.document.title);
  return (
    <>
      <p>{state.deposit?.withheld ? texts.saveOne : texts.save}</p>
      <div class="stack-small">
        <Download url={signing.signedURL} name={`${name}.pdf`} label={texts.pdf} test="download-pdf" />
        {state.deposit?.withheld && <p class="muted" data-test="deposit-withheld">{texts.withheld}</p>}
        {state.deposit && !state.deposit.withheld && <Download url={signing.depositURL} name={`${name}.asice`} label={texts.deposit} test="download-deposit" />}
        {!state.deposit && <p class="muted" data-test="deposit-later">{state.others > 0 ? texts.later : texts.making}</p>}
      </div>
      {state.deposit && <p class="muted">{texts.retain(day(state.deposit.retainUntil))}</p>}
      <p><a href="/verify">{texts.verify}</a></p>
    </>
  );
}

export function Download({ url, name, label, test }: { url: string; name: string; label: string; test: string }) {
  const [progress, setProgress] = useState<Received>();
  const [failed, setFailed] = useState<unknown>();
  const run = async () => {
    setFailed(undefined);
    setProgress({ received: 0, total: 0 });
    try {
      save(await download(url, setProgress), name);
    } catch (error) {
      setFailed(error);
    }
    setProgress(undefined);
  };
  return (
    <div class="stack-small">
      <div><Button onClick={() => void run()} busy={progress !== undefined} test={test}>{label}</Button></div>
      {progress && progress.total > 0 && <Progress label={text().done.downloading(size(progress.received), size(progress.total))} value={progress.received} max={progress.total} />}
      <ProblemNotice problem={failed} />
    </div>
  );
}

export function fileName(title: string): string {
  return title.replace(/[\\/:*?"<>|\u0000-\u001f]+/g, ' ').trim().slice(0, 80) || 'document';
}

export function Declined() {
  const texts = text().declined;
  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <Panel test="declined"><p>{texts.text(ceremony.value?.sender.name ?? '')}</p>{handing && <HandOn />}</Panel>
    </div>
  );
}

export function NoLink({ expired }: { expired: boolean }) {
  const texts = text().open;
  return (
    <Empty
      main
      title={expired ? texts.expired : texts.noLink}
      text={expired ? texts.expiredText : texts.noLinkText}
      test={expired ? 'link-expired' : 'link-missing'}
    />
  );
}

export function Elsewhere() {
  const texts = text().open;
  return (
    <Empty main title={texts.elsewhere} text={texts.elsewhereText} test="elsewhere">
      <Button kind="primary" large onClick={() => void goOnHere()} test="go-on-here">{texts.here}</Button>
    </Empty>
  );
}
