// Sends camera and microphone to the service: one WHIP session (RFC 9725) over
// one peer connection. A broken session is replaced by a new one on the same
// capture; the service records it as the next segment.
import { Problem, problemOf } from '../api.ts';

export type MediaState = 'connecting' | 'live' | 'lost' | 'failed' | 'closed';

export interface WhipEvents {
  state(state: MediaState): void;
}

const ICE_GRACE_MS = 3000; // "disconnected" often heals by itself
const CONNECT_MS = 10_000;
const RETRY_MS = [500, 1000, 2000, 4000];
const MAX_TRIES = 8; // in a row without ever being live
const VIDEO_BITS = 650_000;

export class WhipClient {
  state: MediaState = 'connecting';
  private peer: RTCPeerConnection | undefined;
  private resource = '';
  private attempts = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly url: string,
    private readonly stream: MediaStream,
    private readonly iceServers: RTCIceServer[],
    private readonly events: WhipEvents,
  ) {}

  async start(): Promise<void> {
    try {
      await this.connect();
    } catch (error) {
      // The service and this browser have no video format in common.
      if (error instanceof Problem && error.status === 406) {
        this.release();
        this.change('failed');
      } else this.again();
    }
  }

  // Ends the recording on the service. Safe to call twice.
  async stop(): Promise<void> {
    if (this.state === 'closed') return;
    this.change('closed');
    clearTimeout(this.timer);
    const resource = this.resource;
    this.release();
    if (resource) await fetch(resource, { method: 'DELETE', credentials: 'same-origin', keepalive: true }).catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const peer = new RTCPeerConnection({ iceServers: this.iceServers, bundlePolicy: 'max-bundle' });
    this.peer = peer;
    peer.onconnectionstatechange = () => this.connection(peer);
    for (const track of this.stream.getTracks()) this.addTrack(peer, track);
    await peer.setLocalDescription(await peer.createOffer());
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Accept: 'application/sdp' },
      body: peer.localDescription?.sdp,
      credentials: 'same-origin',
    });
    if (!response.ok) throw await problemOf(response);
    const location = response.headers.get('Location');
    const answer = await response.text();
    if (peer !== this.peer) return this.abandon(location);
    this.resource = location ? new URL(location, response.url || globalThis.location.href).href : '';
    await peer.setRemoteDescription({ type: 'answer', sdp: answer });
    if (peer === this.peer && peer.connectionState !== 'connected') this.arm(CONNECT_MS);
  }

  // Stopped while the answer was on its way: the service must not wait for us.
  private abandon(location: string | null): void {
    if (location) void fetch(location, { method: 'DELETE', credentials: 'same-origin', keepalive: true }).catch(() => undefined);
  }

  private addTrack(peer: RTCPeerConnection, track: MediaStreamTrack): void {
    const transceiver = peer.addTransceiver(track, {
      direction: 'sendonly',
      streams: [this.stream],
      ...(track.kind === 'video' ? { sendEncodings: [{ maxBitrate: VIDEO_BITS }] } : {}),
    });
    if (track.kind === 'video') preferVP8(transceiver);
    askForCaptureTime(transceiver);
  }

  private connection(peer: RTCPeerConnection): void {
    if (peer !== this.peer || this.state === 'closed') return;
    switch (peer.connectionState) {
      case 'connected':
        clearTimeout(this.timer);
        this.attempts = 0;
        this.change('live');
        return;
      case 'disconnected':
        this.change('lost');
        this.arm(ICE_GRACE_MS);
        return;
      case 'failed':
        this.again();
    }
  }

  private arm(wait: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), wait);
  }

  private again(): void {
    if (this.state === 'closed' || this.state === 'failed') return;
    clearTimeout(this.timer);
    const old = this.resource;
    this.release();
    this.abandon(old || null);
    if (this.attempts >= MAX_TRIES) return this.change('failed');
    this.change('lost');
    const wait = RETRY_MS[Math.min(this.attempts++, RETRY_MS.length - 1)];
    this.timer = setTimeout(() => void this.start(), wait);
  }

  private release(): void {
    this.peer?.close();
    this.peer = undefined;
    this.resource = '';
  }

  private change(state: MediaState): void {
    if (this.state === state) return;
    this.state = state;
    this.events.state(state);
  }
}

// VP8 first: the service decodes its key frames itself. RTX stays in the list,
// without it lost packets are lost frames.
function preferVP8(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpSender.getCapabilities?.('video')?.codecs ?? [];
  if (codecs.length === 0 || !('setCodecPreferences' in transceiver)) return;
  const rank = (codec: { mimeType: string; sdpFmtpLine?: string }) => {
    if (codec.mimeType === 'video/VP8') return 0;
    if (codec.mimeType !== 'video/H264') return 2;
    return /42e01f/i.test(codec.sdpFmtpLine ?? '') && /packetization-mode=1/.test(codec.sdpFmtpLine ?? '') ? 1 : 2;
  };
  transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
}

const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

interface WithExtensions {
  getHeaderExtensionsToNegotiate?(): { uri: string; direction: string }[];
  setHeaderExtensionsToNegotiate?(extensions: { uri: string; direction: string }[]): void;
}

// Capture times in the stream, where the browser can: it must be asked for.
function askForCaptureTime(transceiver: RTCRtpTransceiver): void {
  const with_ = transceiver as unknown as WithExtensions;
  const extensions = with_.getHeaderExtensionsToNegotiate?.();
  if (!extensions) return;
  try {
    with_.setHeaderExtensionsToNegotiate?.(
      extensions.map((one) => (one.uri === CAPTURE_TIME ? { ...one, direction: 'sendonly' } : one)),
    );
  } catch {
    // offered, not required
  }
}
