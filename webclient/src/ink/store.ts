// Where a capture waits until the server has it: IndexedDB, so that a reload, a
// crash of the tab or an empty battery loses nothing already drawn. Everything
// of a capture is erased when it is finished or drawn again.

export interface CaptureRecord {
  id: string; // 128 bits in hex, the session id of the chain
  kind: 'reference' | 'signature';
  nonce: string; // 32 bytes in hex
  penUrl: string;
  mediaUrl: string;
  receiptKey: string;
  document: string; // hash of the document it belongs to
  origin: number; // performance.timeOrigin of the page that began it, ms
  begun: number; // wall time, ms
  width: number; // of the pad, CSS px
  height: number;
  iceServers: RTCIceServer[];
  finished: boolean; // the server has it all; kept until it is confirmed or drawn again
}

export interface CaptureStore {
  save(record: CaptureRecord): Promise<void>;
  list(): Promise<CaptureRecord[]>; // oldest first
  put(capture: string, seq: number, data: Uint8Array): Promise<void>;
  batches(capture: string): Promise<Uint8Array<ArrayBuffer>[]>; // in order of seq, from 0
  erase(capture: string): Promise<void>;
}

const CAPTURES = 'captures';
const BATCHES = 'batches';

export class IndexedStore implements CaptureStore {
  private constructor(private readonly database: IDBDatabase) {}

  static async open(name = 'inkwitness'): Promise<IndexedStore> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(CAPTURES, { keyPath: 'id' });
      request.result.createObjectStore(BATCHES);
    };
    return new IndexedStore(await result(request));
  }

  close(): void {
    this.database.close();
  }

  async save(record: CaptureRecord): Promise<void> {
    await this.write([CAPTURES], (transaction) => transaction.objectStore(CAPTURES).put(record));
  }

  async list(): Promise<CaptureRecord[]> {
    const all: CaptureRecord[] = await result(this.database.transaction(CAPTURES).objectStore(CAPTURES).getAll());
    return all.sort((a, b) => a.begun - b.begun);
  }

  async put(capture: string, seq: number, data: Uint8Array): Promise<void> {
    await this.write([BATCHES], (transaction) => transaction.objectStore(BATCHES).put(data, [capture, seq]));
  }

  async batches(capture: string): Promise<Uint8Array<ArrayBuffer>[]> {
    const store = this.database.transaction(BATCHES).objectStore(BATCHES);
    const [keys, values] = await Promise.all([result(store.getAllKeys(range(capture))), result(store.getAll(range(capture)))]);
    return contiguous(keys as [string, number][], values);
  }

  async erase(capture: string): Promise<void> {
    await this.write([CAPTURES, BATCHES], (transaction) => {
      transaction.objectStore(CAPTURES).delete(capture);
      transaction.objectStore(BATCHES).delete(range(capture));
    });
  }

  private write(stores: string[], body: (transaction: IDBTransaction) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(stores, 'readwrite');
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error('storage failed'));
      body(transaction);
      transaction.commit(); // else it ends only when the page hears of it, and one that the browser halts keeps all others from the store
    });
  }
}

// What stands in where the browser refuses IndexedDB (some private windows): a
// dropped connection is still survived, a reload is not.
export class MemoryStore implements CaptureStore {
  private readonly records = new Map<string, CaptureRecord>();
  private readonly data = new Map<string, Map<number, Uint8Array<ArrayBuffer>>>();

  async save(record: CaptureRecord): Promise<void> {
    this.records.set(record.id, record);
  }

  async list(): Promise<CaptureRecord[]> {
    return [...this.records.values()];
  }

  async put(capture: string, seq: number, data: Uint8Array): Promise<void> {
    const batches = this.data.get(capture) ?? new Map<number, Uint8Array<ArrayBuffer>>();
    batches.set(seq, data.slice());
    this.data.set(capture, batches);
  }

  async batches(capture: string): Promise<Uint8Array<ArrayBuffer>[]> {
    const entries = [...(this.data.get(capture) ?? [])].sort(([a], [b]) => a - b);
    return contiguous(entries.map(([seq]) => [capture, seq]), entries.map(([, data]) => data));
  }

  async erase(capture: string): Promise<void> {
    this.records.delete(capture);
    this.data.delete(capture);
  }
}

export async function openStore(): Promise<CaptureStore & { durable: boolean }> {
  try {
    return Object.assign(await IndexedStore.open(), { durable: true });
  } catch {
    return Object.assign(new MemoryStore(), { durable: false });
  }
}

// A batch may be missing when the tab died between two writes; what follows a
// hole cannot be chained, so it counts as never recorded.
function contiguous(keys: [string, number][], values: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer>[] {
  const hole = keys.findIndex(([, seq], i) => seq !== i);
  return hole < 0 ? values : values.slice(0, hole);
}

function range(capture: string): IDBKeyRange {
  return IDBKeyRange.bound([capture, 0], [capture, Number.MAX_SAFE_INTEGER]);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('storage failed'));
  });
}
