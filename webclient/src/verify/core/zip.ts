// The container's structure: ZIP in one exact form (evidence/README.md), every
// byte of which is determined by the files. What deviates is a fault.
import { type Bytes, concat, equal, type Source, textOf, utf8 } from './bytes.ts';

export interface Entry {
  name: string;
  size: number;
  crc: number;
  offset: number; // of its header
  start: number; // of its contents
}

export interface Fault {
  part: string;
  text: string;
}

export interface Container {
  entries: Entry[];
  time: number; // MS-DOS date and time, one number for all files
  faults: Fault[];
}

const MAX_ENTRIES = 10_000;
const MAX_NAME = 240;
const FULL = 0xffffffff;

class Writer {
  private parts: Bytes[] = [];
  u16(...values: number[]): this { return this.ints(2, values); }
  u32(...values: number[]): this { return this.ints(4, values); }
  u64(...values: number[]): this { return this.ints(8, values); }
  add(bytes: Bytes): this {
    this.parts.push(bytes);
    return this;
  }
  bytes(): Bytes { return concat(...this.parts); }
  private ints(width: number, values: number[]): this {
    for (const value of values) {
      const out = new Uint8Array(width);
      for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) out[i] = rest % 256;
      this.parts.push(out);
    }
    return this;
  }
}

const number = (bytes: Bytes, at: number, width: number): number => {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
};

const isBig = (entry: Entry): boolean => entry.size >= FULL;

// Version, flags, method, time, checksum and both sizes.
function common(out: Writer, entry: Entry, time: number, zip64: boolean): Writer {
  const size = Math.min(entry.size, FULL);
  return out.u16(zip64 ? 45 : 20, 0x0800, 0).u32(time, entry.crc, size, size);
}

function header(entry: Entry, time: number): Bytes {
  const out = common(new Writer().u32(0x04034b50), entry, time, isBig(entry));
  const name = utf8(entry.name);
  out.u16(name.length, isBig(entry) ? 20 : 0).add(name);
  if (isBig(entry)) out.u16(1, 16).u64(entry.size, entry.size);
  return out.bytes();
}

function listing(entry: Entry, time: number): Bytes {
  const far = entry.offset >= FULL;
  const wide = [...(isBig(entry) ? [entry.size, entry.size] : []), ...(far ? [entry.offset] : [])];
  const extra = wide.length > 0 ? new Writer().u16(1, 8 * wide.length).u64(...wide).bytes() : new Uint8Array();
  const out = common(new Writer().u32(0x02014b50).u16(0x0300 | 45), entry, time, isBig(entry) || far);
  const name = utf8(entry.name);
  return out.u16(name.length, extra.length, 0, 0, 0).u32(0o100644 * 65536, Math.min(entry.offset, FULL)).add(name).add(extra).bytes();
}

function ending(count: number, start: number, size: number): Bytes {
  const out = new Writer();
  if (count >= 0xffff || start >= FULL || size >= FULL) {
    out.u32(0x06064b50).u64(44).u16(0x0300 | 45, 45).u32(0, 0).u64(count, count, size, start);
    out.u32(0x07064b50, 0).u64(start + size).u32(1);
  }
  return out.u32(0x06054b50).u16(0, 0, Math.min(count, 0xffff), Math.min(count, 0xffff)).u32(Math.min(size, FULL), Math.min(start, FULL)).u16(0).bytes();
}

// Reads the structure. Headers and directory say the same; where one of them is
// destroyed the other tells what was there. Throws where both are.
export function open(source: Source): Container {
  const found = walk(source);
  const listed = directory(source);
  if (found) return { entries: found.entries, time: found.time, faults: behind(source, found, listed?.entries) };
  if (!listed) throw new Error('no list of its files can be read');
  const faults = listed.entries.filter((entry) => !equal(source.read(entry.offset, header(entry, listed.time).length), header(entry, listed.time)))
    .map((entry) => ({ part: entry.name, text: `The header of "${entry.name}" is damaged.` }));
  return { ...listed, faults: faults.length > 0 ? faults : [{ part: 'structure', text: 'The structure is damaged.' }] };
}

interface Walked {
  entries: Entry[];
  time: number;
  end: number; // where the directory starts
}

