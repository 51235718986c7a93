// The pad: one capture from "start" to "done", with everything the signer has to
// know about the connection, the camera and the device.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type FinishedCapture, Problem } from '../api.ts';
import type { CaptureRecord } from '../ink/store.ts';
import { Button, Notice, ProblemNotice } from '../ui/ui.tsx';
import { Video } from './parts.tsx';
import { Recording, type RecordingState } from './recording.ts';
import { captureStore, ceremony, leftover } from './state.ts';
import { text } from './text/index.ts';

interface PadProps {
  kind: 'reference' | 'signature';
  stream?: MediaStream;
  auto?: boolean; // begin at once: the signer has just signed the one before
  onDone: (recording: Recording, result: FinishedCapture) => void;
}

// `starting` until it is clear what begins, so that nothing begins twice; `idle` waits for the signer.
type Phase = 'starting' | 'idle' | 'running' | 'finishing';

const ASPECT = 0.42;

export function Pad({ kind, stream, auto, onDone }: PadProps) {
  const texts = text().pad;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const recording = useRef<Recording | undefined>(undefined);
  const [left] = useState(() => new AbortController()); // once this pad is gone
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [state, setState] = useState<RecordingState>();
  const [phase, setPhase] = useState<Phase>('starting');
  const [problem, setProblem] = useState<unknown>();
  const [empty, setEmpty] = useState(false);
  const [turned, setTurned] = useState(false);
  const [resumed, setResumed] = useState(false);
  const [slept, setSlept] = useState(false); // the browser froze the tab while something was recorded
  const [capture, setCapture] = useState<string>(); // the id of what is recorded
  const [durable, setDurable] = useState(true);
  const [gone, setGone] = useState(false); // what an earlier page left could not be continued

  const start = async (record?: CaptureRecord) => {
    const pad = canvas.current;
    const box = frame.current;
    if (!pad || !box) return;
    setPhase('running');
    setProblem(undefined);
    setEmpty(false);
    const dimensions = record ?? padSize(box);
    setSize({ width: dimensions.width, height: dimensions.height });
    try {
      const store = await captureStore();
      setDurable(store.durable);
      const change = (next: RecordingState) => {
        setState(next);
        if (record && next.link === 'failed' && !next.elsewhere) void bury();
      };
      const options = { kind, document: ceremony.value?.document.sha256 ?? '', pad, store, stream, left: left.signal, change };
      recording.current = record ? await Recording.open(options, record) : await Recording.begin(options, dimensions);
      setCapture(recording.current.record.id);
      setResumed(recording.current.resumed && recording.current.points.length > 0);
    } catch (error) {
      if (left.signal.aborted) return;
      setProblem(error);
      setPhase('idle');
    }
  };

  const reset = () => {
    const old = recording.current;
    recording.current = undefined;
    setState(undefined);
    setTurned(false);
    setResumed(false);
    setSlept(false);
    return old;
  };
  const bury = async () => {
    const old = reset();
    setPhase('starting');
    setGone(true);
    if (canvas.current) canvas.current.width = 0; // takes its ink away
    await old?.forget().catch(() => undefined); // or else when the next one begins
    if (auto) await start();
    else setPhase('idle');
  };
  const clear = async () => {
    const old = reset();
    setPhase('starting');
    setGone(false);
    await old?.discard().catch(() => undefined); // or else when the next one begins
    await start();
  };

  const finish = async () => {
    const current = recording.current;
    if (!current) return;
    setEmpty(current.points.every((point) => !point.down));
    if (current.points.every((point) => !point.down)) return;
    setPhase('finishing');
    setProblem(undefined);
    try {
      const result = await current.finish();
      if (!left.signal.aborted) onDone(current, result); // else what comes next is known better
    } catch (error) {
      if (error instanceof Problem) setProblem(error);
      setPhase('running');
    }
  };

  useEffect(() => {
    const box = frame.current;
    if (box) setSize(padSize(box));
    void leftover(kind, false).catch(() => undefined).then((record) => {
      if (record) return start(record);
      if (auto) return start();
      setPhase('idle');
    });
    return () => left.abort();
  }, []);

  // The frame gets its new width only after the window has told of its own.
  useEffect(() => {
    const box = frame.current;
    if (!box) return;
    const check = () => {
      if (recording.current) setTurned(box.clientWidth < size.width - 1);
      else setSize(padSize(box));
    };
    const observer = new ResizeObserver(check);
    observer.observe(box);
    window.addEventListener('resize', check); // the height of the window counts too
    return () => {
      observer.disconnect();
      window.removeEventListener('resize', check);
    };
  }, [size.width]);

  useEffect(() => {
    const woken = () => setSlept(recording.current !== undefined);
    document.addEventListener('resume', woken);
    return () => document.removeEventListener('resume', woken);
  }, []);

  const broken = state?.link === 'failed' || state?.media === 'failed' || state?.media === 'ended';
  const live = phase === 'running' && state?.armed === true && !broken;
  const offline = live && state.link === 'lost';
  return (
    <div class="stack">
      <div class="capture-head">
        <div class="stack-small">
          <p class="muted">{texts.hint}</p>
          <p class={live && !offline ? 'rec rec-on' : 'rec'} role="status" data-test="recording">
            {offline ? texts.recordingHere : live ? (stream ? texts.recordingAll : texts.recordingPen) : broken ? texts.stopped : phase === 'idle' ? texts.startHint : phase === 'finishing' ? texts.finishing : texts.preparing}
          </p>
        </div>
        {stream && <div class="capture-small"><Video stream={stream} label={text().camera.preview} /></div>}
      </div>
      <div class="pad-frame" ref={frame}>
        <div class={live ? 'pad pad-live' : 'pad'} style={{ '--pad-width': size.width, '--pad-height': size.height }} data-test="pad" data-state={live ? 'live' : phase} data-capture={capture}>
          <div class="pad-line" />
          {live && state.strokes === 0 && <div class="pad-here">{texts.here}</div>}
          <canvas ref={canvas} role="img" aria-label={texts.label} data-test="pad-canvas" />
          {phase === 'idle' && <div class="pad-cover"><Button kind="primary" large onClick={() => void start()} test="pad-start">{texts.start}</Button></div>}
          {(phase === 'starting' || (phase === 'running' && state && !state.armed && !broken)) && <div class="pad-cover"><p class="busy">{texts.preparing}</p></div>}
        </div>
      </div>
      {gone && <Notice tone="warn" test="pad-gone">{texts.gone}</Notice>}
      <Messages state={state} durable={durable} turned={turned} resumed={resumed} slept={slept} empty={empty && state?.strokes === 0} phase={phase} />
      <ProblemNotice problem={problem} onRetry={recording.current && !broken ? () => void finish() : undefined} />
      <div class="actions">
        <Button kind="primary" large onClick={() => void finish()} disabled={!live || turned} busy={phase === 'finishing'} test="pad-done">{texts.done}</Button>
        <Button onClick={() => void clear()} disabled={phase !== 'running'} test="pad-clear">{texts.clear}</Button>
      </div>
    </div>
  );
}

