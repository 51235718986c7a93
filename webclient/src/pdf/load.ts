// pdf.js, loaded only when a document is shown. Its worker is ours to start: with
// a strict policy pdf.js would otherwise fall back to the main thread in silence.
// Scripts inside documents are never run, and nothing is fetched from elsewhere.
import type { PDFDocumentProxy } from 'pdfjs-dist';
import workerAddress from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?url';
import { scriptURL } from '../trusted.ts';

type Library = typeof import('pdfjs-dist');

let library: Promise<Library> | undefined;

function loadLibrary(): Promise<Library> {
  library ??= import('pdfjs-dist/legacy/build/pdf.min.mjs').then((pdf: Library) => {
    pdf.GlobalWorkerOptions.workerPort = new Worker(scriptURL(workerAddress), { type: 'module', name: 'pdf' });
    return pdf;
  });
  return library;
}

export interface OpenPDF {
  library: Library;
  document: PDFDocumentProxy;
  close(): void;
}

export async function openPDF(url: string): Promise<OpenPDF> {
  const pdf = await loadLibrary();
  const task = pdf.getDocument({
    url,
    withCredentials: true,
    cMapUrl: '/pdfjs/cmaps/',
    cMapPacked: true,
    standardFontDataUrl: '/pdfjs/standard_fonts/',
    wasmUrl: '/pdfjs/wasm/',
    iccUrl: '/pdfjs/iccs/',
    useSystemFonts: false,
    isEvalSupported: false,
    enableXfa: false,
    disableAutoFetch: true,
    maxImageSize: 64 * 1024 * 1024,
  });
  const document = await task.promise;
  return { library: pdf, document, close: () => void task.destroy() };
}
