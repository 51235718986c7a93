import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PenClock } from '../ink/clock.ts';
import type { ChunkEvents } from './chunks.ts';
import { FALL_BACK_MS, MediaSender } from './sender.ts';
import type { MediaState, WhipEvents } from './whip.ts';

const seen = vi.hoisted(() => ({ whip: [] as string[], chunks: [] as string[], supported: true, events: {} as { whip?: WhipEvents; chunks?: ChunkEvents } }));

vi.mock('./whip.ts', () => ({
  WhipClient: class {
    constructor(_url: string, _stream: unknown, _servers: unknown, events: WhipEvents) {
      seen.events.whip = events;
    }
    start = async () => void seen.whip.push('start');
    stop = async () => void seen.whip.push('stop');
  },
}));
vi.mock('./chunks.ts', () => ({
  ChunkClient: class {
    static supported = () => seen.supported;
    constructor(_url: string, _stream: unknown, _nonce: string, _clock: unknown, events: ChunkEvents) {
      seen.events.chunks = events;
    }
    start = () => void seen.chunks.push('start');
    stop = async () => void seen.chunks.push('stop');
    close = () => void seen.chunks.push('close');
  },
}));

let told: string[];
let sender: MediaSender;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('RTCPeerConnection', class {});
  Object.assign(seen, { whip: [], chunks: [], supported: true, events: {} });
  told = [];
  sender = new MediaSender('/media', {} as MediaStream, [], '', new PenClock(0, 0), { state: (state, way) => told.push(`${way} ${state}`) });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const whip = (state: MediaState) => seen.events.whip?.state(state);

describe('the way of the video', () => {
  it('stays with WebRTC where that gets through', async () => {
    sender.start();
    whip('live');
    vi.advanceTimersByTime(10 * FALL_BACK_MS);
    await sender.stop();
    expect([seen.whip, seen.chunks]).toEqual([['start', 'stop'], []]);
    expect(told).toEqual(['webrtc live']);
  });

  it('goes over to the socket within the bound, and says so', () => {
    sender.start();
    vi.advanceTimersByTime(FALL_BACK_MS - 1);
    expect(seen.chunks).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([seen.whip, seen.chunks]).toEqual([['start', 'stop'], ['start']]);
    whip('closed'); // of what was given up nothing is told
    seen.events.chunks?.state('live');
    expect(told).toEqual(['socket connecting', 'socket live']);
  });

  it('goes over when a connection is lost and does not come back', () => {
    sender.start();
    whip('live');
    vi.advanceTimersByTime(60_000);
    whip('lost');
    vi.advanceTimersByTime(FALL_BACK_MS / 2);
    whip('live');
    vi.advanceTimersByTime(60_000);
    expect(seen.chunks).toEqual([]);
    whip('lost');
    vi.advanceTimersByTime(FALL_BACK_MS);
    expect(seen.chunks).toEqual(['start']);
  });

  it('goes over at once where WebRTC is refused or not there', () => {
    sender.start();
    whip('failed');
    expect(seen.chunks).toEqual(['start']);
    seen.chunks = [];
    vi.stubGlobal('RTCPeerConnection', undefined);
    new MediaSender('/media', {} as MediaStream, [], '', new PenClock(0, 0), { state: () => undefined }).start();
    expect(seen.chunks).toEqual(['start']);
  });

  it('says that it failed where the browser has neither', () => {
    seen.supported = false;
    sender.start();
    vi.advanceTimersByTime(FALL_BACK_MS);
    expect(told).toEqual([]);
    whip('failed');
    expect(told).toEqual(['webrtc failed']);
  });

  it('closes both ways', async () => {
    sender.start();
    vi.advanceTimersByTime(FALL_BACK_MS);
    await sender.close();
    expect(seen.chunks).toEqual(['start', 'close']);
  });
});
