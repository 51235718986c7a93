import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { firstHead, fromHex, type Head, join, nextHead } from './chain.ts';
import { PenClock } from './clock.ts';
import { decodeBatch, type PenDevice, SUBPROTOCOL } from './codec.ts';
import { type LinkState, PenLink, socketURL } from './link.ts';
import type { Point } from './point.ts';
import { type CaptureRecord, MemoryStore } from './store.ts';
import { Reader, Writer } from './varint.ts';

const record: CaptureRecord = {
  id: '000102030405060708090a0b0c0d0e0f', kind: 'signature', nonce: '07'.repeat(32), penUrl: '/pen', mediaUrl: '',
  receiptKey: '', document: '', origin: 0, begun: 0, width: 1, height: 1, iceServers: [], finished: false,
};

// A server that keeps the protocol's rules; the network between is cut by tests.
class Server {
  batches: Uint8Array[] = [];
  heads: Promise<Head>[] = [firstHead(fromHex(record.id), fromHex(record.nonce))];
  doubles = 0;
  sockets: FakeSocket[] = [];
  finished = false;
  mute = false; // takes batches, loses the acknowledgements
  lieAboutHead = false;

  async accept(socket: FakeSocket): Promise<void> {
    this.sockets.push(socket);
    socket.deliver(await this.message(0x81, fromHex(record.nonce)));
  }

  async receive(socket: FakeSocket, data: Uint8Array): Promise<void> {
    if (data[0] === 0x01) this.batch(data);
    if (data[0] === 0x01 && !this.mute) socket.deliver(await this.message(0x82));
    if (data[0] === 0x03) {
      expect(new Reader(data.slice(1)).uvarint()).toBe(this.batches.length);
      this.finished = true;
      socket.deliver(await this.message(0x84, undefined, new Uint8Array(64)));
    }
  }

  private batch(data: Uint8Array): void {
    const { seq } = decodeBatch(data);
    expect(seq).toBeLessThanOrEqual(this.batches.length); // never a gap
    if (seq < this.batches.length) {
      this.doubles++;
      expect(data).toEqual(this.batches[seq]);
      return;
    }
    this.batches.push(data);
    this.heads.push(this.heads[seq]!.then((head) => nextHead(head, data)));
  }

  private async message(type: number, before = new Uint8Array(0), after = new Uint8Array(0)): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Writer();
    out.byte(type);
    out.bytes(before);
    const n = this.batches.length;
    out.uvarint(n);
    const head = await this.heads[n]!;
    out.bytes(this.lieAboutHead ? head.map((byte) => byte ^ 1) : head);
    return join(out.done(), after);
  }

  points(): Point[] {
    return this.batches.flatMap((data) => decodeBatch(data).points);
  }

  cut(code = 1006): void {
    for (const socket of this.sockets.splice(0)) socket.cut(code);
  }
}

const device: PenDevice = {
  pointer: 'pen', hasPressure: true, hasTilt: false, hasTwist: false, hasHover: false, hasCoalesced: true,
  pixelRatio: 1000, events: 1, samples: 1,
};

let server: Server;
let reachable: boolean;

class FakeSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  readyState = 0;
  binaryType = '';
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(_url: string, protocol: string) {
    expect(protocol).toBe(SUBPROTOCOL);
    setTimeout(() => {
      if (!reachable) return this.cut(1006);
      this.readyState = 1;
      void server.accept(this);
    }, 5);
  }

  send(data: Uint8Array): void {
    const copy = data.slice();
    setTimeout(() => this.readyState === 1 && void server.receive(this, copy), 3);
  }

  deliver(data: Uint8Array<ArrayBuffer>): void {
    setTimeout(() => this.readyState === 1 && this.onmessage?.({ data: data.buffer }), 3);
  }

  close(): void {
    this.readyState = 3;
  }

  cut(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

const sample = (i: number): Point => ({
  t: 1000 * i, x: i, y: 2 * i, p: i % 65536, tiltX: 0, tiltY: 0, twist: 0, down: true, start: i === 0,
});

function open(store = new MemoryStore()) {
  const states: LinkState[] = [];
  const link = new PenLink(record, store, new PenClock(0, 0), { state: (state) => states.push(state), device: () => device });
  return { link, states, store };
}

const until = async (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 4000, interval: 5 });

