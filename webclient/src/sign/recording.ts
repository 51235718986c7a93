// One capture from its first byte to the server's receipt: pen link, media, live
// ink and the device's store, kept in step. No user interface in here.
import { type Capture, type FinishedCapture, newKey, signing } from '../api.ts';
import { InkCanvas } from '../canvas/ink.ts';
import { PenClock } from '../ink/clock.ts';
import type { PenDevice } from '../ink/codec.ts';
import { LinkFailed, type LinkState, PenLink, type Receipt, TAKEN_OVER } from '../ink/link.ts';
import type { Point } from '../ink/point.ts';
import { checkReceipt } from '../ink/receipt.ts';
import { Recorder } from '../ink/recorder.ts';
import type { CaptureRecord, CaptureStore } from '../ink/store.ts';
import { MediaSender, type MediaWay } from '../media/sender.ts';
import type { MediaState } from '../media/whip.ts';
import { deviceFacts } from './device.ts';

export interface RecordingState {
  armed: boolean; // everything runs; what is drawn counts
  link: LinkState;
  pending: number; // batches that the server lacks
  media: MediaState | 'none' | 'ended';
  way: MediaWay; // of the media
  strokes: number;
  pointer: PenDevice['pointer'];
  elsewhere: boolean; // another window took over
}

export interface RecordingOptions {
  kind: 'reference' | 'signature';
  document: string; // its SHA-256, so that leftovers of another document are not taken up
  pad: HTMLCanvasElement;
  store: CaptureStore;
  stream?: MediaStream;
  left: AbortSignal; // the pad is gone
  change(state: RecordingState): void;
}

const running = new Set<Recording>();

// Puts every recording away so that another window can take it up.
export async function leaveAll(): Promise<void> {
  await Promise.all([...running].map((recording) => recording.leave()));
}

const LOOK = { colour: '#14235c', width: 2.6 };

export class Recording {
  readonly points: Point[] = [];
  readonly resumed: boolean;
  private state: RecordingState;
  private readonly link: PenLink;
  private readonly ink: InkCanvas;
  private readonly sender: MediaSender | undefined;
  private recorder: Recorder | undefined;
  private receipt: Promise<Receipt> | undefined;
  private filmed: Promise<void> | undefined; // the service has the video
  private readonly clock: PenClock;
  private readonly over = new AbortController();
  private readonly listening = { signal: this.over.signal }; // the camera stays, and would keep every recording of it

  static async begin(options: RecordingOptions, size: { width: number; height: number }): Promise<Recording> {
    const media = { video: hasTrack(options.stream, 'video'), audio: hasTrack(options.stream, 'audio') };
    const capture = await signing.begin({ kind: options.kind, device: deviceFacts(), media }, newKey());
    const record = newRecord(capture, options, size);
    // The service has discarded what was open before: nobody can continue that.
    for (const old of await options.store.list()) if (!old.finished && old.document === record.document) await options.store.erase(old.id);
    await options.store.save(record);
    if (options.left.aborted) { // nobody can have drawn anything
      await signing.discard(record.id).catch(() => undefined);
      await options.store.erase(record.id);
    }
    return Recording.open(options, record);
  }

  static async open(options: RecordingOptions, record: CaptureRecord): Promise<Recording> {
    const recording = new Recording(options, record);
    await recording.start();
    return recording;
  }

  private constructor(
    private readonly options: RecordingOptions,
    readonly record: CaptureRecord,
  ) {
    this.clock = new PenClock(record.origin);
    this.resumed = record.origin !== performance.timeOrigin;
    this.state = {
      armed: false, link: 'connecting', pending: 0, media: options.stream ? 'connecting' : 'none', way: 'webrtc',
      strokes: 0, pointer: '', elsewhere: false,
    };
    this.ink = new InkCanvas(options.pad, LOOK);
    this.link = new PenLink(record, options.store, this.clock, {
      state: (link, pending) => this.change({ link, pending, elsewhere: this.link.failure === TAKEN_OVER }),
      device: () => this.device(),
    });
    if (options.stream && record.mediaUrl) {
      this.sender = new MediaSender(record.mediaUrl, options.stream, record.iceServers, record.nonce, this.clock, {
        state: (media, way) => this.state.media !== 'ended' && this.change({ media, way }),
      });
      for (const track of options.stream.getTracks()) {
        if (track.readyState === 'ended') this.state.media = 'ended';
        track.addEventListener('ended', () => this.change({ media: 'ended' }), this.listening);
      }
    }
  }