// The headers one after the other, from the first byte to the directory.
function walk(source: Source): Walked | undefined {
  const entries: Entry[] = [];
  let time = 0;
  for (let at = 0; ;) {
    const fixed = source.read(at, 30);
    if (fixed.length < 4) return undefined;
    if (number(fixed, 0, 4) === 0x02014b50 && entries.length > 0) return { entries, time, end: at };
    const nameLength = number(fixed, 26, 2);
    const extraLength = number(fixed, 28, 2);
    if (nameLength === 0 || nameLength > MAX_NAME || (extraLength !== 0 && extraLength !== 20) || entries.length === MAX_ENTRIES) return undefined;
    const full = source.read(at, 30 + nameLength + extraLength);
    const entry: Entry = { name: nameOf(full.subarray(30, 30 + nameLength)), crc: number(full, 14, 4), size: number(full, 22, 4), offset: at, start: at + full.length };
    if (extraLength === 20) entry.size = number(full, full.length - 8, 8);
    const own = number(full, 10, 4);
    if (entries.length === 0) time = own;
    if (own !== time || !equal(header(entry, time), full) || entry.size > source.size - at) return undefined;
    entries.push(entry);
    at = entry.start + entry.size;
  }
}

// Names that are no UTF-8 make no header that reads the same.
function nameOf(bytes: Bytes): string {
  try {
    return textOf(bytes);
  } catch {
    return '';
  }
}

// The directory, by way of the end record.
function directory(source: Source): { entries: Entry[]; time: number } | undefined {
  if (source.size < 42) return undefined;
  const tail = source.read(source.size - 42, 42);
  let size = number(tail, 32, 4);
  let start = number(tail, 36, 4);
  if (number(tail, 0, 4) === 0x07064b50) {
    const wide = source.read(number(tail, 8, 8), 56);
    if (wide.length < 56) return undefined;
    [size, start] = [number(wide, 40, 8), number(wide, 48, 8)];
  }
  if (start + size > source.size || size > MAX_ENTRIES * 512) return undefined;
  const raw = source.read(start, size);
  const entries: Entry[] = [];
  let time = 0;
  let offset = 0;
  for (let at = 0; at < raw.length;) {
    const nameLength = number(raw, at + 28, 2);
    const extraLength = number(raw, at + 30, 2);
    const end = at + 46 + nameLength + extraLength;
    if (end > raw.length || nameLength === 0 || nameLength > MAX_NAME || extraLength > 28 || entries.length === MAX_ENTRIES) return undefined;
    const entry: Entry = { name: nameOf(raw.subarray(at + 46, at + 46 + nameLength)), crc: number(raw, at + 16, 4), size: number(raw, at + 24, 4), offset, start: 0 };
    if (entry.size === FULL && extraLength >= 12) entry.size = number(raw, at + 46 + nameLength + 4, 8);
    if (entries.length === 0) time = number(raw, at + 12, 4);
    if (!equal(listing(entry, time), raw.subarray(at, end))) return undefined;
    entry.start = offset + header(entry, time).length;
    entries.push(entry);
    offset = entry.start + entry.size;
    at = end;
  }
  return offset === start && entries.length > 0 ? { entries, time } : undefined;
}

// What must follow the files, byte for byte.
function behind(source: Source, found: Walked, listed: Entry[] | undefined): Fault[] {
  const faults: Fault[] = [];
  let at = found.end;
  const same = (want: Bytes) => equal(source.read(at, want.length), want);
  found.entries.forEach((entry, i) => {
    const want = listing(entry, found.time);
    const other = listed?.[i]?.name;
    if (!same(want)) faults.push({ part: entry.name, text: `Header and directory entry of "${entry.name}" do not agree${other && other !== entry.name ? `: the directory says "${other}"` : ''}.` });
    at += want.length;
  });
  const end = ending(found.entries.length, found.end, at - found.end);
  if (!same(end)) faults.push({ part: 'end of the directory', text: 'The end of the directory is damaged.' });
  const extra = source.size - at - end.length;
  if (extra !== 0) faults.push({ part: 'end of the directory', text: `${Math.abs(extra)} bytes too ${extra > 0 ? 'many' : 'few'} at the end.` });
  return faults;
}

// MS-DOS date and time, as one number of 32 bits: the time is the lower half.
export function dosTime(at: Date): number {
  if (at.getUTCFullYear() < 1980 || at.getUTCFullYear() > 2107) return ((1 << 5) | 1) * 65536;
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  return date * 65536 + ((at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1));
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let i = 0; i < 8; i++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

// CRC-32 (IEEE), continued from an earlier value.
export function crc32(bytes: Bytes, before = 0): number {
  let value = ~before;
  for (const byte of bytes) value = (TABLE[(value ^ byte) & 0xff] as number) ^ (value >>> 8);
  return ~value >>> 0;
}
