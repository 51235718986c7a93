import { describe, expect, it } from 'vitest';
import { firstHead, fromHex, join, nextHead, toHex } from './chain.ts';
import { decodeBatch, decodeServerMessage, encodeBatch, encodeFinish, encodePing } from './codec.ts';
import type { Point } from './point.ts';
import { Malformed, Reader, Writer } from './varint.ts';

const point = (over: Partial<Point> = {}): Point => ({
  t: 0, x: 0, y: 0, p: 0, tiltX: 0, tiltY: 0, twist: 0, down: false, start: false, ...over,
});

describe('varint', () => {
  // Expected bytes: Go's encoding/binary, PutUvarint.
  it.each([
    [0, '00'], [127, '7f'], [128, '8001'], [300, 'ac02'], [2 ** 32, '8080808010'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ])('writes %d as %s and reads it back', (value, hex) => {
    const out = new Writer();
    out.uvarint(value);
    expect(toHex(out.done())).toBe(hex);
    expect(new Reader(fromHex(hex)).uvarint()).toBe(value);
  });

  it.each([0, -1, 1, -64, 64, 2 ** 40, -(2 ** 40)])('keeps the sign of %d', (value) => {
    const out = new Writer();
    out.svarint(value);
    expect(new Reader(out.done()).svarint()).toBe(value);
  });

  it.each(['', '80', 'ffffffffffffffff01', '8000'])('refuses %j', (hex) => {
    expect(() => new Reader(fromHex(hex)).uvarint()).toThrow(Malformed);
  });
});

describe('batch', () => {
  it('has the bytes of the specification', () => {
    const data = encodeBatch(3, [
      point({ t: 5000, x: 100, y: -50, p: 32768, down: true, start: true }),
      point({ t: 9990, x: 110, y: -50, p: 32768, tiltX: -3000, down: true }),
    ]);
    // type, seq, n | down+start+pressure, dt, dx, dy, dp | down+tilt, dt, dx, dy, dtiltX, dtiltY
    expect(toHex(data)).toBe('010302' + '07' + '904e' + 'c801' + '63' + '808004' + '09' + 'fc4d' + '14' + '00' + 'ef2e' + '00');
  });

  it('returns 2,000 random walks unchanged', () => {
    let state = 1;
    const random = (size: number) => {
      state = (state * 48271) % 2147483647;
      return state % size;
    };
    for (let round = 0; round < 2000; round++) {
      let t = random(2 ** 31) * 1000;
      const points = Array.from({ length: 1 + random(20) }, () => {
        t += random(9000) - 200;
        return point({
          t: Math.max(0, t), x: random(200000) - 50000, y: random(200000) - 50000, p: random(65536),
          tiltX: random(18001) - 9000, tiltY: random(18001) - 9000, twist: random(36000),
          down: random(2) === 1, start: random(2) === 1,
        });
      });
      expect(decodeBatch(encodeBatch(round, points))).toEqual({ seq: round, points });
    }
  });

  it.each([
    ['no points', '010000'], ['too many points', '01008104'], ['unknown flag', '01000180000000'],
    ['ends early', '01000101'], ['bytes too many', '01000100000000ff'], ['not a batch', '02'],
  ])('refuses: %s', (_, hex) => {
    expect(() => decodeBatch(fromHex(hex))).toThrow(Malformed);
  });
});

describe('control messages', () => {
  const head = fromHex('ab'.repeat(32));

  it('are written as specified', () => {
    expect(toHex(encodePing(300))).toBe('02ac02');
    expect(toHex(encodeFinish(7, head))).toBe('0307' + 'ab'.repeat(32));
  });

  it('are read as specified', () => {
    const read = (hex: string) => decodeServerMessage(fromHex(hex));
    expect(read('81' + '01'.repeat(32) + '05' + 'ab'.repeat(32))).toEqual({ type: 'welcome', nonce: fromHex('01'.repeat(32)), nextSeq: 5, head });
    expect(read('82ac02' + 'ab'.repeat(32))).toEqual({ type: 'ack', nextSeq: 300, head });
    expect(read('83010203')).toEqual({ type: 'pong', clientTime: 1, received: 2, sent: 3 });
    expect(read('8402' + 'ab'.repeat(32) + 'cd'.repeat(64))).toEqual({ type: 'receipt', nextSeq: 2, head, signature: fromHex('cd'.repeat(64)) });
  });

  it.each(['', '85', '8201', '830102'])('refuses %j', (hex) => {
    expect(() => decodeServerMessage(fromHex(hex))).toThrow(Malformed);
  });
});

describe('chain', () => {
  it('starts from label, session and nonce, and folds in each batch', async () => {
    const session = fromHex('00112233445566778899aabbccddeeff');
    const nonce = fromHex('11'.repeat(32));
    const sha = async (data: Uint8Array<ArrayBuffer>) => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', data)));
    const first = await firstHead(session, nonce);
    expect(toHex(first)).toBe(await sha(join(new TextEncoder().encode('inkwitness pen v1'), new Uint8Array(1), session, nonce)));
    const batch = encodeBatch(0, [point()]);
    expect(toHex(await nextHead(first, batch))).toBe(await sha(join(first, batch)));
  });
});
