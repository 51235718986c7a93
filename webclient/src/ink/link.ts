// The pen's connection to the server. Points become batches every 50 ms; a batch
// is kept in the store and sent; after a cut or a reload the server says where it
// stands and the rest is sent again. Both sides keep the same hash chain, and
// every acknowledgement is checked against ours.
import { equal, firstHead, fromHex, type Head, nextHead } from './chain.ts';
import type { PenClock } from './clock.ts';
import {
  decodeBatch,
  decodeServerMessage,
  encodeBatch,
  encodeDevice,
  encodeFinish,
  encodePing,
  type Exchange,
  type PenDevice,
  type ServerMessage,
  SUBPROTOCOL,
} from './codec.ts';
import type { Point } from './point.ts';
import type { CaptureRecord, CaptureStore } from './store.ts';

export type LinkState = 'connecting' | 'open' | 'lost' | 'failed' | 'finished';

export interface Receipt {
  nextSeq: number;
  head: Head;
  signature: Uint8Array<ArrayBuffer>;
}

export interface LinkEvents {
  // Called on every change; pending counts the batches the server lacks.
  state(state: LinkState, pending: number): void;
  device(): PenDevice; // what was seen of the pen so far
}

export class LinkFailed extends Error {
  override name = 'LinkFailed';
  constructor(readonly code: number) {
    super(`the pen link was closed for good (${code})`);
  }
}

// Close codes of the protocol after which trying again cannot help.
const FATAL = new Set([1009, 4400, 4401, 4409, 4410]);
export const MISMATCH = 4409; // also used when the server's head is not ours
export const TAKEN_OVER = 4408; // another connection of this capture, or we were silent
export const ENDED = 4410; // the capture is finished or discarded
const LIMIT = 4429;
const GONE = new Set([403, 404, 409, 410]); // HTTP answers that mean the same

const FLUSH_MS = 50;
const PING_MS = 2000;
const FIRST_PINGS = 5; // of a connection, closer together: the best offset is found early
const FIRST_PING_MS = 200;
const LIMIT_MS = 5000;
const SILENCE_MS = 7000; // no message for so long means a dead connection
const BACKOFF_MS = [250, 500, 1000, 2000, 4000];
const WINDOW = 128; // batches on the wire without acknowledgement
const POINTS_PER_BATCH = 256; // at most 57 bytes a point: stays below the 16 KiB of a batch

export class PenLink {
  state: LinkState = 'connecting';
  failure = 0; // the close code, once failed
  private socket: WebSocket | undefined;
  private welcome = false;
  private waiting: Point[] = []; // not yet in a batch
  private readonly unacknowledged = new Map<number, Uint8Array<ArrayBuffer>>();
  private readonly heads = new Map<number, Promise<Head>>(); // head before batch n
  private acknowledged = 0;
  private nextSeq = 0;
  private sent = 0; // next batch to put on the wire
  private attempts = 0;
  private heard = 0;
  private heardAt = 0; // µs on the pen's clock, of the message being handled
  private pings = 0;
  private exchange: Exchange | undefined;
  private finishing: { resolve: (receipt: Receipt) => void; reject: (error: Error) => void } | undefined;
  private writes: Promise<unknown> = Promise.resolve();
  private inbox: Promise<void> = Promise.resolve();
  private readonly timers: { flush?: Timer; ping?: Timer; retry?: Timer } = {};
  private readonly stop = new AbortController();

  constructor(
    private readonly record: CaptureRecord,
    private readonly store: CaptureStore,
    private readonly clock: PenClock,
    private readonly events: LinkEvents,
  ) {
    this.heads.set(0, firstHead(fromHex(record.id), fromHex(record.nonce)));
  }

