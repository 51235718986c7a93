// Runs both verifiers off the main thread: the program inkverify, compiled for the
// browser (evidence/cmd/inkverify-wasm), and core/, which shares no code with it.
// The file is read here, piece by piece; no byte of it leaves the browser.
import type { Bytes } from './core/bytes.ts';
import { type Report, verify } from './core/deposit.ts';

export interface Question {
  number: number;
  file: File;
  trust: { roots?: string; otherRoots?: string; logKeys?: string[] };
}

// `unread`: the file went away while it was read.
export type Answer = { report: string; second: Report | undefined } | { missing: true } | { unread: true } | { failed: string };

export interface Numbered {
  number: number; // of the question
  answer: Answer;
}

interface GoRuntime {
  importObject: WebAssembly.Imports;
  run(instance: WebAssembly.Instance): Promise<void>;
}

interface Scope {
  Go?: new () => GoRuntime;
  inkverify?: (size: number, read: (offset: number, length: number) => Uint8Array, trust: Question['trust']) => string | undefined;
  FileReaderSync: new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer };
  postMessage(numbered: Numbered): void;
}

const scope = globalThis as unknown as Scope;
let loading: Promise<boolean> | undefined;

async function load(): Promise<boolean> {
  const support = '/wasm/wasm_exec.js';
  try {
    await import(/* @vite-ignore */ support);
    if (!scope.Go) return false;
    const go = new scope.Go();
    const { instance } = await WebAssembly.instantiateStreaming(fetch('/wasm/inkverify.wasm'), go.importObject);
    void go.run(instance);
    return scope.inkverify !== undefined;
  } catch (error) {
    console.error(error);
    return false;
  }
}

async function answer({ file, trust }: Question): Promise<Answer> {
  const ready = await (loading ??= load());
  if (!ready || !scope.inkverify) return { missing: true };
  const reader = new scope.FileReaderSync();
  let unread = false;
  // The program breaks off for good when what it calls throws.
  const read = (offset: number, length: number): Bytes => {
    try {
      return new Uint8Array(reader.readAsArrayBuffer(file.slice(offset, offset + length)));
    } catch (error) {
      console.warn(error);
      unread = true;
      return new Uint8Array();
    }
  };
  const container = read(0, 2).join() === '80,75'; // "PK": only deposits are read by both
  const report = unread ? undefined : scope.inkverify(file.size, read, trust);
  const second = container && !unread ? await verify({ size: file.size, read }, trust) : undefined;
  if (unread) return { unread };
  return report === undefined ? { failed: 'the verifier broke off' } : { report, second };
}

globalThis.onmessage = async ({ data }: MessageEvent<Question>) => {
  scope.postMessage({ number: data.number, answer: await answer(data).catch((error: unknown) => ({ failed: String(error) })) });
};
