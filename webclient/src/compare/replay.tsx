// Replay at true speed and slower or faster, in step with the selfie video, and
// what is drawn.
import { useEffect, useRef } from 'preact/hooks';
import { number } from '../i18n/format.ts';
import { language } from '../i18n/index.ts';
import { Button, Select } from '../ui/ui.tsx';
import { type Colouring, ramp } from './draw.ts';
import { measured, NOTHING } from './marks.ts';
import { zoomBy } from './sheets.tsx';
import { hasLength } from './signal.ts';
import {
  colouring, colourRangeOf, current, dots, filtered, FITTED, hover, inAir, length, localCost, mode, order, playing, questioned, questionedItem, questionedItems, chosenQuestioned,
  rate, seek, step, stepStroke, time, tool, type Tool, unscaled, videoStart, view,
} from './state.ts';
import { text } from './text/index.ts';

const RATES = [0.1, 0.25, 0.5, 1, 2, 4];

export function Replay() {
  const texts = text().replay;
  useClock();
  const now = Math.min(time.value, length.value);
  const toggle = () => {
    if (!playing.value && time.value >= length.value) time.value = 0;
    hover.value = -1;
    playing.value = !playing.value;
  };
  const at = current.value;
  const moment = texts.at(number(now / 1000, 2), number(length.value / 1000, 2)) + (at >= 0 ? ` · ${texts.sample(number(at + 1), number(questioned.value?.t.length ?? 0), number((questioned.value?.stroke[at] ?? 0) + 1))}` : '');
  return (
    <div class="toolbar" data-test="replay">
      <Button kind="primary" onClick={toggle} test="play">{playing.value ? texts.pause : texts.play}</Button>
      <div class="row tight">
        <Button onClick={() => stepStroke(-1)} label={texts.strokeBack} test="stroke-back">|◀</Button>
        <Button onClick={() => step(-1)} label={texts.sampleBack} test="sample-back">‹</Button>
        <Button onClick={() => step(1)} label={texts.sampleOn} test="sample-on">›</Button>
        <Button onClick={() => stepStroke(1)} label={texts.strokeOn} test="stroke-on">▶|</Button>
      </div>
      <label class="field grow"><span class="field-label" role="status" aria-live={playing.value ? 'off' : 'polite'} data-test="moment">{moment}</span>
        <input type="range" class="wide" min="0" max={length.value} step="5" value={now} aria-label={texts.moment} aria-valuetext={moment} onInput={(event) => seek(Number(event.currentTarget.value))} data-test="seek" /></label>
      <Select label={texts.speed} value={String(rate.value)} options={RATES.map((one) => [String(one), `${new Intl.NumberFormat(language.value).format(one)} ×`] as const)} onChange={(value) => (rate.value = Number(value))} test="rate" />
      <Button onClick={() => seek(Infinity)} test="show-all">{texts.all}</Button>
    </div>
  );
}

// What is drawn and how, for all sheets.
export function Looks() {
  const texts = text().replay;
  const names = text().channels;
  const colourings: Record<Colouring, string> = { none: texts.plain, p: names.p, speed: names.speed, acceleration: names.acceleration, jerk: names.jerk, tilt: names.tilt, t: texts.time, cost: texts.cost };
  const check = (label: string, on: { value: boolean }, test: string) => (
    <label class="check"><input type="checkbox" checked={on.value} onChange={(event) => (on.value = event.currentTarget.checked)} data-test={test} />{label}</label>
  );
  return (
    <>
    <div class="toolbar">
      {questionedItems.value.length > 1 && <Select label={text().sheets.questioned} value={questionedItem.value?.id ?? ''} onChange={(id) => (chosenQuestioned.value = id)} test="choose-questioned"
        options={Object.fromEntries(questionedItems.value.map((item) => [item.id, item.label]))} />}
      <Select label={texts.view} value={mode.value} options={texts.modes} onChange={(value) => (mode.value = value)} test="mode" />
      <Select<Colouring> label={texts.colour} value={colouring.value} options={colourings} onChange={(value) => (colouring.value = value)} test="colouring" />
      {check(texts.inAir, inAir, 'in-air')}{check(texts.order, order, 'order')}{check(texts.dots, dots, 'dots')}{check(texts.filtered, filtered, 'filtered')}
    </div>
    {colouring.value !== 'none' && <Legend />}
    <p class="small muted print-only" data-test="shown-state">{[
      texts.modes[mode.value], inAir.value && texts.inAir, order.value && texts.order, dots.value && texts.dots, colouring.value !== 'none' && `${texts.colour}: ${colourings[colouring.value]}`,
      filtered.value ? texts.filtered : texts.unfiltered, time.value !== Infinity && texts.at(number(Math.min(time.value, length.value) / 1000, 2), number(length.value / 1000, 2)),
    ].filter(Boolean).join(' · ')}</p>
    </>
  );
}

