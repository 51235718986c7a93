// Asks the worker about a file.
import { scriptURL } from '../trusted.ts';
import type { Answer, Question } from './worker.ts';
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
// undefined for files that it does not read.
export type Outcome = { report: Report; agree: boolean | undefined } | { unreadable: string } | { missing: true };

let worker: Worker | undefined;

export async function check(file: File): Promise<Outcome> {
  worker ??= new Worker(scriptURL(workerAddress), { type: 'module', name: 'verify' });
  const asked: Question = { file, trust: await trusted() };
  const answer = await ask(worker, asked);
  if ('missing' in answer) return answer;
  const parsed = JSON.parse(answer.report) as Report & { error?: string };
  return parsed.error ? { unreadable: parsed.error } : { report: parsed, agree: agreement(parsed, answer.second) };
}

// What only the first verifier checks: the document's own signatures, evidence records.
const ELSEWHERE = /^(?:pdf\.|deposit\.(?:document|signers|record)$)/;

export function agreement(first: Pick<Report, 'checks'>, second: Pick<Report, 'holds'> | undefined): boolean | undefined {
  return second && second.holds === first.checks.every((one) => one.status !== 'fails' || ELSEWHERE.test(one.code));
}

function ask(to: Worker, question: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    to.onmessage = (event: MessageEvent<Answer>) => resolve(event.data);
    to.onerror = (event) => {
      worker = undefined; // a new one for the next file
      reject(new Error(event.message));
    };
    to.postMessage(question);
  });
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
