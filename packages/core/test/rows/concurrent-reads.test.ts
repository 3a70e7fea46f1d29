import { expect, test } from '@jest/globals';
import { fromColumns, ndarray, type DataRef } from '@dataref/core';
import { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { readEach } from '../../dist/store/read-each.js';
import type { ObjectReader } from '../../dist/store/object-store.js';

/** A store whose reads take a turn of the event loop, and fail on a closed reader, as those of a file do. */
class SlowStore extends MemoryStore {
  openReaders = 0;

  override async open(key: string): Promise<ObjectReader | undefined> {
    const reader = await super.open(key);
    if (reader === undefined) return undefined;
    this.openReaders++;
    let closed = false;
    const read = async (into: Uint8Array, position: number): Promise<void> => {
      if (closed) throw new Error('read after close');
      await new Promise((resolve) => setImmediate(resolve));
      if (closed) throw new Error('closed while reading');
      await reader.read(into, position);
    };
    return {
      byteLength: reader.byteLength,
      read,
      readRanges: (ranges, options) => readEach(read, ranges, options),
      close: async () => {
        if (!closed) this.openReaders--;
        closed = true;
      },
    };
  }
}

const COUNT = 200;
const RECORD_BYTES = 40;

async function storedIn(store: MemoryStore, limitBytes: number): Promise<DataRef> {
  const storage = new DatasetStorage({
    store,
    identity: { self: () => null, isRunning: () => true },
    budget: { limitBytes, isExplicit: true, usedBytes: 0 },
    verifyReads: true,
    nonce: () => '0123456789abcdef',
  });
  const x = Uint8Array.from({ length: COUNT * RECORD_BYTES }, (_, i) => Math.floor(i / RECORD_BYTES));
  return storage.submit(fromColumns({ x: ndarray(x, [COUNT, RECORD_BYTES]), label: new Int32Array(COUNT) }), 'a', '1');
}

test.each([0, 2 ** 20])(
  'reads at once leave each other’s files open and none when all are done (limit %d)',
  async (limit) => {
    const store = new SlowStore();
    const dataref = await storedIn(store, limit);
    const first = async (index: number) => (await dataref.at(index)).x.data[0];
    const all = async () => {
      const { columns } = await dataref.read(Array.from({ length: COUNT }, (_, i) => (i * 7) % COUNT));
      return Array.from({ length: COUNT }, (_, i) => columns.x.data[i * RECORD_BYTES]);
    };
    const streamed = async () => {
      const indices: number[] = [];
      for await (const batch of dataref.stream().batch(16)) {
        expect(batch.columns.x.data[0]).toBe(batch.indices[0]);
        indices.push(...Array.from(batch.indices));
      }
      return indices;
    };
    const strided = Array.from({ length: COUNT }, (_, i) => (i * 7) % COUNT);
    expect(await Promise.all([first(3), all()])).toEqual([3, strided]);
    expect(store.openReaders).toBe(0);
    const [one, many, epoch, another] = await Promise.all([first(3), all(), streamed(), first(199)]);
    expect([one, another]).toEqual([3, 199]);
    expect(many).toEqual(strided);
    expect(epoch).toEqual(Array.from({ length: COUNT }, (_, i) => i));
    expect(store.openReaders).toBe(0);
  },
);

test('an aborted read waits for what it began, so that nothing fails behind its back', async () => {
  const store = new SlowStore();
  const dataref = await storedIn(store, 2 ** 20);
  await dataref.at(0); // now the head is in memory
  const abort = new AbortController();
  const reading = dataref.read(
    Array.from({ length: COUNT }, (_, i) => COUNT - 1 - i),
    { signal: abort.signal },
  );
  setImmediate(() => abort.abort());
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  expect(store.openReaders).toBe(0);
});
