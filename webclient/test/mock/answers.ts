// How the stand-in answers, and reads what it is asked.
import type { IncomingMessage, ServerResponse } from 'node:http';

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

export function bytes(response: ServerResponse, data: Uint8Array, type: string): void {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': data.length, ETag: '"1"' }).end(data);
}

export function problem(response: ServerResponse, status: number, name: string, title: string, detail = ''): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify({ type: `/problems/${name}`, title, status, detail }));
}

export function read(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => resolve(Buffer.concat(parts)));
  });
}
