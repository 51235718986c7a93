import { afterEach, expect, it, vi } from 'vitest';
import { Problem } from './api.ts';
import { download } from './download.ts';

const file = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

// A server that sends at most `each` bytes before the connection breaks.
function server(each: number, etags: string[] = ['"a"']) {
  const ranges: string[] = [];
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>;
    ranges.push(headers['Range'] ?? '');
    const etag = etags[Math.min(ranges.length - 1, etags.length - 1)]!;
    const from = headers['Range'] && headers['If-Range'] === etag ? Number(/=(\d+)-/.exec(headers['Range'])![1]) : 0;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(file.slice(from, from + each));
      },
      pull(controller) {
        if (from + each < file.length) controller.error(new TypeError('network'));
        else controller.close();
      },
    }, { highWaterMark: 0 });
    return new Response(body, {
      status: from > 0 ? 206 : 200,
      headers: { ETag: etag, 'Content-Length': String(file.length - from), 'Content-Type': 'application/x' },
    });
  });
  return ranges;
}

afterEach(() => vi.unstubAllGlobals());

it('asks for the rest after a cut', async () => {
  const ranges = server(400);
  const seen: number[] = [];
  const blob = await download('/f', ({ received }) => seen.push(received));
  expect(new Uint8Array(await blob.arrayBuffer())).toEqual(file);
  expect(ranges).toEqual(['', 'bytes=400-', 'bytes=800-']);
  expect(seen).toEqual([400, 800, 1000]);
}, 10_000);

it('begins again when the file changed meanwhile', async () => {
  server(600, ['"a"', '"b"', '"b"']);
  const blob = await download('/f', () => undefined);
  expect(new Uint8Array(await blob.arrayBuffer())).toEqual(file);
}, 10_000);

it('reports a refusal at once', async () => {
  vi.stubGlobal('fetch', async () => new Response('{"title":"Gone","type":"/problems/gone"}', { status: 410 }));
  await expect(download('/f', () => undefined)).rejects.toEqual(new Problem(410, 'gone', 'Gone'));
});
