// Small parts of the signer's screens.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { signing } from '../api.ts';
import { common } from '../i18n/common/index.ts';
import { Button, Dialog, Form, Notice, ProblemNotice, TextField } from '../ui/ui.tsx';
import { accept, ceremony } from './state.ts';
import { text } from './text/index.ts';

// The heading of a step takes the focus, so that a new step is read out. At once: a little
// later it would take it from whoever is quick.
export function Title({ children }: { children: ComponentChildren }) {
  const element = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    element.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  return <h1 ref={element} tabIndex={-1} data-test="title">{children}</h1>;
}

// "I do not want to sign": a plain way out from every step before the confirmation.
export function Decline() {
  const texts = text();
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const decline = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      accept(await signing.decline(reason));
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  return (
    <>
      <Button kind="plain" onClick={() => setOpen(true)} test="decline">{texts.read.decline}</Button>
      <Dialog title={texts.decline.title} open={open} onClose={() => setOpen(false)} test="decline-dialog">
        <p>{texts.decline.text(ceremony.value?.sender.name ?? '')}</p>
        <TextField label={texts.decline.reason} value={reason} onInput={setReason} lines={3} test="decline-reason" />
        <ProblemNotice problem={problem} />
        <div class="actions">
          <Button kind="danger" onClick={() => void decline()} busy={busy} test="decline-confirm">{texts.decline.confirm}</Button>
          <Button onClick={() => setOpen(false)}>{common().back}</Button>
        </div>
      </Dialog>
    </>
  );
}

// Who is responsible for the signer's data, and the way to ask them.
export function Controller({ who }: { who: string }) {
  const texts = text().intro;
  const [open, setOpen] = useState(false);
  const [words, setWords] = useState('');
  const [sent, setSent] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const send = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await signing.askController(words.trim());
      setSent(true);
      setWords('');
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const close = () => {
    setOpen(false);
    setSent(false);
    setProblem(undefined);
  };
  return (
    <>
      <p class="muted small"><span data-test="controller">{texts.controller(who)}</span> <Button kind="plain" onClick={() => setOpen(true)} test="ask-controller">{texts.ask}</Button></p>
      <Dialog title={texts.askTitle} open={open} onClose={close} test="ask-dialog">
        {sent
          ? <>
              <Notice tone="good" test="ask-sent">{texts.asked(who)}</Notice>
              <div class="actions"><Button onClick={close}>{common().close}</Button></div>
            </>
          : <Form onSubmit={() => void send()}>
              <p>{texts.askText(who)}</p>
              <TextField label={texts.askLabel} value={words} onInput={setWords} lines={5} maxLength={1000} required test="ask-text" />
              <ProblemNotice problem={problem} />
              <div class="actions">
                <Button kind="primary" type="submit" busy={busy} test="ask-go">{texts.askGo}</Button>
                <Button onClick={close}>{common().close}</Button>
              </div>
            </Form>}
      </Dialog>
    </>
  );
}

export function Video({ stream, label, ready }: { stream: MediaStream; label: string; ready?: (video: HTMLVideoElement) => () => void }) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = element.current;
    if (!video) return;
    video.srcObject = stream;
    void video.play().catch(() => undefined);
    const stop = ready?.(video);
    return () => {
      stop?.();
      video.srcObject = null;
    };
  }, [stream]);
  return <video ref={element} muted playsInline autoPlay aria-label={label} data-test="camera" />;
}
