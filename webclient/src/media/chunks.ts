// Sends camera and microphone to the service over a WebSocket, for networks that
// let no WebRTC through: the output of a MediaRecorder in numbered chunks
// (subprotocol inkwitness.media.v1, capture/webm/README.md). A chunk is kept
// until the service has it on disk. The recorder runs on through a cut; what was
// not acknowledged is sent again on the next connection.
import { equal, fromHex } from '../ink/chain.ts';
import type { PenClock } from '../ink/clock.ts';
import { socketURL } from '../ink/link.ts';
import { Malformed, Reader, Writer } from '../ink/varint.ts';
import type { MediaState } from './whip.ts';

export const SUBPROTOCOL = 'inkwitness.media.v1';

const CHUNK = 0x01;
const END = 0x02;
const WELCOME = 0x81;
const ACK = 0x82;
const FIRST = 1;

const SLICE_MS = 250;
const MAX_DATA = 512 * 1024; // bytes of one chunk
const MAX_HELD = 64 << 20; // bytes without acknowledgement: ten minutes without a network
const ON_THE_WIRE = 1 << 20; // bytes that the socket may hold
const SILENCE_MS = 7000; // a chunk without acknowledgement for so long means a dead connection
const CONNECT_MS = 10_000;
const BACKOFF_MS = [250, 500, 1000, 2000, 4000];
const MAX_TRIES = 8; // in a row, before the service ever answered
const MAX_RESTARTS = 3; // of the recorder, without progress between
const VIDEO_BITS = 650_000; // a second, at first
const LEAST_BITS = 100_000;
const AUDIO_BITS = 32_000;
const BEHIND_S = 6; // of recording that may wait before the rate is halved
const KEYFRAME_MS = 2000;

const RESTART = new Set([4400, 4409]); // the service does not know our recorder
const FATAL = new Set([1009, 4401, 4410, 4429]);

const TYPES = ['video/webm;codecs=vp8,opus', 'video/webm;codecs=vp9,opus', 'video/webm'];

interface Held {
  seq: number;
  first: boolean;
  sent: number; // µs on the pen's clock
  data: Uint8Array;
}

export interface ChunkEvents {
  state(state: MediaState): void;
}

export class ChunkClient {
  state: MediaState = 'connecting';
  private socket: WebSocket | undefined;
  private open = false; // the service has said where to go on
  private recorder: MediaRecorder | undefined;
  private bits = VIDEO_BITS;
  private held: Held[] = []; // in order, without acknowledgement
  private bytes = 0; // of them
  private next = 0; // number of the next chunk
  private onWire = 0; // number of the next chunk to send on this connection
  private waitingSince = 0; // ms; when the oldest chunk on the wire was sent, or the last answer
  private attempts = 0;
  private restarts = 0;
  private answered = false; // once by the service
  private inbox: Promise<void> = Promise.resolve();
  private readonly timers: { retry?: Timer; beat?: Timer } = {};
  private ending: { resolve: () => void; reject: (error: Error) => void } | undefined;
  private ended = false; // the recorder has given its last chunk

  static supported(): boolean {
    return typeof MediaRecorder !== 'undefined' && recorderType() !== undefined;
  }

  constructor(
    private readonly url: string,
    private readonly stream: MediaStream,
    private readonly nonce: string,
    private readonly clock: PenClock,
    private readonly events: ChunkEvents,
  ) {}

  start(): void {
    this.timers.beat = setInterval(() => this.beat(), 1000);
    this.connect();
  }

  // Ends the recording; resolves when the service has all of it on disk.
  async stop(): Promise<void> {
    if (this.state === 'closed') return;
    if (this.state === 'failed') throw new Error('the video could not be sent');
    const done = new Promise<void>((resolve, reject) => (this.ending = { resolve, reject }));
    await this.endRecorder();
    this.ended = true;
    this.pump();
    await done;
  }

  // Gives the recording up.
  close(): void {
    this.quiet();
    this.change('closed');
  }

