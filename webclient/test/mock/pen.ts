// The server's end of inkwitness.pen.v1 for page tests: keeps the rules of
// capture/README.md over a real WebSocket, and can be told to misbehave.
import type { WebSocket } from 'ws';
import { equal, firstHead, fromHex, type Head, join, nextHead } from '../../src/ink/chain.ts';
import { decodeBatch, type PenDevice } from '../../src/ink/codec.ts';
import type { Point } from '../../src/ink/point.ts';
import { Reader, Writer } from '../../src/ink/varint.ts';
import { late } from '../browser.ts';

export class PenSession {
  readonly batches: Uint8Array[] = [];
  device: Uint8Array | undefined;
  finished = false;
  gone = false; // discarded: refuses every connection
  pings = 0;
  private readonly heads: Head[] = [];
  private socket: WebSocket | undefined;
  private work: Promise<void> = Promise.resolve();
  private told: Promise<unknown> = Promise.resolve();

  constructor(
    readonly id: string,
    readonly nonce: string,
    private readonly key: CryptoKey,
  ) {}

  points(): Point[] {
    return this.batches.flatMap((data) => decodeBatch(data).points);
  }

  accept(socket: WebSocket): void {
    this.socket?.close(4408);
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.serial(() => this.handle(socket, new Uint8Array(data))));
    this.serial(async () => {
      if (this.heads.length === 0) this.heads.push(await firstHead(fromHex(this.id), fromHex(this.nonce)));
      this.tell(socket, this.state(0x81, fromHex(this.nonce)));
    });
  }

  cut(): void {
    this.socket?.terminate();
  }

  close(code: number): void {
    this.socket?.close(code);
  }

  // In its order, after the time that a slow network takes.
  private tell(socket: WebSocket, data: Uint8Array): void {
    this.told = Promise.all([this.told, late()]).then(() => socket.send(data));
  }

  private serial(step: () => Promise<void>): void {
    this.work = this.work.then(step).catch(() => this.socket?.close(4400));
  }

  private async handle(socket: WebSocket, data: Uint8Array): Promise<void> {
    switch (data[0]) {
      case 0x01:
        return this.batch(socket, data);
      case 0x02: {
        this.pings++;
        const out = new Writer();
        out.byte(0x83);
        out.uvarint(new Reader(data.slice(1)).uvarint());
        out.uvarint(Math.round(performance.now() * 1000));
        out.uvarint(Math.round(performance.now() * 1000));
        this.tell(socket, out.done());
        return;
      }
      case 0x03:
        return this.finish(socket, data);
      case 0x04:
        this.device = data;
        return;
      default:
        socket.close(4400);
    }
  }

  private async batch(socket: WebSocket, data: Uint8Array): Promise<void> {
    const { seq } = decodeBatch(data);
    if (seq > this.batches.length || (seq < this.batches.length && !equal(data, this.batches[seq]!))) return socket.close(4409);
    if (seq === this.batches.length) {
      this.batches.push(data);
      this.heads.push(await nextHead(this.heads[seq]!, data));
    }
    this.tell(socket, this.state(0x82));
  }

  private async finish(socket: WebSocket, data: Uint8Array): Promise<void> {
    const input = new Reader(data.slice(1));
    const head = this.heads.at(-1)!;
    if (input.uvarint() !== this.batches.length || !equal(input.bytes(32), head)) return socket.close(4409);
    this.finished = true;
    const count = new Uint8Array(8);
    new DataView(count.buffer).setBigUint64(0, BigInt(this.batches.length));
    const label = new TextEncoder().encode('inkwitness pen receipt v1\0');
    const signature = await crypto.subtle.sign('Ed25519', this.key, join(label, fromHex(this.id), fromHex(this.nonce), count, head));
    this.tell(socket, join(this.state(0x84), new Uint8Array(signature)));
  }

  private state(type: number, before = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
    const out = new Writer();
    out.byte(type);
    out.bytes(before);
    out.uvarint(this.batches.length);
    out.bytes(this.heads.at(-1)!);
    return out.done();
  }
}

export type { PenDevice };