export function Tools() {
  const texts = text().tools;
  return (
    <div class="toolbar" role="group" aria-label={texts.title}>
      <div class="row tight">
        {(Object.keys(texts.names) as Tool[]).map((name) => <Button key={name} pressed={tool.value === name} onClick={() => { tool.value = name; measured.value = NOTHING; }} test={`tool-${name}`}>{texts.names[name]}</Button>)}
      </div>
      <div class="row tight">
        <Button onClick={() => zoomBy(1.5)} label={texts.closer} test="zoom-in">+</Button>
        <Button onClick={() => zoomBy(1 / 1.5)} label={texts.farther} test="zoom-out">−</Button>
        <Button onClick={() => (view.value = FITTED)} test="zoom-fit">{texts.fit}</Button>
        <span class="small muted" role="status">{number(100 * view.value.zoom)} %</span>
      </div>
    </div>
  );
}

// Advances the moment while playing, frame by frame.
function useClock(): void {
  useEffect(() => {
    if (!playing.value) return;
    let before = performance.now();
    let frame = requestAnimationFrame(function tick(now) {
      if (!playing.peek()) return; // stopped since, and maybe sent somewhere else
      const next = (time.value === Infinity ? 0 : time.value) + Math.max(0, now - before) * rate.value;
      before = now;
      if (next >= length.value) {
        time.value = length.value;
        playing.value = false;
        return;
      }
      time.value = next;
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing.value]);
}

// The colours with their values: one scale for all signatures.
function Legend() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    for (let i = 0; context && i < 100; i++) {
      context.fillStyle = ramp(i / 100);
      context.fillRect(i, 0, 1, 10);
    }
  }, []);
  const name = colouring.value;
  const one = questioned.value;
  const [low, high] = one ? colourRangeOf(one) : [0, 1];
  const metric = one?.metric ?? false;
  const unit = name === 't' ? 'ms' : name === 'cost' || name === 'none' ? '' : text().units[name](metric);
  const digits = Math.abs(high) < 10 ? 1 : 0;
  if (name === 'cost' && !localCost.value) return <span class="small muted">{text().replay.noCost}</span>;
  return <span class="legend" data-test="legend">{number(low, digits)}<canvas ref={canvas} width={100} height={10} aria-hidden="true" />{number(high, digits)} {unit} · {hasLength(name) && unscaled.value.length > 0 ? text().replay.lockedMetric : text().replay.locked}</span>;
}

const STEADY = 0.02; // s by which video and replay may differ, standing; less than a frame
const RUNNING = 0.12; // and playing: more than a frame and a half

// Video and replay follow each other: the video is set right where the replay has gone
// somewhere else, and its own controls move the replay. What the video shows before and
// after the writing stands at the replay's ends.
export function Selfie() {
  const texts = text().video;
  const element = useRef<HTMLVideoElement>(null);
  const asked = useRef<number | undefined>(undefined); // where the replay has sent the video, s
  const begun = useRef(false); // by the video's own button
  const url = questionedItem.value?.videoUrl;
  const timeline = questionedItem.value?.timeline;
  const position = (video: HTMLVideoElement) => (video.currentTime - videoStart.peek()) * 1000; // of the pen, ms
  const follow = () => {
    const video = element.current;
    if (!video) return;
    video.playbackRate = Math.max(0.1, rate.value);
    if (time.value === Infinity || video.seeking) return; // it goes on when it is there
    const here = Math.max(0, Math.min(length.value, position(video)));
    if (Math.abs(here - time.value) <= 1000 * (playing.value ? RUNNING : STEADY)) return;
    asked.current = video.currentTime = videoStart.value + time.value / 1000;
  };
  useEffect(follow, [time.value, playing.value, rate.value, url]);
  // When the replay starts or stops, and only then: a pause by the video's own button is
  // heard of a moment after it, and must not be undone meanwhile.
  useEffect(() => {
    const video = element.current;
    const itself = begun.current;
    begun.current = false;
    if (video && playing.value && video.paused && !video.ended && !itself) void video.play().catch(() => undefined);
    if (video && !playing.value && !video.paused) video.pause();
  }, [playing.value, url]);
  if (!url) return <p class="muted small">{texts.none}</p>;
  const uncertain = ((timeline?.pen?.uncertaintyMicros ?? 0) + Math.max(0, ...(timeline?.media ?? []).map((track) => track.uncertaintyMicros))) / 1000;
  const arrived = (video: HTMLVideoElement) => {
    const own = asked.current === undefined || Math.abs(video.currentTime - asked.current) > STEADY;
    asked.current = undefined;
    if (!own) return follow();
    const wasPlaying = playing.peek();
    seek(position(video));
    playing.value = wasPlaying && !video.paused;
  };
  // Playing by its own button, and coming from before the writing into it.
  const running = (video: HTMLVideoElement) => {
    const at = position(video);
    if (playing.peek() || video.paused || at < 0 || at >= length.peek()) return;
    seek(at);
    begun.current = playing.value = true;
  };
  return (
    <div class="stack-small">
      <video ref={element} src={url} controls playsInline preload="auto" aria-label={texts.label} data-test="compare-video"
        onSeeked={(event) => arrived(event.currentTarget)} onPlay={(event) => running(event.currentTarget)} onTimeUpdate={(event) => running(event.currentTarget)}
        onPause={(event) => { if (event.currentTarget.paused && !event.currentTarget.ended) playing.value = false; }} />
      <p class="small muted">{texts.sync(number(uncertain))}</p>
    </div>
  );
}
