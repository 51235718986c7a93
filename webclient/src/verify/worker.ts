// Runs both verifiers off the main thread: the program inkverify, compiled for the
// browser (evidence/cmd/inkverify-wasm), and core/, which shares no code with it.
// The file is read here, piece by piece; no byte of it leaves the browser.
import type { Bytes } from './core/bytes.ts';
import { type Report, verify } from './core/deposit.ts';

export interface Question {
  file: File;
  trust: { roots?: string; otherRoots?: string; logKeys?: string[] };
}

export type Answer = { report: string; second: Report | undefined } | { missing: true };

interface GoRuntime {
  importObject: WebAssembly.Imports;
  run(instance: WebAssembly.Instance): Promise<void>;
}

interface Scope {
  Go?: new () => GoRuntime;
  inkverify?: (size: number, read: (offset: number, length: number) => Uint8Array, trust: Question['trust']) => string;
}

const scope = globalThis as Scope;
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

globalThis.onmessage = async (event: MessageEvent<Question>) => {
  loading ??= load();
  const ready = await loading;
  const { file, trust } = event.data;
  const reader = new (globalThis as unknown as { FileReaderSync: new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer } }).FileReaderSync();
  const read = (offset: number, length: number): Bytes => new Uint8Array(reader.readAsArrayBuffer(file.slice(offset, offset + length)));
  const container = read(0, 2).join() === '80,75'; // "PK": only deposits are read by both
  const answer: Answer = ready && scope.inkverify
    ? { report: scope.inkverify(file.size, read, trust), second: container ? await verify({ size: file.size, read }, trust) : undefined }
    : { missing: true };
  (globalThis as unknown as { postMessage(answer: Answer): void }).postMessage(answer);
};
