import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromHex } from '../ink/chain.ts';
import { PenClock } from '../ink/clock.ts';
import { Reader, Writer } from '../ink/varint.ts';
import { ChunkClient, SUBPROTOCOL } from './chunks.ts';
import type { MediaState } from './whip.ts';

const NONCE = '0b'.repeat(32);

// A service that keeps the protocol's rules; the network between is cut by tests.
class Server {
  chunks: { first: boolean; text: string }[] = [];
  ended = -1;
  doubles = 0;
  mute = false; // takes chunks, loses the acknowledgements
  nonce = NONCE;
  sockets: FakeSocket[] = [];

  accept(socket: FakeSocket): void {
    this.sockets.push(socket);
    const out = new Writer();
    out.byte(0x81);
    out.bytes(fromHex(this.nonce));
    out.uvarint(this.chunks.length);
    socket.deliver(out.done());
  }

  receive(socket: FakeSocket, data: Uint8Array): void {
    const message = new Reader(data);
    if (message.byte() === 0x02) {
      this.ended = message.uvarint();
      expect(this.ended).toBe(this.chunks.length);
      return;
    }
    const first = message.byte() === 1;
    if (first) expect(message.bytes(32)).toEqual(fromHex(NONCE));
    const seq = message.uvarint();
    message.uvarint();
    const chunk = { first, text: new TextDecoder().decode(message.bytes(message.rest)) };
    expect(seq).toBeLessThanOrEqual(this.chunks.length); // never a gap
    if (seq < this.chunks.length) {
      this.doubles++;
      expect(chunk).toEqual(this.chunks[seq]);
    } else this.chunks.push(chunk);
    if (!this.mute) this.ack(socket);
  }

  private ack(socket: FakeSocket): void {
    const out = new Writer();
    out.byte(0x82);
    out.uvarint(this.chunks.length);
    socket.deliver(out.done());
  }

  cut(code = 1006): void {
    for (const socket of this.sockets.splice(0)) socket.cut(code);
  }
}

let server: Server;
let reachable: boolean;
let stalled: boolean; // the socket takes nothing more

class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  binaryType = '';
  sent = 0;
  gone = false;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(_url: string, protocol: string) {
    expect(protocol).toBe(SUBPROTOCOL);
    setTimeout(() => {
      if (!reachable) return this.cut(1006);
      this.readyState = 1;
      server.accept(this);
    }, 5);
  }

  get bufferedAmount(): number {
    return stalled ? this.sent : 0;
  }

  send(data: Uint8Array): void {
    const copy = data.slice();
    this.sent += copy.length;
    const open = this.readyState === 1; // what is sent before closing arrives
    setTimeout(() => open && !this.gone && !stalled && server.receive(this, copy), 3);
  }

  deliver(data: Uint8Array<ArrayBuffer>): void {
    setTimeout(() => this.readyState === 1 && this.onmessage?.({ data: data.buffer }), 3);
  }

  close(): void {
    this.readyState = 3;
  }

  cut(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.gone = true;
    this.onclose?.({ code });
  }
}

// Gives one numbered chunk every slice, the rest when it is stopped.
class FakeRecorder extends EventTarget {
  static all: FakeRecorder[] = [];
  static size = 0; // bytes of padding
  static isTypeSupported = (type: string) => type === 'video/webm;codecs=vp8,opus';
  state = 'inactive';
  ondataavailable: ((event: { data: Blob }) => void) | null = null;
  onerror: (() => void) | null = null;
  private made = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  readonly name = FakeRecorder.all.push(this);

  constructor(_stream: unknown, readonly options: { mimeType: string; videoBitsPerSecond: number }) {
    super();
  }

  start(slice: number): void {
    this.state = 'recording';
    this.timer = setInterval(() => this.give(), slice);
  }

  stop(): void {
    this.state = 'inactive';
    clearInterval(this.timer);
    setTimeout(() => {
      this.give();
      this.dispatchEvent(new Event('stop'));
    });
  }

  private give(): void {
    this.ondataavailable?.({ data: new Blob([`${this.name}.${this.made++}${' '.repeat(FakeRecorder.size)}`]) });
  }

  get expected(): string[] {
    return Array.from({ length: this.made }, (_, i) => `${this.name}.${i}`);
  }
}

