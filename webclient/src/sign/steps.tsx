// References first where they are missing, then the signature, then its confirmation.
import { useEffect, useRef, useState } from 'preact/hooks';
import { type FinishedCapture, newKey, signing } from '../api.ts';
import { InkCanvas } from '../canvas/ink.ts';
import { decodeBatch } from '../ink/codec.ts';
import type { Point } from '../ink/point.ts';
import type { CaptureRecord } from '../ink/store.ts';
import { closeCamera } from '../media/camera.ts';
import { Button, Notice, Panel, ProblemNotice } from '../ui/ui.tsx';
import { CameraCheck } from './camera.tsx';
import { Pad } from './pad.tsx';
import { Decline, Title } from './parts.tsx';
import type { Recording } from './recording.ts';
import { accept, captureStore, ceremony, consentGiven, enough, leftover, refresh, withoutCamera } from './state.ts';
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
    await refresh();
    setFinished(undefined);
    setAttempt(attempt + 1);
  };
  const done = (recording: Recording, result: FinishedCapture) => {
    const outcome = { recording, result };
    if (result.problems.length > 0) setFinished(outcome);
    else void keep(outcome);
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

function Problems({ finished, onKeep, onAgain }: { finished: Finished; onKeep: () => void; onAgain: () => void }) {
  const texts = text().result;
  return (
    <Notice tone="warn" test="quality">
      <p>{texts.problems}</p>
      <ul class="pre-list">
        {finished.result.problems.map((one) => <li key={one.code}>{texts.codes[one.code] ?? one.message}</li>)}
      </ul>
      <div class="actions">
        <Button kind="primary" onClick={onAgain} test="quality-again">{texts.again}</Button>
        <Button onClick={onKeep} test="quality-keep">{texts.keep}</Button>
      </div>
    </Notice>
  );
}

export function Sign() {
  const wantsCamera = consentGiven('video') && !withoutCamera.value;
  const [stream, setStream] = useState<MediaStream>();
  const [attempt, setAttempt] = useState(0);
  const [finished, setFinished] = useState<Finished>();
  useEffect(() => () => closeCamera(stream), [stream]);

  const keep = async () => {
    closeCamera(stream);
    await refresh();
  };
  const done = (recording: Recording, result: FinishedCapture) => {
    if (result.problems.length > 0) setFinished({ recording, result });
    else void keep();
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
          ? <Problems finished={finished} onKeep={() => void keep()} onAgain={() => void again()} />
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
  const [points, setPoints] = useState<Point[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const key = useRef(newKey());
  useEffect(() => {
    void leftover('signature', true).then(async (found) => {
      setRecord(found);
      if (found) setPoints((await (await captureStore()).batches(found.id)).flatMap((data) => decodeBatch(data).points));
    });
  }, []);
  if (!state) return null;
  const capture = record?.id ?? state.captureId ?? '';

  const confirm = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      accept(await signing.confirm(capture, key.current));
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  const again = async () => {
    setBusy(true);
    if (capture) await signing.discard(capture).catch(() => undefined);
    if (record) await (await captureStore()).erase(record.id);
    await refresh();
    setBusy(false);
  };

  return (
    <div class="stack">
      <Title>{texts.title}</Title>
      <Panel test="confirm">
        {points.length > 0 && record && <Picture points={points} size={record} />}
        <p>{texts.text(state.document.title)}</p>
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
