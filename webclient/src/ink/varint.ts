// Variable-length integers as Go's encoding/binary writes them: seven bits a
// byte, lowest first; signed ones in zig-zag order. Times in microseconds pass
// 2^32, so all arithmetic is on doubles, exact up to 2^53.

export class Malformed extends Error {
  override name = 'Malformed';
}

export class Writer {
  private buffer = new Uint8Array(256);
  length = 0;

  private room(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + more));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }

  byte(value: number): void {
    this.room(1);
    this.buffer[this.length++] = value;
  }

  bytes(value: Uint8Array): void {
    this.room(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  uvarint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a uvarint: ${value}`);
    while (value >= 0x80) {
      this.byte((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.byte(value);
  }

  svarint(value: number): void {
    this.uvarint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }
}

export class Reader {
  offset = 0;
  constructor(private readonly data: Uint8Array) {}

  get rest(): number {
    return this.data.length - this.offset;
  }

  byte(): number {
    const value = this.data[this.offset];
    if (value === undefined) throw new Malformed('message ends early');
    this.offset++;
    return value;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (this.rest < length) throw new Malformed('message ends early');
    this.offset += length;
    return this.data.slice(this.offset - length, this.offset);
  }

  uvarint(): number {
    let value = 0;
    for (let scale = 1, i = 0; i < 8; scale *= 0x80, i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) break;
      if (byte >= 0x80) continue;
      if (byte === 0 && i > 0) throw new Malformed('number is longer than it needs to be');
      return value;
    }
    throw new Malformed('number is too large');
  }

  svarint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  end(): void {
    if (this.rest !== 0) throw new Malformed(`${this.rest} bytes too many`);
  }
}
