// Strict DER (X.690): definite lengths in their shortest form, tags below 31.
import { type Bytes, textOf } from './bytes.ts';

export interface Value {
  tag: number; // the identifier byte
  raw: Bytes; // with identifier and length
  body: Bytes;
}

export class Malformed extends Error {}

const fail = (what: string): never => {
  throw new Malformed(what);
};

// One value and what follows it.
export function take(bytes: Bytes): [Value, Bytes] {
  const tag = bytes[0] ?? fail('nothing there');
  if ((tag & 31) === 31) fail('long tag');
  let length = bytes[1] ?? fail('no length');
  let head = 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4 || bytes.length < 2 + count) fail('length');
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[2 + i] ?? 0);
    head += count;
    if (length < 0x80 || length < 256 ** (count - 1)) fail('long length');
  }
  if (bytes.length < head + length) fail('cut short');
  return [{ tag, raw: bytes.subarray(0, head + length), body: bytes.subarray(head, head + length) }, bytes.subarray(head + length)];
}

// The one value that bytes are.
export function only(bytes: Bytes, tag?: number): Value {
  const [value, rest] = take(bytes);
  if (rest.length > 0) fail('something follows');
  return tag === undefined ? value : expect(value, tag);
}

export function expect(value: Value | undefined, tag: number): Value {
  if (value?.tag !== tag) fail(`tag ${value?.tag} instead of ${tag}`);
  return value as Value;
}

export function children(value: Value): Value[] {
  const out: Value[] = [];
  for (let rest = value.body; rest.length > 0;) {
    const [child, next] = take(rest);
    out.push(child);
    rest = next;
  }
  return out;
}

export const SEQUENCE = 0x30;
export const SET = 0x31;
export const INTEGER = 0x02;
export const BITS = 0x03;
export const OCTETS = 0x04;
export const OID = 0x06;
export const CONTEXT0 = 0xa0;
export const CONTEXT1 = 0xa1;

export function oid(value: Value | undefined): string {
  const { body } = expect(value, OID);
  if (body.length > 64) fail('long identifier');
  const arcs: bigint[] = []; // one that is a UUID has 128 bits (ITU-T X.667)
  let arc = 0n;
  for (const byte of body) {
    arc = arc * 128n + BigInt(byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const first = arcs.shift() ?? fail('empty identifier');
  const top = first < 80n ? first / 40n : 2n;
  return [top, first - 40n * top, ...arcs].join('.');
}

// UTCTime and GeneralizedTime with a fraction, in UTC.
export function time(value: Value | undefined): Date {
  if (value?.tag !== 0x17 && value?.tag !== 0x18) return fail('no time');
  const match = /^(\d{2,4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/.exec(textOf(value.body)) ?? fail('time');
  const [, year = '', month, day, hour, minute, second, fraction = ''] = match;
  if (year.length !== (value.tag === 0x17 ? 2 : 4)) fail('year');
  const full = year.length === 4 ? year : (Number(year) < 50 ? '20' : '19') + year; // RFC 5280, section 4.1.2.5.1
  const parsed = new Date(`${full}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`);
  return Number.isNaN(parsed.getTime()) ? fail('time') : parsed;
}
