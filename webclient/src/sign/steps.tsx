// References first where they are missing, then the signature, then its confirmation.
import { useEffect, useRef, useState } from 'preact/hooks';
import { type CaptureProblem, type FinishedCapture, newKey, signing } from '../api.ts';
import { InkCanvas } from '../canvas/ink.ts';
import { decodeBatch } from '../ink/codec.ts';
import type { Point } from '../ink/point.ts';
import type { CaptureRecord } from '../ink/store.ts';
import { closeCamera } from '../media/camera.ts';
import { Button, Form, Notice, Panel, ProblemNotice, TextField } from '../ui/ui.tsx';
import { CameraCheck } from './camera.tsx';
import { prove } from './factor.ts';
import { Pad } from './pad.tsx';
import { Decline, Title } from './parts.tsx';
import type { Recording } from './recording.ts';
import { accept, captureStore, ceremony, consentGiven, enough, leftover } from './state.ts';
import { text } from './text/index.ts';

interface Finished {
  recording: Recording;
  result: FinishedCapture;
}

export function Enrol() {
  const texts = text().enrol;
  const { have, need, want } = ceremony.value?.references ?? { have: 0, need: 0, want: 0 };
  const [attempt, setAttempt] = useState(0);
  const [finished, setFinished] = useState<Finished>();

  const keep = async (done: Finished) => {
    await (await captureStore()).erase(done.recording.record.id);
    setFinished(undefined);
    setAttempt(attempt + 1);
    accept(done.result.signing);
  };
  const done = (recording: Recording, result: FinishedCapture) => {
    if (result.accepted && worthSaying(result).length === 0) void keep({ recording, result });
    else setFinished({ recording, result });
  };
  const again = async () => {
    await finished?.recording.discard();
    setFinished(undefined);
    setAttempt(attempt + 1);
  };

  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <p>{texts.text(want)}</p>
      <Panel title={texts.count(Math.min(have + 1, want), want)} test="enrol">
        {finished
          ? <Problems finished={finished} onKeep={() => void keep(finished)} onAgain={() => void again()} />
          : <Pad key={attempt} kind="reference" auto={attempt > 0} onDone={done} />}
        <div class="actions">
          {have >= need && <Button onClick={() => (enough.value = true)} test="enrol-enough">{texts.enough}</Button>}
          <Decline />
        </div>
      </Panel>
    </div>
  );
}

// Refusals, and those warnings that the signer can do something about.
function worthSaying(result: FinishedCapture): CaptureProblem[] {
  return result.problems.filter(({ severity, code }) => severity === 'refusal' || text().result.codes[code] !== undefined);
}

function Problems({ finished, onKeep, onAgain }: { finished: Finished; onKeep: () => void; onAgain: () => void }) {
  const texts = text().result;
  return (
    <Notice tone={finished.result.accepted ? 'warn' : 'bad'} test="quality">
      <p>{texts.problems}</p>
      <ul class="pre-list">
        {worthSaying(finished.result).map((one) => <li key={one.code}>{texts.codes[one.code] ?? one.text}</li>)}
      </ul>
      <div class="actions">
        <Button kind="primary" onClick={onAgain} test="quality-again">{texts.again}</Button>
        {finished.result.accepted && <Button onClick={onKeep} test="quality-keep">{texts.keep}</Button>}
      </div>
    </Notice>
  );
}

export function Sign() {
  const wantsCamera = consentGiven('video');
  const [stream, setStream] = useState<MediaStream>();
  const [attempt, setAttempt] = useState(0);
  const [finished, setFinished] = useState<Finished>();
  useEffect(() => () => closeCamera(stream), [stream]);

  const keep = (result: FinishedCapture) => {
    closeCamera(stream);
    accept(result.signing);
  };
  const done = (recording: Recording, result: FinishedCapture) => {
    if (result.accepted && worthSaying(result).length === 0) keep(result);
    else setFinished({ recording, result });
  };
  const again = async () => {
    await finished?.recording.discard();
    setFinished(undefined);
    setAttempt(attempt + 1);
  };

  if (wantsCamera && !stream) return <CameraCheck onReady={setStream} />;
  return (
    <div class="stack">
      <Title>{text().pad.title}</Title>
      {!wantsCamera && <p class="muted">{text().camera.noConsent}</p>}
      <Panel test="sign">
        {finished
          ? <Problems finished={finished} onKeep={() => keep(finished.result)} onAgain={() => void again()} />
          : <Pad key={attempt} kind="signature" stream={stream} auto={attempt > 0} onDone={done} />}
        <div class="actions"><Decline /></div>
      </Panel>
    </div>
  );
}