  // Takes up what an earlier page left behind, and connects. Returns the points
  // already recorded, for drawing.
  async start(): Promise<Point[]> {
    const points: Point[] = [];
    for (const data of await this.store.batches(this.record.id)) {
      points.push(...decodeBatch(data).points);
      this.enqueue(data);
    }
    this.clock.follow(points.at(-1)?.t ?? 0);
    if (this.stop.signal.aborted) return points; // closed meanwhile
    const options = { signal: this.stop.signal };
    window.addEventListener('online', () => this.retryNow(), options);
    document.addEventListener('resume', () => this.retryNow(), options); // the tab was frozen
    document.addEventListener('visibilitychange', () => this.visibility(), options);
    window.addEventListener('pagehide', () => this.flush(), options);
    this.timers.flush = setInterval(() => this.flush(), FLUSH_MS);
    this.timers.ping = setInterval(() => this.beat(), PING_MS);
    this.connect();
    return points;
  }

  points(points: readonly Point[]): void {
    this.waiting.push(...points);
  }

  // Sends what is left and asks for the receipt. It survives cuts: the promise
  // settles when the server has everything, or refuses for good.
  finish(): Promise<Receipt> {
    this.flush();
    return new Promise((resolve, reject) => {
      this.finishing = { resolve, reject };
      if (this.state === 'failed') reject(new LinkFailed(MISMATCH));
      else this.pump();
    });
  }

  close(): void {
    this.flush();
    this.stop.abort();
    clearInterval(this.timers.flush);
    clearInterval(this.timers.ping);
    clearTimeout(this.timers.retry);
    this.drop();
  }

  // Resolves when everything recorded so far is in the store.
  async stored(): Promise<void> {
    this.flush();
    await this.writes;
  }

  private flush(): void {
    while (this.waiting.length > 0) {
      const data = encodeBatch(this.nextSeq, this.waiting.splice(0, POINTS_PER_BATCH));
      this.writes = Promise.all([this.writes, this.store.put(this.record.id, this.nextSeq, data)]).catch(() => undefined);
      this.enqueue(data);
      this.pump();
      this.report();
    }
  }

  private enqueue(data: Uint8Array<ArrayBuffer>): void {
    const seq = this.nextSeq++;
    this.unacknowledged.set(seq, data);
    const before = this.heads.get(seq);
    if (before) this.heads.set(seq + 1, before.then((head) => nextHead(head, data)));
  }