  private connect(): void {
    this.drop();
    const socket = new WebSocket(socketURL(this.url), SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.waitingSince = performance.now();
    socket.onmessage = (event) => {
      if (socket === this.socket) this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (socket === this.socket) this.lost(event.code);
    };
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = undefined;
    this.open = false;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    if (socket.readyState <= WebSocket.OPEN) socket.close(1000);
  }

  private receive(data: unknown): void {
    try {
      const message = new Reader(new Uint8Array(data as ArrayBuffer));
      const type = message.byte();
      if (type === WELCOME) {
        if (!equal(message.bytes(32), fromHex(this.nonce))) throw new Malformed('another session');
        this.welcome(message.uvarint());
      } else if (type === ACK) this.acknowledge(message.uvarint());
    } catch {
      this.fail();
    }
  }

  private welcome(next: number): void {
    this.answered = true;
    this.attempts = 0;
    const oldest = this.held[0]?.seq ?? this.next;
    if (!this.recorder && !this.ended) this.record(next);
    else if (next < oldest || next > this.next) return this.restart(next);
    this.open = true;
    this.onWire = next;
    this.acknowledge(next);
    if (this.state === 'lost') this.change('live');
  }

  private acknowledge(next: number): void {
    this.waitingSince = performance.now();
    let progress = false;
    for (let one = this.held[0]; one && one.seq < next; one = this.held[0]) {
      this.held.shift();
      this.bytes -= one.data.length;
      progress = true;
    }
    if (progress) {
      this.restarts = 0;
      this.change('live');
    }
    this.pump();
  }

  private pump(): void {
    const socket = this.socket;
    if (!socket || !this.open || socket.readyState !== WebSocket.OPEN) return;
    for (const one of this.held) {
      if (one.seq < this.onWire) continue;
      if (socket.bufferedAmount > ON_THE_WIRE) return;
      if (this.onWire === this.held[0]?.seq) this.waitingSince = performance.now();
      socket.send(this.encode(one));
      this.onWire = one.seq + 1;
    }
    if (this.ended && this.held.length === 0 && this.ending) {
      const end = new Writer();
      end.byte(END);
      end.uvarint(this.next);
      socket.send(end.done());
      const { resolve } = this.ending;
      this.quiet();
      this.change('closed');
      resolve();
    }
  }

  private encode(one: Held): Uint8Array<ArrayBuffer> {
    const out = new Writer();
    out.byte(CHUNK);
    out.byte(one.first ? FIRST : 0);
    if (one.first) out.bytes(fromHex(this.nonce));
    out.uvarint(one.seq);
    out.uvarint(one.sent);
    out.bytes(one.data);
    return out.done();
  }

  // Begins a recorder whose first chunk has the given number.
  private record(first: number): void {
    this.next = first;
    const options: MediaRecorderOptions & { videoKeyFrameIntervalDuration: number } = {
      mimeType: recorderType(), videoBitsPerSecond: this.bits, audioBitsPerSecond: AUDIO_BITS, videoKeyFrameIntervalDuration: KEYFRAME_MS,
    };
    const recorder = new MediaRecorder(this.stream, options);
    this.recorder = recorder;
    let begun = false;
    recorder.ondataavailable = (event) => {
      const sent = this.clock.now();
      // One after the other: reading a blob is asynchronous.
      this.inbox = this.inbox.then(async () => {
        const data = new Uint8Array(await event.data.arrayBuffer());
        for (let at = 0; at < data.length; at += MAX_DATA) {
          this.hold({ seq: this.next++, first: !begun, sent, data: data.subarray(at, at + MAX_DATA) });
          begun = true;
        }
        this.pump();
        if (recorder === this.recorder) this.keepUp();
      });
    };
    recorder.onerror = () => this.fail();
    recorder.start(SLICE_MS);
  }

  private hold(one: Held): void {
    if (this.state === 'failed' || this.state === 'closed') return;
    this.held.push(one);
    this.bytes += one.data.length;
    if (this.bytes > MAX_HELD) this.fail();
  }

  // A line that is too slow gets a recorder of half the rate; the pen shares it.
  private keepUp(): void {
    if (this.state !== 'live' || this.recorder?.state !== 'recording' || this.bits <= LEAST_BITS || this.bytes * 8 < BEHIND_S * (this.bits + AUDIO_BITS)) return;
    this.bits = Math.max(LEAST_BITS, this.bits / 2);
    void this.endRecorder().then(() => {
      if (this.state === 'live' && !this.ended) this.record(this.next);
    });
  }

  // Resolves when the recorder's last chunk is held.
  private async endRecorder(): Promise<void> {
    const recorder = this.recorder;
    if (recorder && recorder.state !== 'inactive') {
      const stopped = new Promise<void>((resolve) => recorder.addEventListener('stop', () => resolve(), { once: true }));
      recorder.stop();
      await stopped;
    }
    await this.inbox;
  }

  // The service goes on elsewhere than we did: what it lacks is gone, so another
  // recorder begins there.
  private restart(next: number): void {
    if (this.ended || this.restarts++ >= MAX_RESTARTS) return this.fail();
    const old = this.recorder;
    if (old) {
      old.ondataavailable = old.onerror = null;
      if (old.state !== 'inactive') old.stop();
    }
    this.held = [];
    this.bytes = 0;
    this.record(next);
    this.open = true;
    this.onWire = next;
  }

  private lost(code: number): void {
    this.drop();
    if (this.state === 'failed' || this.state === 'closed') return;
    if (FATAL.has(code) || (!this.answered && this.attempts >= MAX_TRIES)) return this.fail();
    if (RESTART.has(code)) {
      if (this.ended || this.restarts++ >= MAX_RESTARTS) return this.fail();
      this.forget();
    }
    this.change(this.answered ? 'lost' : 'connecting');
    const wait = BACKOFF_MS[Math.min(this.attempts++, BACKOFF_MS.length - 1)] ?? 4000;
    clearTimeout(this.timers.retry);
    this.timers.retry = setTimeout(() => this.connect(), wait * (0.75 + Math.random() / 2));
  }

  // Drops the recorder and what it made: the next WELCOME begins another.
  private forget(): void {
    const old = this.recorder;
    this.recorder = undefined;
    this.held = [];
    this.bytes = 0;
    if (!old) return;
    old.ondataavailable = old.onerror = null;
    if (old.state !== 'inactive') old.stop();
  }

  private beat(): void {
    if (!this.socket) return;
    const quiet = performance.now() - this.waitingSince;
    if (!this.open ? quiet > CONNECT_MS : this.held.length > 0 && this.held[0]!.seq < this.onWire && quiet > SILENCE_MS) this.lost(1006);
    else this.pump();
  }

  private fail(): void {
    this.quiet();
    this.change('failed');
    this.ending?.reject(new Error('the video could not be sent'));
    this.ending = undefined;
  }

  private quiet(): void {
    clearTimeout(this.timers.retry);
    clearInterval(this.timers.beat);
    this.forget();
    this.drop();
  }

  private change(state: MediaState): void {
    if (this.state === state || this.state === 'closed' || this.state === 'failed') return;
    this.state = state;
    this.events.state(state);
  }
}

type Timer = ReturnType<typeof setTimeout>;

function recorderType(): string | undefined {
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type));
}
