// The messages of the subprotocol inkwitness.pen.v1 (capture/README.md). The
// same vectors test this file and the Go side: capture/ink/testdata/vectors.json.
import { MAX_PRESSURE, type Point } from './point.ts';
import { Malformed, Reader, Writer } from './varint.ts';

export const SUBPROTOCOL = 'inkwitness.pen.v1';
export const MAX_POINTS = 512; // in one batch
export const MAX_BYTES = 16 * 1024; // of one batch

const BATCH = 0x01;
const PING = 0x02;
const FINISH = 0x03;
const DEVICE = 0x04;
const WELCOME = 0x81;
const ACK = 0x82;
const PONG = 0x83;
const RECEIPT = 0x84;

const DOWN = 1;
const START = 2;
const PRESSURE = 4;
const TILT = 8;
const TWIST = 16;
const FLAGS = DOWN | START | PRESSURE | TILT | TWIST;

const REST: Point = { t: 0, x: 0, y: 0, p: 0, tiltX: 0, tiltY: 0, twist: 0, down: false, start: false };

export interface Batch {
  seq: number;
  points: Point[];
}

export function encodeBatch(seq: number, points: readonly Point[]): Uint8Array<ArrayBuffer> {
  if (points.length === 0 || points.length > MAX_POINTS) throw new RangeError(`${points.length} points in a batch`);
  const out = new Writer();
  out.byte(BATCH);
  out.uvarint(seq);
  out.uvarint(points.length);
  let before = REST;
  for (const point of points) {
    writePoint(out, point, before);
    before = point;
  }
  return out.done();
}

function writePoint(out: Writer, point: Point, before: Point): void {
  const pressure = point.p !== before.p;
  const tilt = point.tiltX !== before.tiltX || point.tiltY !== before.tiltY;
  const twist = point.twist !== before.twist;
  out.byte(
    (point.down ? DOWN : 0) | (point.start ? START : 0) | (pressure ? PRESSURE : 0) | (tilt ? TILT : 0) | (twist ? TWIST : 0),
  );
  out.svarint(point.t - before.t);
  out.svarint(point.x - before.x);
  out.svarint(point.y - before.y);
  if (pressure) out.svarint(point.p - before.p);
  if (tilt) {
    out.svarint(point.tiltX - before.tiltX);
    out.svarint(point.tiltY - before.tiltY);
  }
  if (twist) out.svarint(point.twist - before.twist);
}

export function decodeBatch(data: Uint8Array): Batch {
  const input = new Reader(data);
  if (input.byte() !== BATCH) throw new Malformed('not a batch');
  const seq = input.uvarint();
  const count = input.uvarint();
  if (count === 0 || count > MAX_POINTS) throw new Malformed(`${count} points in a batch`);
  const points: Point[] = [];
  let before = REST;
  for (let i = 0; i < count; i++) {
    before = readPoint(input, before);
    points.push(before);
  }
  input.end();
  return { seq, points };
}

function readPoint(input: Reader, before: Point): Point {
  const flags = input.byte();
  if ((flags & ~FLAGS) !== 0) throw new Malformed('unknown flag');
  const point = { ...before, down: (flags & DOWN) !== 0, start: (flags & START) !== 0 };
  point.t += input.svarint();
  point.x += input.svarint();
  point.y += input.svarint();
  if (flags & PRESSURE) point.p += input.svarint();
  if (flags & TILT) {
    point.tiltX += input.svarint();
    point.tiltY += input.svarint();
  }
  if (flags & TWIST) point.twist += input.svarint();
  check(point);
  return point;
}

const INT32 = 2 ** 31;

function check(point: Point): void {
  const within = (value: number, least: number, most: number) => value >= least && value <= most;
  const good =
    within(point.t, 0, 2 ** 52 - 1) && within(point.x, -INT32, INT32 - 1) && within(point.y, -INT32, INT32 - 1) &&
    within(point.p, 0, MAX_PRESSURE) && within(point.tiltX, -9000, 9000) && within(point.tiltY, -9000, 9000) &&
    within(point.twist, 0, 35999);
  if (!good) throw new Malformed('value out of range');
}

// The exchange before this one: when its ping left and its pong arrived, so that
// the server has all four times of it.
export interface Exchange {
  clientTime: number;
  received: number;
}

export function encodePing(clientTime: number, last?: Exchange): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  out.byte(PING);
  out.uvarint(clientTime);
  if (last) {
    out.uvarint(last.clientTime);
    out.uvarint(last.received);
  }
  return out.done();
}

// What the page saw of the pen device; the last one before FINISH counts.
export interface PenDevice {
  pointer: '' | 'pen' | 'touch' | 'mouse';
  hasPressure: boolean;
  hasTilt: boolean;
  hasTwist: boolean;
  hasHover: boolean;
  hasCoalesced: boolean;
  pixelRatio: number; // thousandths
  events: number;
  samples: number;
}

const POINTERS = ['', 'pen', 'touch', 'mouse'];

export function encodeDevice(device: PenDevice): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  const facts = [device.hasPressure, device.hasTilt, device.hasTwist, device.hasHover, device.hasCoalesced];
  out.byte(DEVICE);
  out.byte(POINTERS.indexOf(device.pointer));
  out.byte(facts.reduce((flags, set, bit) => flags | (set ? 1 << bit : 0), 0));
  out.uvarint(device.pixelRatio);
  out.uvarint(device.events);
  out.uvarint(device.samples);
  return out.done();
}

export function encodeFinish(nextSeq: number, head: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Writer();
  out.byte(FINISH);
  out.uvarint(nextSeq);
  out.bytes(head);
  return out.done();
}

export type ServerMessage =
  | { type: 'welcome'; nonce: Uint8Array<ArrayBuffer>; nextSeq: number; head: Uint8Array<ArrayBuffer> }
  | { type: 'ack'; nextSeq: number; head: Uint8Array<ArrayBuffer> }
  | { type: 'pong'; clientTime: number; received: number; sent: number }
  | { type: 'receipt'; nextSeq: number; head: Uint8Array<ArrayBuffer>; signature: Uint8Array<ArrayBuffer> };

export function decodeServerMessage(data: Uint8Array): ServerMessage {
  const input = new Reader(data);
  const message = readServerMessage(input);
  input.end();
  return message;
}

function readServerMessage(input: Reader): ServerMessage {
  switch (input.byte()) {
    case WELCOME:
      return { type: 'welcome', nonce: input.bytes(32), nextSeq: input.uvarint(), head: input.bytes(32) };
    case ACK:
      return { type: 'ack', nextSeq: input.uvarint(), head: input.bytes(32) };
    case PONG:
      return { type: 'pong', clientTime: input.uvarint(), received: input.uvarint(), sent: input.uvarint() };
    case RECEIPT:
      return { type: 'receipt', nextSeq: input.uvarint(), head: input.bytes(32), signature: input.bytes(64) };
    default:
      throw new Malformed('unknown message');
  }
}
