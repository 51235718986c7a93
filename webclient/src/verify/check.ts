// Asks the worker about a file.
import { scriptURL } from '../trusted.ts';
import type { Answer, Numbered, Question } from './worker.ts';
import workerAddress from './worker.ts?worker&url';

export interface Check {
  code: string;
  status: 'holds' | 'fails' | 'unknown';
  part?: string;
  text: string;
}

export interface Report {
  holds: boolean;
  kind: string;
  checks: Check[];
}

// Whether the second verifier comes to the same answer about the container's core;
// undefined for files that it does not read. `stopped`: nothing can be said about the file.
export type Outcome = { report: Report; agree: boolean | undefined } | { unreadable: string } | { stopped: true } | { missing: true };

export async function check(file: File): Promise<Outcome> {
  const answer = await ask({ file, trust: await trusted() });
  if ('missing' in answer) return answer;
  if (!('report' in answer)) return { stopped: true };
  const parsed = JSON.parse(answer.report) as Report & { error?: string };
  return parsed.error ? { unreadable: parsed.error } : { report: parsed, agree: agreement(parsed, answer.second) };
}

// What only the first verifier checks: the document's own signatures and who may make
// them, recordings, evidence records.
const ELSEWHERE = /^(?:pdf\.|deposit\.(?:document|signers|recording|record|algorithm)$)/;
const elsewhere = ({ code, part }: Check): boolean => ELSEWHERE.test(code) || (code === 'deposit.trust.purpose' && part === 'data/contract-signed.pdf');

export function agreement(first: Pick<Report, 'checks'>, second: Pick<Report, 'holds'> | undefined): boolean | undefined {
  return second && second.holds === first.checks.every((one) => one.status !== 'fails' || elsewhere(one));
}

interface Verifier {
  worker: Worker;
  open: Map<number, (answer: Answer) => void>; // by the question's number
}

let verifier: Verifier | undefined; // keeps what it has loaded for the next file
let asked = 0;

function ask(question: Omit<Question, 'number'>): Promise<Answer> {
  const { worker, open } = (verifier ??= start());
  const number = ++asked;
  return new Promise((resolve) => {
    open.set(number, resolve);
    worker.postMessage({ ...question, number } satisfies Question);
  });
}

function start(): Verifier {
  const worker = new Worker(scriptURL(workerAddress), { type: 'module', name: 'verify' });
  const started: Verifier = { worker, open: new Map() };
  const settle = (number: number, answer: Answer) => {
    started.open.get(number)?.(answer);
    started.open.delete(number);
    // Modules that were lost stay lost in a worker, and a program that broke off stays so.
    if (('missing' in answer || 'failed' in answer) && verifier === started) verifier = undefined;
    if (verifier !== started && started.open.size === 0) worker.terminate();
  };
  worker.onmessage = ({ data }: MessageEvent<Numbered>) => settle(data.number, data.answer);
  worker.onerror = ({ message }) => {
    for (const number of [...started.open.keys()]) settle(number, { failed: message });
  };
  return started;
}

// The roots and log keys that this service publishes. A reader who does not want
// to trust the service uses the program inkverify with roots of their own.
async function trusted(): Promise<Question['trust']> {
  try {
    const response = await fetch('/api/trust', { headers: { Accept: 'application/json' } });
    return response.ok ? ((await response.json()) as Question['trust']) : {};
  } catch {
    return {};
  }
}
