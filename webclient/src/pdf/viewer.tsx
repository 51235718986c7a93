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
  onShown?: (shown: Shown) => void;
}

// Whether the document can be read: `drawing` when all of its pages are there and one that
// has come into view is not drawn yet, `shown` when all that are in view are drawn.
export type Shown = 'loading' | 'drawing' | 'shown' | 'failed';

const ZOOMS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4];
const PADDING = 26;
const SLOW_MS = 15_000; // after which one may ask again for what does not come

export function Viewer({ url, pages, targets = [], tools, overlay, onEnd, onPage, onShown }: ViewerProps) {
  const texts = common().pdf;
  const scroller = useRef<HTMLDivElement>(null);
  const [pdf, setPDF] = useState<OpenPDF>();
  const [failed, setFailed] = useState(false);
  const [slow, setSlow] = useState(false);
  const [attempt, setAttempt] = useState(1);
  const [width, setWidth] = useState(0);
  const [zoom, setZoom] = useState(1);
  const [turn, setTurn] = useState<Turn>(0);
  const [current, setCurrent] = useState(1);
  const [target, setTarget] = useState(0);
  const drawn = useRef(new Set<number>()).current;
  const begun = useRef<OpenPDF | undefined>(undefined); // of this one a page was drawn
  const widest = Math.max(1, ...pages.map((page) => (turn % 180 === 0 ? page.width : page.height)));
  const scale = width > 0 ? (Math.min((width - PADDING) / widest, 1.6) || 1) * zoom : 0;

  useEffect(() => {
    let opened: OpenPDF | undefined;
    let gone = false;
    setFailed(false);
    setPDF(undefined);
    setSlow(false);
    const patience = setTimeout(() => setSlow(true), SLOW_MS);
    openPDF(url).then(async (result) => {
      opened = result;
      if (gone) result.close();
      else await reachEnd(result, pages.length);
      return result;
    }).then(
      (result) => {
        if (!gone) setPDF(result);
      },
      (error: unknown) => {
        console.error(error instanceof Problem ? error.message : error);
        if (!gone) setFailed(true);
      },
    );
    return () => {
      gone = true;
      clearTimeout(patience);
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
    const frames = framesIn(element);
    const at = Math.max(1, frames.filter((frame) => frame.offsetTop <= middle).length);
    if (at !== current) {
      setCurrent(at);
      onPage?.(at);
    }
    if (element.scrollTop + element.clientHeight >= element.scrollHeight - 40) onEnd?.();
    tellShown();
  };
  useEffect(where, [pdf, scale]);

  const tellShown = () => {
    const element = scroller.current;
    if (!onShown || !element) return;
    if (failed || !pdf) return onShown(failed ? 'failed' : 'loading');
    if (begun.current !== pdf) return onShown('loading');
    const inView = framesIn(element).flatMap((frame, i) => (isInView(frame, element) ? [i + 1] : []));
    onShown(inView.every((page) => drawn.has(page)) ? 'shown' : 'drawing');
  };
  useEffect(() => {
    tellShown();
    window.addEventListener('scroll', tellShown, { passive: true }); // on a phone the pages scroll with the window
    return () => window.removeEventListener('scroll', tellShown);
  }, [pdf, failed, scale, turn]);
  const markDrawn = (page: number, there: boolean) => {
    if (there) drawn.add(page);
    else drawn.delete(page);
    if (there) begun.current = pdf;
    tellShown();
  };

  const next = () => {
    const field = targets[target % targets.length];
    if (!field) return;
    setTarget((target + 1) % targets.length);
    const element = scroller.current?.querySelector<HTMLElement>(`[data-page="${field.page}"] [data-target]`)
      ?? scroller.current?.querySelector<HTMLElement>(`[data-page="${field.page}"]`);
    element?.scrollIntoView({ block: 'center', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth' });
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
            <p>{texts.failed}</p>
            <div><Button onClick={() => setAttempt(attempt + 1)} test="retry">{common().tryAgain}</Button></div>
          </Notice>
        )}
        {!failed && !pdf && (
          <div class="stack-small">
            <Progress label={common().loading} />
            {slow && <div><Button onClick={() => setAttempt(attempt + 1)} test="retry">{common().tryAgain}</Button></div>}
          </div>
        )}
        {!failed && pdf && scale > 0 && pages.map((size, i) => (
          <Page key={i} pdf={pdf} number={i + 1} of={pages.length} size={size} scale={scale} turn={turn} onFailed={() => setFailed(true)} onDrawn={(there) => markDrawn(i + 1, there)}>
            {overlay?.({ number: i + 1, size, scale, turn })}
          </Page>
        ))}
      </div>
    </div>
  );
}

// A file that ends early, or has other pages than it was sent with, is not the document.
async function reachEnd({ document }: OpenPDF, pages: number): Promise<void> {
  if (document.numPages !== pages) throw new Error(`the document has ${document.numPages} pages instead of ${pages}`);
  await document.getPage(pages);
}

function framesIn(element: HTMLElement): HTMLElement[] {
  return [...element.querySelectorAll<HTMLElement>('[data-page]')];
}

function isInView(frame: HTMLElement, element: HTMLElement): boolean {
  const [a, b] = [frame.getBoundingClientRect(), element.getBoundingClientRect()];
  return a.top < Math.min(b.bottom, window.innerHeight) && a.bottom > Math.max(b.top, 0);
}
