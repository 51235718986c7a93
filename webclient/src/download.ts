// Downloads that say how far they are and go on after a cut: the rest is asked
// for with Range, and If-Range makes sure that it is the rest of the same file.
import { Problem, problemOf } from './api.ts';

export interface Progress {
  received: number;
  total: number; // 0 when the service does not say
}

const TRIES = 6;

// What has arrived. Whoever keeps it can go on after a stop or after the last try.
export class Arrived {
  readonly parts: BlobPart[] = [];
  readonly state: Progress = { received: 0, total: 0 };
  tag = '';
}

export async function download(url: string, progress: (state: Progress) => void, signal?: AbortSignal, arrived = new Arrived()): Promise<Blob> {
  const { parts, state } = arrived;
  let type = '';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** attempt));
    try {
      const response = await request(url, state.received, arrived.tag, signal);
      if (response.status !== 206) {
        parts.length = 0;
        state.received = 0;
      }
      arrived.tag = response.headers.get('ETag') ?? '';
      type = response.headers.get('Content-Type') ?? '';
      state.total = state.received + Number(response.headers.get('Content-Length') ?? 0);
      await read(response, parts, state, progress);
      if (state.received >= state.total) return new Blob(parts, { type });
    } catch (error) {
      if (signal?.aborted || error instanceof Problem) throw error;
    }
  }
  throw new Problem(0, 'unreachable', 'The download was cut off.');
}

async function request(url: string, from: number, tag: string, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  if (from > 0) headers['Range'] = `bytes=${from}-`;
  if (from > 0 && tag) headers['If-Range'] = tag;
  const response = await fetch(url, { headers, signal, credentials: 'same-origin', cache: 'no-store' });
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function read(response: Response, parts: BlobPart[], state: Progress, progress: (state: Progress) => void): Promise<void> {
  const reader = response.body?.getReader();
  if (!reader) return;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parts.push(value);
    state.received += value.length;
    progress({ ...state });
  }
}

// Hands a finished download to the browser under a name.
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