  private connect(): void {
    this.drop();
    const socket = new WebSocket(socketURL(this.record.penUrl), SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.heard = performance.now();
    socket.onmessage = (event) => this.receive(socket, event.data);
    socket.onclose = (event) => this.closed(socket, event.code);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    this.welcome = false;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    if (socket.readyState <= WebSocket.OPEN) socket.close(1000);
  }

  // Messages are handled one after the other: checking a head is asynchronous.
  private receive(socket: WebSocket, data: unknown): void {
    this.heard = performance.now();
    const received = this.clock.now();
    this.inbox = this.inbox.then(async () => {
      if (socket !== this.socket || !(data instanceof ArrayBuffer)) return;
      this.heardAt = received;
      try {
        await this.handle(socket, decodeServerMessage(new Uint8Array(data)));
      } catch (error) {
        this.fail(error instanceof LinkFailed ? error.code : 4400);
      }
    });
  }

  private async handle(socket: WebSocket, message: ServerMessage): Promise<void> {
    switch (message.type) {
      case 'welcome':
        if (!equal(message.nonce, fromHex(this.record.nonce))) throw new LinkFailed(MISMATCH);
        await this.acknowledge(message.nextSeq, message.head);
        if (socket !== this.socket) return;
        this.welcome = true;
        this.attempts = 0;
        this.sent = message.nextSeq;
        this.change('open');
        this.pings = 0;
        this.exchange = undefined;
        this.beat();
        this.pump();
        return;
      case 'ack':
        await this.acknowledge(message.nextSeq, message.head);
        this.pump();
        this.report();
        return;
      case 'receipt':
        await this.acknowledge(message.nextSeq, message.head);
        if (message.nextSeq !== this.nextSeq) throw new LinkFailed(MISMATCH);
        this.done(message);
        return;
      case 'pong':
        this.exchange = { clientTime: message.clientTime, received: this.heardAt };
    }
  }

  private async acknowledge(nextSeq: number, head: Uint8Array): Promise<void> {
    if (nextSeq < this.acknowledged) return; // said before, when acknowledgements overtake a welcome
    const ours = await this.heads.get(nextSeq);
    if (!ours || !equal(ours, head)) throw new LinkFailed(MISMATCH);
    for (; this.acknowledged < nextSeq; this.acknowledged++) {
      this.unacknowledged.delete(this.acknowledged);
      this.heads.delete(this.acknowledged);
    }
  }

  private pump(): void {
    const socket = this.socket;
    if (!socket || !this.welcome || socket.readyState !== WebSocket.OPEN) return;
    for (; this.sent < this.nextSeq && this.sent - this.acknowledged < WINDOW; this.sent++) {
      const data = this.unacknowledged.get(this.sent);
      if (data) socket.send(data);
    }
    if (this.finishing && this.sent === this.nextSeq) void this.sendFinish(socket);
  }

  private async sendFinish(socket: WebSocket): Promise<void> {
    const seq = this.nextSeq;
    const head = await this.heads.get(seq);
    if (!head || socket !== this.socket || socket.readyState !== WebSocket.OPEN || seq !== this.nextSeq) return;
    if (this.finishSentOn === socket) return;
    this.finishSentOn = socket;
    socket.send(encodeDevice(this.events.device()));
    socket.send(encodeFinish(seq, head));
  }
  private finishSentOn: WebSocket | undefined;

  private done(receipt: Receipt): void {
    this.change('finished');
    this.finishing?.resolve(receipt);
    this.finishing = undefined;
    this.close();
  }

  private fail(code: number): void {
    this.drop();
    clearTimeout(this.timers.retry);
    this.failure = code;
    this.change('failed');
    this.finishing?.reject(new LinkFailed(code));
    this.finishing = undefined;
  }

  private closed(socket: WebSocket, code: number): void {
    // Messages that came before the close are handled before it.
    this.inbox = this.inbox.then(() => {
      if (socket !== this.socket) return;
      const refused = !this.welcome;
      this.drop();
      // Closed though we spoke a moment ago: another tab has taken the capture.
      const taken = code === TAKEN_OVER && performance.now() - this.heard < SILENCE_MS;
      if (taken || FATAL.has(code)) this.fail(code);
      else {
        this.retryLater(code === LIMIT ? LIMIT_MS : 0);
        if (refused) void this.askWhy();
      }
    });
  }

  // Why an upgrade was refused is hidden from pages; the same address says it over HTTP.
  private async askWhy(): Promise<void> {
    const answer = await fetch(this.record.penUrl, { cache: 'no-store', signal: this.stop.signal }).catch(() => undefined);
    if (answer && GONE.has(answer.status) && this.state === 'lost') this.fail(ENDED);
  }

  private retryLater(least = 0): void {
    this.change('lost');
    const wait = Math.max(least, BACKOFF_MS[Math.min(this.attempts++, BACKOFF_MS.length - 1)] ?? 4000);
    clearTimeout(this.timers.retry);
    this.timers.retry = setTimeout(() => this.connect(), wait * (0.75 + Math.random() / 2));
  }

  private retryNow(): void {
    if (this.state !== 'lost') return;
    clearTimeout(this.timers.retry);
    this.connect();
  }

  // A tab that the system froze comes back with a socket that may be dead.
  private visibility(): void {
    if (document.visibilityState === 'hidden') this.flush();
    else if (this.state === 'open') this.beat();
    else this.retryNow();
  }

  private beat(): void {
    if (!this.socket) return;
    if (performance.now() - this.heard > SILENCE_MS) {
      this.drop();
      this.retryLater();
    } else if (this.welcome && this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(encodePing(this.clock.now(), this.exchange));
      if (++this.pings < FIRST_PINGS) setTimeout(() => this.beat(), FIRST_PING_MS);
    }
  }

  private change(state: LinkState): void {
    if (this.state === 'failed' || this.state === 'finished') return;
    this.state = state;
    this.report();
  }

  private report(): void {
    this.events.state(this.state, this.unacknowledged.size);
  }
}

type Timer = ReturnType<typeof setTimeout>;

// The server may name the socket by path; the scheme follows the page's.
export function socketURL(url: string): string {
  const absolute = new URL(url, location.href);
  absolute.protocol = absolute.protocol.replace(/^http/, 'ws');
  return absolute.href;
}