interface MessagesProps {
  state: RecordingState | undefined;
  durable: boolean;
  turned: boolean;
  resumed: boolean;
  slept: boolean;
  empty: boolean;
  phase: Phase;
}

function Messages({ state, durable, turned, resumed, slept, empty, phase }: MessagesProps) {
  const texts = text().pad;
  const slot = useRef<HTMLDivElement>(null);
  const width = useRef(0); // for which the room was measured
  // What was told below the pad keeps its room while somebody writes: a page that becomes
  // shorter scrolls back, and the pad would move under the pen. A device that is turned has
  // other room, and nobody writes on it meanwhile.
  useLayoutEffect(() => {
    const box = slot.current;
    if (!box) return;
    const keeps = phase === 'running' && !turned;
    if (!keeps || box.offsetWidth !== width.current) box.style.minHeight = '';
    width.current = box.offsetWidth;
    if (keeps) box.style.minHeight = `${box.getBoundingClientRect().height}px`; // unrounded: half a pixel less already scrolls
  });
  if (!state || phase === 'idle') return null;
  return (
    <div class="stack" ref={slot}>
      {state.link === 'lost' && <Notice tone="warn" test="link-lost"><p>{durable ? texts.lost : texts.lostMemory}</p>{state.pending > 0 && <p class="small">{texts.pending(state.pending)}</p>}</Notice>}
      {state.link === 'failed' && <Notice tone="bad" test="link-failed">{state.elsewhere ? texts.elsewhere : texts.failed}</Notice>}
      {state.way === 'socket' && state.media !== 'failed' && state.media !== 'ended' && <Notice test="media-socket">{texts.cameraSocket}</Notice>}
      {state.media === 'lost' && <Notice tone="warn" test="media-lost">{texts.cameraLost}</Notice>}
      {state.media === 'failed' && <Notice tone="bad" test="media-failed">{texts.cameraFailed}</Notice>}
      {state.media === 'ended' && <Notice tone="bad" test="media-ended">{texts.cameraEnded}</Notice>}
      {turned && <Notice tone="warn" test="turned">{texts.turned}</Notice>}
      {resumed && <Notice test="resumed">{texts.resumed}</Notice>}
      {slept && <Notice test="slept">{texts.slept}</Notice>}
      {empty && <Notice tone="warn" test="empty">{texts.empty}</Notice>}
      {state.pointer === 'mouse' && <p class="small muted">{texts.mouse}</p>}
    </div>
  );
}

function padSize(box: HTMLElement): { width: number; height: number } {
  const width = Math.floor(Math.min(box.clientWidth, 760));
  const room = Math.max(180, window.innerHeight * 0.5);
  return { width, height: Math.round(Math.min(Math.max(width * ASPECT, 190), room)) };
}
