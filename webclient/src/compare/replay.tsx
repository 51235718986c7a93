// Replay at true speed and slower or faster, in step with the selfie video.
import { useEffect, useRef } from 'preact/hooks';
import { number } from '../i18n/format.ts';
import { Button, Select } from '../ui/ui.tsx';
import { colouring, inAir, length, normalised, opened, order, playing, rate, time, videoStart } from './state.ts';
import type { Colouring } from './draw.ts';
import { ramp } from './draw.ts';
import { text } from './text/index.ts';

const RATES = { '0.1': '0.1 ×', '0.25': '0.25 ×', '0.5': '0.5 ×', '1': '1 ×', '2': '2 ×', '4': '4 ×' };

export function Replay() {
  const texts = text().replay;
  useClock();
  const now = Math.min(time.value, length.value);
  const toggle = () => {
    if (!playing.value && time.value >= length.value) time.value = 0;
    playing.value = !playing.value;
  };
  const seek = (to: number) => {
    playing.value = false;
    time.value = Math.max(0, Math.min(length.value, to));
  };
  const colourings: Record<Colouring, string> = { none: texts.plain, p: text().channels.p, speed: text().channels.speed, t: texts.time };
  return (
    <div class="toolbar" data-test="replay">
      <Button kind="primary" onClick={toggle} test="play">{playing.value ? texts.pause : texts.play}</Button>
      <label class="field"><span class="field-label">{texts.at(number(now / 1000, 2), number(length.value / 1000, 2))}</span>
        <input type="range" min="0" max={length.value} step="5" value={now} onInput={(event) => seek(Number(event.currentTarget.value))} data-test="seek" /></label>
      <Button onClick={() => { playing.value = false; time.value = Infinity; }} test="show-all">{texts.all}</Button>
      <Select label={texts.speed} value={String(rate.value) as keyof typeof RATES} options={RATES} onChange={(value) => (rate.value = Number(value))} test="rate" />
      <Select<Colouring> label={texts.colour} value={colouring.value} options={colourings} onChange={(value) => (colouring.value = value)} test="colouring" />
      {colouring.value !== 'none' && <Legend />}
      <label class="check"><input type="checkbox" checked={inAir.value} onChange={(event) => (inAir.value = event.currentTarget.checked)} data-test="in-air" />{texts.inAir}</label>
      <label class="check"><input type="checkbox" checked={order.value} onChange={(event) => (order.value = event.currentTarget.checked)} data-test="order" />{texts.order}</label>
      <label class="check"><input type="checkbox" checked={normalised.value} onChange={(event) => (normalised.value = event.currentTarget.checked)} data-test="normalised" />{texts.normalised}</label>
    </div>
  );
}

// Advances the moment while playing, frame by frame.
function useClock(): void {
  useEffect(() => {
    if (!playing.value) return;
    let before = performance.now();
    let frame = requestAnimationFrame(function tick(now) {
      const next = (time.value === Infinity ? 0 : time.value) + (now - before) * rate.value;
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

function Legend() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    for (let i = 0; context && i < 100; i++) {
      context.fillStyle = ramp(i / 100);
      context.fillRect(i, 0, 1, 10);
    }
  }, []);
  return <span class="legend">{text().replay.low}<canvas ref={canvas} width={100} height={10} aria-hidden="true" />{text().replay.high}</span>;
}

// The video follows the replay: it plays along at the same rate, and is set
// right when it is more than a frame and a half away.
export function Selfie() {
  const texts = text().video;
  const element = useRef<HTMLVideoElement>(null);
  const url = opened.value?.videoUrl;
  const timeline = opened.value?.timeline;
  useEffect(() => {
    const video = element.current;
    if (!video || time.value === Infinity) return;
    const wanted = videoStart.value + time.value / 1000;
    if (Math.abs(video.currentTime - wanted) > (playing.value ? 0.12 : 0.02)) video.currentTime = wanted;
    video.playbackRate = Math.max(0.1, rate.value);
    if (playing.value && video.paused) void video.play().catch(() => undefined);
    if (!playing.value && !video.paused) video.pause();
  }, [time.value, playing.value, rate.value]);
  if (!url) return <p class="muted">{texts.none}</p>;
  const uncertain = ((timeline?.pen?.uncertaintyMicros ?? 0) + Math.max(0, ...(timeline?.media ?? []).map((track) => track.uncertaintyMicros))) / 1000;
  return (
    <div class="stack-small">
      <video ref={element} src={url} controls playsInline preload="auto" aria-label={texts.label} data-test="compare-video" />
      <p class="small muted">{texts.sync(number(uncertain))}</p>
    </div>
  );
}
