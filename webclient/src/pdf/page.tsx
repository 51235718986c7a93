// One page of a document: drawn when it comes near the view, released when it
// has gone far. Its size is known before, so nothing jumps.
import type { RenderTask } from 'pdfjs-dist';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { common } from '../i18n/common/index.ts';
import { type Turn, turned } from './geometry.ts';
import type { OpenPDF } from './load.ts';

export interface PageProps {
  pdf: OpenPDF;
  number: number;
  of: number;
  size: { width: number; height: number }; // points, as displayed
  scale: number; // CSS px to a point
  turn: Turn;
  onFailed: () => void; // the page could not be read
  onDrawn: (drawn: boolean) => void; // its picture is there, or was taken away
  children?: ComponentChildren;
}

const MAX_PIXELS = 16_000_000; // of one canvas; phones refuse more

export function Page({ pdf, number, of, size, scale, turn, onFailed, onDrawn, children }: PageProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const text = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  const box = turned(size, turn);

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new IntersectionObserver((entries) => setNear(entries.some((entry) => entry.isIntersecting)), { rootMargin: '600px' });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!near || !canvas.current || !text.current) return;
    const stop = draw(pdf, number, scale, turn, canvas.current, text.current, onFailed, () => onDrawn(true));
    return () => {
      stop();
      onDrawn(false);
    };
  }, [near, pdf, number, scale, turn]);

  return (
    <div
      ref={frame} class="pdf-page" data-page={number} role="group" aria-label={common().pdf.page(number, of)}
      style={{ '--page-width': box.width * scale, '--page-height': box.height * scale, '--total-scale-factor': scale }}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <div ref={text} class="pdf-text" />
      {children}
    </div>
  );
}

function draw(pdf: OpenPDF, number: number, scale: number, turn: Turn, canvas: HTMLCanvasElement, text: HTMLElement, onFailed: () => void, onDrawn: () => void): () => void {
  let task: RenderTask | undefined;
  let layer: { cancel(): void } | undefined;
  let stopped = false;
  const run = async () => {
    const page = await pdf.document.getPage(number);
    if (stopped) return;
    const viewport = page.getViewport({ scale, rotation: (page.rotate + turn) % 360 });
    const ratio = Math.min(window.devicePixelRatio || 1, Math.sqrt(MAX_PIXELS / (viewport.width * viewport.height)));
    canvas.width = Math.floor(viewport.width * ratio);
    canvas.height = Math.floor(viewport.height * ratio);
    task = page.render({ canvas, viewport, transform: [ratio, 0, 0, ratio, 0, 0] });
    await task.promise;
    if (stopped) return;
    onDrawn();
    text.replaceChildren();
    const texts = new pdf.library.TextLayer({ textContentSource: page.streamTextContent(), container: text, viewport });
    layer = texts;
    await texts.render();
    text.dataset['ready'] = 'true';
  };
  run().catch((error: unknown) => {
    if (stopped) return;
    console.error(error);
    onFailed();
  });
  return () => {
    stopped = true;
    task?.cancel();
    layer?.cancel();
    text.replaceChildren();
    delete text.dataset['ready'];
    canvas.width = canvas.height = 0; // gives the memory back
  };
}
