// pdf.js, loaded only when a document is shown. Its worker is ours to start: with
// a strict policy pdf.js would otherwise fall back to the main thread in silence.
// Scripts inside documents are never run, and nothing is fetched from elsewhere.
import type { PDFDocumentProxy } from 'pdfjs-dist';
import workerAddress from 'pdfjs-dist/legacy/build/pdf.worker.min.mjs?url';
import { scriptURL } from '../trusted.ts';

type Library = typeof import('pdfjs-dist');

let library: Promise<Library> | undefined;

// What failed to load is asked for again the next time.
function loadLibrary(): Promise<Library> {
  library ??= startLibrary().catch((error: unknown) => {
    library = undefined;
    throw error;
  });
  return library;
}

async function startLibrary(): Promise<Library> {
  const pdf: Library = await import('pdfjs-dist/legacy/build/pdf.min.mjs');
  const worker = await startWorker();
  pdf.GlobalWorkerOptions.workerPort = worker;
  return pdf;
}

const SILENT_MS = 6000; // of a worker, after which another is started beside it
const WORKERS = 3;

// The first worker that greets, which it does once it runs: pdf.js would wait for ever for one
// that does not. One whose script is still on its way keeps its place.
function startWorker(): Promise<Worker> {
  const workers: Worker[] = [];
  return new Promise((resolve, reject) => {
    const end = (greeted?: Worker) => {
      clearInterval(patience);
      for (const worker of workers) if (worker !== greeted) worker.terminate();
      if (greeted) resolve(greeted);
      else reject(new Error('the worker of pdf.js could not be loaded'));
    };
    const begin = () => {
      const worker = new Worker(scriptURL(workerAddress), { type: 'module', name: 'pdf' });
      workers.push(worker);
      worker.addEventListener('message', () => end(worker), { once: true });
      worker.addEventListener('error', () => end(), { once: true });
      if (workers.length === WORKERS) clearInterval(patience);
    };
    const patience = setInterval(begin, SILENT_MS);
    begin();
  });
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
