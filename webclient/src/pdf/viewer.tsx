// A document to read: lazy pages, zoom, turning, selectable text, and a button
// that goes from one place to sign to the next.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api.ts';
import { common } from '../i18n/common/index.ts';
import { Button, Notice, Progress } from '../ui/ui.tsx';
import type { Turn } from './geometry.ts';
import { type OpenPDF, openPDF } from './load.ts';
import { Page } from './page.tsx';
import './viewer.css';

export interface PageView {
  number: number;
  size: { width: number; height: number };
  scale: number;
  turn: Turn;
}

interface ViewerProps {
  url: string;
  pages: { width: number; height: number }[]; // points, as displayed
  targets?: { page: number }[]; // pages that the next-field button visits, in order
  tools?: ComponentChildren;
  overlay?: (page: PageView) => ComponentChildren;
  onEnd?: () => void; // the last page has been seen
  onPage?: (page: number) => void;
}

const ZOOMS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4];
const PADDING = 26;

export function Viewer({ url, pages, targets = [], tools, overlay, onEnd, onPage }: ViewerProps) {
  const texts = common().pdf;
  const scroller = useRef<HTMLDivElement>(null);
  const [pdf, setPDF] = useState<OpenPDF>();
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(1);
  const [width, setWidth] = useState(0);
  const [zoom, setZoom] = useState(1);
  const [turn, setTurn] = useState<Turn>(0);
  const [current, setCurrent] = useState(1);
  const [target, setTarget] = useState(0);
  const widest = Math.max(1, ...pages.map((page) => (turn % 180 === 0 ? page.width : page.height)));
  const scale = width > 0 ? (Math.min((width - PADDING) / widest, 1.6) || 1) * zoom : 0;

  useEffect(() => {
    let opened: OpenPDF | undefined;
    let gone = false;
    setFailed(false);
    setPDF(undefined);
    openPDF(url).then(
      (result) => {
        opened = result;
        if (gone) result.close();
        else setPDF(result);
      },
      (error: unknown) => {
        console.error(error instanceof Problem ? error.message : error);
        if (!gone) setFailed(true);
      },
    );
    return () => {
      gone = true;
      opened?.close();
    };
  }, [url, attempt]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const where = () => {
    const element = scroller.current;
    if (!element || !pdf) return;
    const middle = element.scrollTop + element.clientHeight / 2;
    const frames = [...element.querySelectorAll<HTMLElement>('[data-page]')];
    const at = Math.max(1, frames.filter((frame) => frame.offsetTop <= middle).length);
    if (at !== current) {
      setCurrent(at);
      onPage?.(at);
    }
    if (element.scrollTop + element.clientHeight >= element.scrollHeight - 40) onEnd?.();
  };
  useEffect(where, [pdf, scale]);

  const next = () => {
    const field = targets[target % targets.length];
    if (!field) return;
    setTarget((target + 1) % targets.length);
    const element = scroller.current?.querySelector<HTMLElement>(`[data-page="${field.page}"] [data-target]`)
      ?? scroller.current?.querySelector<HTMLElement>(`[data-page="${field.page}"]`);
    element?.scrollIntoView({ block: 'center', behavior: 'smooth' });
    element?.focus({ preventScroll: true });
  };
  const step = (by: number) => setZoom(ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, ZOOMS.indexOf(zoom) + by))] ?? 1);

  return (
    <div class="pdf" data-test="pdf">
      <div class="pdf-bar" role="toolbar" aria-label={texts.label}>
        <span class="pdf-where small" data-test="pdf-where">{texts.page(current, pages.length)}</span>
        {tools}
        <Button onClick={() => step(-1)} label={texts.zoomOut} disabled={zoom === ZOOMS[0]} test="pdf-smaller">−</Button>
        <Button onClick={() => setZoom(1)} label={`${texts.fit}, ${Math.round(zoom * 100)}%`} test="pdf-fit">{Math.round(zoom * 100)}%</Button>
        <Button onClick={() => step(1)} label={texts.zoomIn} disabled={zoom === ZOOMS.at(-1)} test="pdf-larger">+</Button>
        <Button onClick={() => setTurn(((turn + 90) % 360) as Turn)} label={texts.rotate} test="pdf-turn">↻</Button>
        {targets.length > 0 && <Button onClick={next} test="next-field">{texts.nextField}</Button>}
      </div>
      <div class="pdf-scroll" ref={scroller} onScroll={where} tabIndex={0} role="region" aria-label={texts.label}>
        {failed && (
          <Notice tone="bad">
            {texts.failed} <Button onClick={() => setAttempt(attempt + 1)} test="retry">{common().tryAgain}</Button>
          </Notice>
        )}
        {!failed && !pdf && <Progress label={common().loading} />}
        {!failed && pdf && scale > 0 && pages.map((size, i) => (
          <Page key={i} pdf={pdf} number={i + 1} of={pages.length} size={size} scale={scale} turn={turn} onFailed={() => setFailed(true)}>
            {overlay?.({ number: i + 1, size, scale, turn })}
          </Page>
        ))}
      </div>
    </div>
  );
}