let states: MediaState[];
let client: ChunkClient;

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 20 });
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('MediaRecorder', FakeRecorder);
  server = new Server();
  reachable = true;
  stalled = false;
  FakeRecorder.all = [];
  FakeRecorder.size = 0;
  states = [];
  client = new ChunkClient('/media', {} as MediaStream, NONCE, new PenClock(0, 0), { state: (state) => states.push(state) });
});
afterEach(() => {
  client.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const texts = () => server.chunks.map((one) => one.text.trim());

async function stop(): Promise<void> {
  const stopped = client.stop();
  await vi.advanceTimersByTimeAsync(2000);
  await stopped;
  await vi.advanceTimersByTimeAsync(10);
}

describe('chunks over a socket', () => {
  it('sends everything that the recorder gives, in order, and ends', async () => {
    client.start();
    await vi.advanceTimersByTimeAsync(2000);
    expect(client.state).toBe('live');
    await stop();
    expect(texts()).toEqual(FakeRecorder.all[0]!.expected);
    expect(server.chunks.map((one) => one.first)).toEqual(texts().map((_, i) => i === 0));
    expect(server.ended).toBe(server.chunks.length);
    expect(states).toEqual(['live', 'closed']);
    expect(FakeRecorder.all[0]!.options.mimeType).toBe('video/webm;codecs=vp8,opus');
  });

  it('records on through a cut and sends what is missing', async () => {
    client.start();
    await vi.advanceTimersByTimeAsync(1000);
    server.mute = true; // the last acknowledgements are lost with the connection
    await vi.advanceTimersByTimeAsync(500);
    reachable = false;
    server.cut();
    await vi.advanceTimersByTimeAsync(5000);
    expect(client.state).toBe('lost');
    server.mute = false;
    reachable = true;
    await vi.advanceTimersByTimeAsync(6000);
    expect(client.state).toBe('live');
    await stop();
    expect(FakeRecorder.all).toHaveLength(1);
    expect(texts()).toEqual(FakeRecorder.all[0]!.expected);
    expect(server.doubles).toBe(0); // WELCOME said where to go on
  });

  it('notices a connection that is dead without saying so', async () => {
    client.start();
    await vi.advanceTimersByTimeAsync(1000);
    server.mute = true;
    await vi.advanceTimersByTimeAsync(8500);
    expect(states).toContain('lost');
    server.mute = false;
    await vi.advanceTimersByTimeAsync(3000);
    await stop();
    expect(texts()).toEqual(FakeRecorder.all[0]!.expected);
  });

  it('begins another recorder where the service does not know the first', async () => {
    client.start();
    await vi.advanceTimersByTimeAsync(1000);
    server.cut(4409);
    await vi.advanceTimersByTimeAsync(2000);
    await stop();
    expect(FakeRecorder.all).toHaveLength(2);
    expect(server.chunks.filter((one) => one.first)).toHaveLength(2);
  });

  it('halves the rate where the line is too slow, and loses nothing', async () => {
    FakeRecorder.size = 40_000;
    client.start();
    await vi.advanceTimersByTimeAsync(1000);
    stalled = true;
    await vi.advanceTimersByTimeAsync(5000);
    stalled = false;
    server.cut(); // what the socket held is gone
    FakeRecorder.size = 100;
    await vi.advanceTimersByTimeAsync(3000);
    await stop();
    const rates = FakeRecorder.all.map((one) => one.options.videoBitsPerSecond);
    expect(rates.slice(0, 2)).toEqual([650_000, 325_000]);
    expect(texts()).toEqual(FakeRecorder.all.flatMap((one) => one.expected));
  });

  it.each([4401, 4410, 4429])('gives up for good on %i', async (code) => {
    client.start();
    await vi.advanceTimersByTimeAsync(1000);
    server.cut(code);
    expect(client.state).toBe('failed');
    await expect(client.stop()).rejects.toThrow();
  });

  it('does not record for another session', async () => {
    server.nonce = 'ff'.repeat(32);
    client.start();
    await vi.advanceTimersByTimeAsync(1000);
    expect(client.state).toBe('failed');
    expect(FakeRecorder.all).toHaveLength(0);
  });

  it('gives up where the service never answers', async () => {
    reachable = false;
    client.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(client.state).toBe('failed');
  });

  it('cuts what is larger than a chunk may be', async () => {
    FakeRecorder.size = 600 * 1024;
    client.start();
    await vi.advanceTimersByTimeAsync(600);
    FakeRecorder.size = 0;
    await stop();
    expect(server.chunks.length).toBeGreaterThan(3);
    expect(server.chunks.every((one) => one.text.length <= 512 * 1024)).toBe(true);
    expect(server.chunks.filter((one) => one.first)).toHaveLength(FakeRecorder.all.length);
  });
});
