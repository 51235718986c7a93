// How a page asks the service. Errors come as RFC 9457 problems.

export class Problem extends Error {
  override name = 'Problem';
  constructor(
    readonly status: number, // 0 when the service could not be reached
    readonly code: string,
    title: string,
    readonly detail: string = '',
  ) {
    super(title);
  }

  get unreachable(): boolean {
    return this.status === 0;
  }
}

export let language = 'en';

// The language in which the service answers with texts for people.
export function speak(tag: string): void {
  language = tag;
}

interface Options {
  body?: unknown;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const { body, idempotencyKey, signal } = options;
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language };
  if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey;
  let payload: BodyInit | undefined;
  if (body instanceof Blob) {
    headers['Content-Type'] = body.type;
    payload = body;
  } else if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body: payload, signal, credentials: 'same-origin', cache: 'no-store' });
  } catch (error) {
    if (signal?.aborted && (error as Error).name !== 'TimeoutError') throw error;
    throw new Problem(0, 'unreachable', 'The service cannot be reached.');
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text().catch(() => '');
  try {
    const problem = JSON.parse(text) as { title?: string; detail?: string; type?: string };
    return new Problem(response.status, problem.type?.split('/').at(-1) ?? '', problem.title ?? response.statusText, problem.detail ?? '');
  } catch {
    return new Problem(response.status, '', response.statusText || `HTTP ${response.status}`);
  }
}

export async function json<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export const part = encodeURIComponent;

// A creating POST carries a key made once per intent, so that a repeated request
// after a lost answer does not create twice.
export const create = <T>(path: string, body: unknown, key: string): Promise<T> =>
  retried(() => json<T>('POST', path, { body, idempotencyKey: key }));

// Two more tries when the network, not the service, said no. A try whose answer was
// lost may still be at work, or its server gone: the service says so until it knows.
export async function retried<T>(call: () => Promise<T>): Promise<T> {
  let lost = 0;
  for (let waits = 0; ; ) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.unreachable && lost < 2) await pause(400 * 2 ** lost++);
      else if (error.code === 'in-progress' && waits++ < WAITS) await pause(1000);
      else throw error;
    }
  }
}

const WAITS = 20; // s; a service that died is no longer waited for after 6

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const newKey = (): string => crypto.randomUUID();
