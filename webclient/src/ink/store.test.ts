import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { type CaptureRecord, IndexedStore, MemoryStore } from './store.ts';

const record = (id: string, begun = 0): CaptureRecord => ({
  id, kind: 'signature', nonce: '', penUrl: '', mediaUrl: '', receiptKey: '', document: '', origin: 0, begun, width: 600, height: 240, iceServers: [], finished: false,
});

let count = 0;
const openIndexed = () => IndexedStore.open(`test-${count++}`);

describe.each([
  ['IndexedDB', openIndexed],
  ['memory', async () => new MemoryStore()],
])('store in %s', (_, open) => {
  it('returns batches in order and captures apart', async () => {
    const store = await open();
    await store.save(record('b', 2));
    await store.save(record('a', 1));
    for (const seq of [2, 0, 1]) await store.put('a', seq, Uint8Array.of(seq));
    await store.put('b', 0, Uint8Array.of(9));
    expect((await store.batches('a')).map((data) => [...data])).toEqual([[0], [1], [2]]);
    await store.erase('a');
    expect(await store.batches('a')).toEqual([]);
    expect((await store.batches('b')).length).toBe(1);
    expect((await store.list()).map((one) => one.id)).toEqual(['b']);
  });

  it('stops at a hole: nothing after it can be chained', async () => {
    const store = await open();
    for (const seq of [0, 1, 3]) await store.put('a', seq, Uint8Array.of(seq));
    expect((await store.batches('a')).length).toBe(2);
  });
});

it('keeps everything over a reload', async () => {
  const before = await IndexedStore.open('reload');
  await before.save(record('a'));
  await before.put('a', 0, Uint8Array.of(1, 2, 3));
  before.close();
  const after = await IndexedStore.open('reload');
  expect(await after.list()).toEqual([record('a')]);
  expect([...(await after.batches('a'))[0]!]).toEqual([1, 2, 3]);
});
