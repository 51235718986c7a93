// The vectors that the Go side passes too: capture/README.md.
import { describe, expect, it } from 'vitest';
import vectors from '../../../capture/ink/testdata/vectors.json';
import { firstHead, fromHex, nextHead, toHex } from './chain.ts';
import { decodeBatch, decodeServerMessage, encodeBatch, encodeDevice, encodeFinish, encodePing, type PenDevice } from './codec.ts';
import { checkReceipt } from './receipt.ts';
import { Malformed } from './varint.ts';

describe('shared vectors', () => {
  it.each(vectors.batches)('batch: $name', ({ seq, points, bytes }) => {
    expect(toHex(encodeBatch(seq, points))).toBe(bytes);
    expect(decodeBatch(fromHex(bytes))).toEqual({ seq, points });
  });

  it('chain over all batches', async () => {
    let head = await firstHead(fromHex(vectors.sessionID), fromHex(vectors.nonce));
    expect(toHex(head)).toBe(vectors.firstHead);
    for (const batch of vectors.batches) {
      head = await nextHead(head, fromHex(batch.bytes));
      expect(toHex(head)).toBe(batch.head);
    }
  });

  it.each(vectors.malformed)('malformed: $name', ({ bytes }) => {
    expect(() => decodeBatch(fromHex(bytes))).toThrow(Malformed);
  });

  it.each(vectors.messages)('message $name', ({ name, fields, bytes }) => {
    expect(message(name, fields)).toBe(bytes);
  });

  it('receipt', async () => {
    const fields = vectors.messages.find(({ name }) => name === 'RECEIPT')!.fields as unknown as Fields;
    const capture = { id: vectors.sessionID, nonce: vectors.nonce, receiptKey: vectors.receiptPublicKey };
    const receipt = { nextSeq: fields.nextSeq, head: fromHex(fields.head), signature: fromHex(fields.signature) };
    expect(await checkReceipt(receipt, capture)).toBe(true);
    expect(await checkReceipt({ ...receipt, nextSeq: receipt.nextSeq + 1 }, capture)).toBe(false);
  });
});

interface Fields extends PenDevice {
  nonce: string; head: string; nextSeq: number; signature: string;
  clientTime: number; lastClientTime: number; lastReceive: number; serverReceive: number; serverSend: number;
}

// Client messages are written; server messages are read and written down again by hand.
function message(name: string, loose: object): string {
  const fields = loose as Fields;
  const uvarint = (n: number) => toHex(encodePing(n)).slice(2);
  const last = fields.lastClientTime === undefined ? undefined : { clientTime: fields.lastClientTime, received: fields.lastReceive };
  const bytes: Record<string, () => string> = {
    PING: () => toHex(encodePing(fields.clientTime, last)),
    FINISH: () => toHex(encodeFinish(fields.nextSeq, fromHex(fields.head))),
    DEVICE: () => toHex(encodeDevice(fields)),
    WELCOME: () => read('81' + fields.nonce + uvarint(fields.nextSeq) + fields.head, { type: 'welcome', nextSeq: fields.nextSeq }),
    ACK: () => read('82' + uvarint(fields.nextSeq) + fields.head, { type: 'ack', nextSeq: fields.nextSeq }),
    PONG: () => read('83' + uvarint(fields.clientTime) + uvarint(fields.serverReceive) + uvarint(fields.serverSend), {
      type: 'pong', clientTime: fields.clientTime, received: fields.serverReceive, sent: fields.serverSend,
    }),
    RECEIPT: () => read('84' + uvarint(fields.nextSeq) + fields.head + fields.signature, {
      type: 'receipt', nextSeq: fields.nextSeq, signature: fromHex(fields.signature),
    }),
  };
  return bytes[name]!();
}

function read(hex: string, expected: object): string {
  expect(decodeServerMessage(fromHex(hex))).toMatchObject(expected);
  return hex;
}
