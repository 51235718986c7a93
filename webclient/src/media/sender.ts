// The way of camera and microphone to the service: WebRTC where it gets through,
// and where it does not within a few seconds, chunks over a WebSocket, which go
// wherever the page itself went.
import type { PenClock } from '../ink/clock.ts';
import { ChunkClient } from './chunks.ts';
import { type MediaState, WhipClient } from './whip.ts';

export type MediaWay = 'webrtc' | 'socket';

export const FALL_BACK_MS = 8000; // without a live connection

export interface SenderEvents {
  state(state: MediaState, way: MediaWay): void;
}

export class MediaSender {
  way: MediaWay = 'webrtc';
  private readonly whip: WhipClient;
  private chunks: ChunkClient | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly stream: MediaStream,
    iceServers: RTCIceServer[],
    private readonly nonce: string,
    private readonly clock: PenClock,
    private readonly events: SenderEvents,
  ) {
    this.whip = new WhipClient(url, stream, iceServers, { state: (state) => this.webrtc(state) });
  }

  start(): void {
    if (typeof RTCPeerConnection === 'undefined') return this.fallBack();
    this.arm();
    void this.whip.start();
  }

  // Ends the recording; resolves when the service has all that was sent.
  async stop(): Promise<void> {
    this.disarm();
    await (this.chunks ? this.chunks.stop() : this.whip.stop());
  }

  // Gives up at once.
  async close(): Promise<void> {
    this.disarm();
    this.chunks?.close();
    await this.whip.stop();
  }

  private webrtc(state: MediaState): void {
    if (this.chunks) return;
    if (state === 'live') this.disarm();
    else if (state === 'lost') this.arm();
    else if (state === 'failed' && ChunkClient.supported()) return this.fallBack();
    this.events.state(state, 'webrtc');
  }

  private disarm(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private arm(): void {
    this.timer ??= setTimeout(() => this.fallBack(), FALL_BACK_MS);
  }

  private fallBack(): void {
    if (this.chunks) return;
    if (!ChunkClient.supported()) {
      if (typeof RTCPeerConnection === 'undefined') this.events.state('failed', 'webrtc');
      return; // WebRTC goes on trying
    }
    this.way = 'socket';
    this.chunks = new ChunkClient(this.url, this.stream, this.nonce, this.clock, { state: (state) => this.events.state(state, 'socket') });
    void this.whip.stop();
    this.events.state('connecting', 'socket');
    this.chunks.start();
  }
}
