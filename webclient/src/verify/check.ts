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

export type Outcome = { report: Report } | { unreadable: string } | { missing: true };

let worker: Worker | undefined;

export async function check(file: File): Promise<Outcome> {
  worker ??= new Worker(scriptURL(workerAddress), { type: 'module', name: 'verify' });
  const asked: Question = { file, trust: await trusted() };
  const answer = await ask(worker, asked);
  if ('missing' in answer) return answer;
  const parsed = JSON.parse(answer.report) as Report & { error?: string };
  return parsed.error ? { unreadable: parsed.error } : { report: parsed };
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
