// Replay at true speed and slower or faster, in step with the selfie video, and
// what is drawn.
import { useEffect, useRef } from 'preact/hooks';
import { number } from '../i18n/format.ts';
import { Button, Select } from '../ui/ui.tsx';
import { type Colouring, ramp } from './draw.ts';
import { measured } from './marks.ts';
import { zoomBy } from './sheets.tsx';
import {
  colouring, colourRange, current, dots, filtered, hover, inAir, length, localCost, mode, order, playing, questioned, questionedItem, questionedItems, chosenQuestioned,
  rate, step, stepStroke, time, tool, type Tool, videoStart, view,
} from './state.ts';
import { text } from './text/index.ts';

const RATES = { '0.1': '0.1 ×', '0.25': '0.25 ×', '0.5': '0.5 ×', '1': '1 ×', '2': '2 ×', '4': '4 ×' };

export function Replay() {
  const texts = text().replay;
  useClock();
  const now = Math.min(time.value, length.value);
  const toggle = () => {
    if (!playing.value && time.value >= length.value) time.value = 0;
    hover.value = -1;
    playing.value = !playing.value;
  };
  const seek = (to: number) => {
    playing.value = false;
    hover.value = -1;
    time.value = Math.max(0, Math.min(length.value, to));
  };
  const at = current.value;
  return (
    <div class="toolbar" data-test="replay">
      <Button kind="primary" onClick={toggle} test="play">{playing.value ? texts.pause : texts.play}</Button>
      <div class="row tight">
        <Button onClick={() => stepStroke(-1)} label={texts.strokeBack} test="stroke-back">|◀</Button>
        <Button onClick={() => step(-1)} label={texts.sampleBack} test="sample-back">‹</Button>
        <Button onClick={() => step(1)} label={texts.sampleOn} test="sample-on">›</Button>
        <Button onClick={() => stepStroke(1)} label={texts.strokeOn} test="stroke-on">▶|</Button>
      </div>
      <label class="field grow"><span class="field-label" data-test="moment">{texts.at(number(now / 1000, 2), number(length.value / 1000, 2))}{at >= 0 && ` · ${texts.sample(number(at + 1), number(questioned.value?.t.length ?? 0), number((questioned.value?.stroke[at] ?? 0) + 1))}`}</span>
        <input type="range" class="wide" min="0" max={length.value} step="5" value={now} onInput={(event) => seek(Number(event.currentTarget.value))} data-test="seek" /></label>
      <Select label={texts.speed} value={String(rate.value) as keyof typeof RATES} options={RATES} onChange={(value) => (rate.value = Number(value))} test="rate" />
      <Button onClick={() => { playing.value = false; time.value = Infinity; }} test="show-all">{texts.all}</Button>
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
    <div class="toolbar">
      {questionedItems.value.length > 1 && <Select label={text().sheets.questioned} value={questionedItem.value?.id ?? ''} onChange={(id) => (chosenQuestioned.value = id)} test="choose-questioned"
        options={Object.fromEntries(questionedItems.value.map((item) => [item.id, item.label]))} />}
      <Select label={texts.view} value={mode.value} options={texts.modes} onChange={(value) => (mode.value = value)} test="mode" />
      <Select<Colouring> label={texts.colour} value={colouring.value} options={colourings} onChange={(value) => (colouring.value = value)} test="colouring" />
      {colouring.value !== 'none' && <Legend />}
      {check(texts.inAir, inAir, 'in-air')}{check(texts.order, order, 'order')}{check(texts.dots, dots, 'dots')}{check(texts.filtered, filtered, 'filtered')}
    </div>
  );
}

export function Tools() {
  const texts = text().tools;
  return (
    <div class="toolbar" role="group" aria-label={texts.title}>
      <div class="row tight">
        {(Object.keys(texts.names) as Tool[]).map((name) => <Button key={name} pressed={tool.value === name} onClick={() => { tool.value = name; measured.value = { sheet: '', spots: [] }; }} test={`tool-${name}`}>{texts.names[name]}</Button>)}
      </div>
      <div class="row tight">
        <Button onClick={() => zoomBy(1.5)} label={texts.closer} test="zoom-in">+</Button>
        <Button onClick={() => zoomBy(1 / 1.5)} label={texts.farther} test="zoom-out">−</Button>
        <Button onClick={() => (view.value = { zoom: 1, x: 0, y: 0 })} test="zoom-fit">{texts.fit}</Button>
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
  const [low, high] = colourRange.value;
  const metric = questioned.value?.metric ?? false;
  const unit = name === 't' ? 'ms' : name === 'cost' || name === 'none' ? '' : text().units[name](metric);
  const digits = Math.abs(high) < 10 ? 1 : 0;
  if (name === 'cost' && !localCost.value) return <span class="small muted">{text().replay.noCost}</span>;
  return <span class="legend" data-test="legend">{number(low, digits)}<canvas ref={canvas} width={100} height={10} aria-hidden="true" />{number(high, digits)} {unit} · {text().replay.locked}</span>;
}

// The video follows the replay: it plays along at the same rate, and is set
// right when it is more than a frame and a half away.
export function Selfie() {
  const texts = text().video;
  const element = useRef<HTMLVideoElement>(null);
  const url = questionedItem.value?.videoUrl;
  const timeline = questionedItem.value?.timeline;
  useEffect(() => {
    const video = element.current;
    if (!video || time.value === Infinity) return;
    const wanted = videoStart.value + time.value / 1000;
    if (Math.abs(video.currentTime - wanted) > (playing.value ? 0.12 : 0.02)) video.currentTime = wanted;
    video.playbackRate = Math.max(0.1, rate.value);
    if (playing.value && video.paused) void video.play().catch(() => undefined);
    if (!playing.value && !video.paused) video.pause();
  }, [time.value, playing.value, rate.value, url]);
  if (!url) return <p class="muted small">{texts.none}</p>;
  const uncertain = ((timeline?.pen?.uncertaintyMicros ?? 0) + Math.max(0, ...(timeline?.media ?? []).map((track) => track.uncertaintyMicros))) / 1000;
  return (
    <div class="stack-small">
      <video ref={element} src={url} controls playsInline preload="auto" aria-label={texts.label} data-test="compare-video" />
      <p class="small muted">{texts.sync(number(uncertain))}</p>
    </div>
  );
}