beforeEach(() => {
  server = new Server();
  reachable = true;
  vi.stubGlobal('WebSocket', FakeSocket);
});
afterEach(() => vi.unstubAllGlobals());

describe('pen link', () => {
  it('delivers every point once and ends with a receipt', async () => {
    const { link, states } = open();
    await link.start();
    for (let i = 0; i < 1000; i++) link.points([sample(i)]);
    const receipt = await link.finish();
    expect(server.points()).toEqual(Array.from({ length: 1000 }, (_, i) => sample(i)));
    expect(receipt.nextSeq).toBe(server.batches.length);
    expect(states.at(-1)).toBe('finished');
  });

  it('resends over cuts, with lost acknowledgements, without loss or gaps', async () => {
    const { link, states } = open();
    await link.start();
    await until(() => link.state === 'open');
    for (let i = 0; i < 300; i++) {
      link.points([sample(i)]);
      if (i % 60 === 20) server.mute = true;
      if (i % 60 === 40) {
        await link.stored();
        await new Promise((resolve) => setTimeout(resolve, 10));
        server.cut();
        server.mute = false;
      }
    }
    await link.finish();
    expect(server.points()).toEqual(Array.from({ length: 300 }, (_, i) => sample(i)));
    expect(states).toContain('lost');
  });

  it('goes on after a reload where it stopped', async () => {
    const store = new MemoryStore();
    reachable = false;
    const before = open(store);
    await before.link.start();
    before.link.points(Array.from({ length: 40 }, (_, i) => sample(i)));
    await before.link.stored();
    before.link.close();
    reachable = true;
    const after = open(store);
    expect(await after.link.start()).toEqual(Array.from({ length: 40 }, (_, i) => sample(i)));
    after.link.points([sample(40)]);
    await after.link.finish();
    expect(server.points().length).toBe(41);
  });

  it('does not connect when it was closed while it read what is stored', async () => {
    const made = vi.fn();
    vi.stubGlobal('WebSocket', class extends FakeSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol);
        made();
      }
    });
    const { link } = open();
    const started = link.start();
    link.close();
    await started;
    expect(made).not.toHaveBeenCalled();
  });

  it('finishes by itself once the connection is back', async () => {
    const { link } = open();
    await link.start();
    await until(() => link.state === 'open');
    reachable = false;
    server.cut();
    link.points([sample(0)]);
    const receipt = link.finish();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.finished).toBe(false);
    reachable = true;
    window.dispatchEvent(new Event('online'));
    expect((await receipt).nextSeq).toBe(1);
  });

  it('refuses a server whose head is not ours', async () => {
    const { link } = open();
    server.lieAboutHead = true;
    await link.start();
    await until(() => link.state === 'failed');
    await expect(link.finish()).rejects.toMatchObject({ code: 4409 });
  });

  it.each([1009, 4400, 4401, 4408, 4409, 4410])('does not come back after close code %d', async (code) => {
    const { link } = open();
    await link.start();
    await until(() => link.state === 'open');
    server.cut(code);
    await until(() => link.state === 'failed');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(server.sockets.length).toBe(0);
    link.close();
  });

  it.each([1001, 4503])('comes back after %d, the server is being replaced', async (code) => {
    const { link } = open();
    await link.start();
    await until(() => link.state === 'open');
    server.cut(code);
    await until(() => link.state === 'lost');
    await until(() => link.state === 'open');
    link.close();
  });
});

it('socket addresses follow the page', () => {
  expect(socketURL('/pen?x=1')).toMatch(/^ws:\/\/.*\/pen\?x=1$/);
  expect(socketURL('https://a.example/pen')).toBe('wss://a.example/pen');
});