export function Confirm() {
  const texts = text().confirm;
  const state = ceremony.value;
  const [record, setRecord] = useState<CaptureRecord>();
  const [points, setPoints] = useState<Point[]>(); // none where this device has lost them
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const key = useRef(newKey());
  useEffect(() => {
    void leftover('signature', true).then(async (found) => {
      setRecord(found);
      setPoints(found ? (await (await captureStore()).batches(found.id)).flatMap((data) => decodeBatch(data).points) : []);
    }).catch(() => setPoints([]));
  }, []);
  if (!state) return null;
  const capture = state.captureId ?? record?.id ?? '';

  const confirm = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      accept(await signing.confirm({ captureId: capture, ...(await prove(state)) }, key.current));
    } catch (error) {
      setProblem(error);
      if (state.proof) key.current = newKey(); // a proof is good once
    }
    setBusy(false);
  };
  const again = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const next = await signing.discard(capture);
      if (record) await (await captureStore()).erase(record.id);
      accept(next);
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };

  const unseen = points?.length === 0;
  return (
    <div class="stack">
      <Title>{unseen ? texts.unseenTitle : texts.title}</Title>
      <Panel test="confirm">
        {unseen && <Notice tone="warn" test="unseen">{texts.unseen}</Notice>}
        {points && points.length > 0 && record && <Picture points={points} size={record} />}
        <p>{texts.text(state.document.title)} {texts.keep(state.keep.depositYears)}</p>
        <dl class="facts">
          <dt>{texts.document}</dt><dd>{state.document.title}</dd>
          <dt>{texts.fingerprint}</dt><dd class="mono">{state.document.sha256}</dd>
        </dl>
        <ProblemNotice problem={problem} />
        <div class="actions">
          <Button kind="primary" large onClick={() => void confirm()} busy={busy} disabled={!capture} test="confirm-sign">{texts.go}</Button>
          <Button onClick={() => void again()} disabled={busy} test="confirm-again">{texts.again}</Button>
          <Decline />
        </div>
      </Panel>
    </div>
  );
}

// The other way to sign, for those who do not want to be recorded or cannot write.
export function TypeName() {
  const texts = text().type;
  const state = ceremony.value;
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const key = useRef(newKey());
  if (!state) return null;
  const confirm = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      accept(await signing.confirm({ typed: name.trim(), ...(await prove(state)) }, key.current));
    } catch (error) {
      setProblem(error);
      key.current = newKey(); // the name may be changed before the next try
    }
    setBusy(false);
  };
  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <Panel test="type">
        <p>{texts.text}</p>
        <Form onSubmit={() => void confirm()}>
          <TextField label={texts.name} value={name} onInput={setName} autocomplete="name" required test="typed-name" hint={texts.hint(state.signer.name)} />
          <p>{texts.sealed(state.document.title)}</p>
          <ProblemNotice problem={problem} />
          <div class="actions">
            <Button kind="primary" large type="submit" busy={busy} test="confirm-typed">{text().confirm.go}</Button>
            <Decline />
          </div>
        </Form>
      </Panel>
    </div>
  );
}

// What was written, drawn from the kept samples.
function Picture({ points, size }: { points: Point[]; size: { width: number; height: number } }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const ink = new InkCanvas(canvas.current, { colour: '#14235c', width: 2.6 });
    ink.resize(size.width, size.height);
    ink.draw(points);
  }, [points]);
  return <canvas ref={canvas} class="picture" role="img" aria-label={text().confirm.picture} data-test="picture" />;
}