  private async start(): Promise<void> {
    this.options.left.throwIfAborted();
    running.add(this);
    this.options.left.addEventListener('abort', () => void this.leave(), this.listening);
    this.ink.resize(this.record.width, this.record.height);
    this.take(await this.link.start());
    if (running.has(this)) this.sender?.start();
  }

  // Pen down to paper; the first `drawn` are on it.
  private take(points: readonly Point[], drawn = 0): void {
    this.ink.draw(points.slice(drawn));
    this.points.push(...points);
    const strokes = points.filter((point) => point.start).length;
    if (strokes > 0) this.change({ strokes: this.state.strokes + strokes, pointer: this.recorder?.seen.pointer ?? '' });
  }

  private arm(): void {
    this.recorder = new Recorder(this.options.pad, this.clock, {
      points: (points, shown) => {
        this.link.points(points); // what counts comes first
        this.take(points, shown);
      },
      ahead: (points) => this.ink.draw(points),
    });
  }

  private change(part: Partial<RecordingState>): void {
    const next = { ...this.state, ...part };
    const mediaReady = !this.sender || next.media === 'live';
    if (!next.armed && next.link === 'open' && mediaReady) {
      next.armed = true;
      this.arm();
    }
    if (next.link === 'failed' || next.link === 'finished') this.recorder?.close();
    if (next.link === 'failed' && this.state.link !== 'failed') void this.sender?.close();
    this.state = next;
    this.options.change(next);
  }

  // Ends the capture; resolves when the server holds every sample and has judged
  // their quality. May be called again after a failed request.
  async finish(): Promise<FinishedCapture> {
    this.recorder?.close();
    this.receipt ??= this.link.finish();
    this.filmed ??= this.sender?.stop() ?? Promise.resolve();
    const [receipt] = await Promise.all([this.receipt, this.filmed]);
    if ((await checkReceipt(receipt, this.record)) === false) {
      this.change({ link: 'failed' });
      throw new LinkFailed(0);
    }
    const finished = await signing.finish(this.record.id);
    await this.options.store.save({ ...this.record, finished: true });
    return finished;
  }

  // Gives the capture up: nothing of it stays, here or there.
  async discard(): Promise<void> {
    await this.leave();
    await signing.discard(this.record.id).catch(() => undefined);
    await this.options.store.erase(this.record.id);
  }

  // The service knows the capture no more: forgets what is here.
  async forget(): Promise<void> {
    await this.leave();
    await this.options.store.erase(this.record.id);
  }

  // Stops recording but keeps what is stored, to be taken up again.
  async leave(): Promise<void> {
    running.delete(this);
    this.over.abort();
    this.recorder?.close();
    this.link.close();
    await this.link.stored();
    await this.sender?.close();
  }

  private device(): PenDevice {
    const seen = this.recorder?.seen;
    return {
      pointer: seen?.pointer ?? '',
      hasPressure: seen?.pressure ?? false,
      hasTilt: seen?.tilt ?? false,
      hasTwist: seen?.twist ?? false,
      hasHover: seen?.inAir ?? false,
      hasCoalesced: seen?.coalesced ?? false,
      pixelRatio: Math.round((window.devicePixelRatio || 1) * 1000),
      events: seen?.events ?? 0,
      samples: seen?.samples ?? 0,
    };
  }
}

function newRecord(capture: Capture, options: RecordingOptions, size: { width: number; height: number }): CaptureRecord {
  return {
    id: capture.id,
    kind: options.kind,
    nonce: capture.nonce,
    penUrl: capture.penUrl,
    mediaUrl: capture.mediaUrl,
    iceServers: capture.iceServers ?? [],
    receiptKey: capture.receiptKey,
    document: options.document,
    origin: performance.timeOrigin,
    begun: Date.now(),
    width: size.width,
    height: size.height,
    finished: false,
  };
}

function hasTrack(stream: MediaStream | undefined, kind: 'video' | 'audio'): boolean {
  return (stream?.getTracks() ?? []).some((track) => track.kind === kind);
}
