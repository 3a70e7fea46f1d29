import { describe, expect, jest, test } from '@jest/globals';
import { fromColumns, ndarray, type Batch, type DataRef } from '@dataref/core';
import * as fc from 'fast-check';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { failure } from '../expect-error.js';
import { announceSeed, runs } from '../scale.js';
import { gather } from './gather.js';
import { storageOver, storeInParts } from './store-in-parts.js';

const seed = announceSeed('stream/buffers');
jest.setTimeout(600_000);
const LENGTH = 60;

const columns = {
  x: Float64Array.from({ length: LENGTH }, (_, i) => i),
  image: ndarray(
    Uint8Array.from({ length: LENGTH * 12 }, (_, i) => i >> 2),
    [LENGTH, 3, 4],
  ),
  name: Array.from({ length: LENGTH }, (_, i) => `name ${i}`),
};

async function opened(kind: 'memory' | 'resident' | 'positional'): Promise<DataRef> {
  if (kind === 'memory') return fromColumns(columns);
  const store = new MemoryStore();
  await storeInParts(store, fromColumns(columns), 'data', '1', 25);
  const dataref = await storageOver(store, kind).fetch('data', '1');
  return dataref;
}

function expectWhole(batch: Batch): void {
  const { indices } = batch;
  const wanted = Array.from(indices, (index) => ({ x: index, name: columns.name[index] }));
  const { x, image, name } = batch.columns;
  expect(wanted).toEqual(Array.from(indices, (_, i) => ({ x: x.data[i], name: name[i] })));
  const pixels = Array.from(indices).flatMap((index) => [...columns.image.data.subarray(index * 12, index * 12 + 12)]);
  const padding = Array.from({ length: (batch.length - batch.validLength) * 12 }, () => 0);
  expect([...image.data]).toEqual([...pixels, ...padding]);
}

test('no buffer that is still in use is handed out again', async () => {
  const anyCase = fc.record({
    kind: fc.constantFrom('memory' as const, 'resident' as const, 'positional' as const),
    size: fc.integer({ min: 1, max: 17 }),
    remainder: fc.constantFrom('keep' as const, 'pad' as const),
    prefetch: fc.nat({ max: 3 }),
    /** For each batch after how many more it is released; never where it is negative. */
    released: fc.array(fc.integer({ min: -3, max: 4 }), { minLength: 1, maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ kind, size, remainder, prefetch, released }) => {
      const batches = (await opened(kind)).stream({ shuffle: true, shuffleSeed: 1 }).repeat(3).batch(size, { remainder }); // prettier-ignore
      const held: { batch: Batch; until: number }[] = [];
      for await (const batch of prefetch === 0 ? batches : batches.prefetch({ batches: prefetch })) {
        expectWhole(batch);
        const after = released[batch.step % released.length] as number;
        held.push({ batch, until: after < 0 ? Infinity : batch.step + after });
        for (const item of held.splice(0)) {
          if (item.until <= batch.step) item.batch.release();
          else held.push(item);
        }
      }
      for (const { batch } of held) expectWhole(batch);
    }),
    { seed, numRuns: runs(300) },
  );
});

describe('release', () => {
  test('gives the buffers to a later batch of the same size', async () => {
    const stream = (await opened('memory')).stream().batch(10);
    const buffers = new Set<ArrayBufferLike>();
    for await (const batch of stream) {
      buffers.add(batch.columns.image.data.buffer);
      batch.release();
    }
    expect(buffers.size).toBe(1);
  });

  test('makes the batch unusable, and may come twice', async () => {
    const [batch] = await gather((await opened('memory')).stream().batch(10));
    const { state } = batch!;
    batch!.release();
    batch![Symbol.dispose]();
    const refused = failure('USE_AFTER_RELEASE', /batch 0 of epoch 0/);
    expect(() => batch!.columns).toThrow(refused);
    expect(() => batch!.records()).toThrow(refused);
    expect(batch!.state).toEqual(state);
    expect([batch!.length, [...(batch!.indices as Uint32Array)].length]).toEqual([10, 10]);
  });

  test('of a batch released twice does not lend one buffer to two', async () => {
    const batches = (await opened('memory')).stream().repeat().batch(10)[Symbol.asyncIterator]();
    const next = async (): Promise<Batch> => (await batches.next()).value as Batch;
    const first = await next();
    first.release();
    first.release();
    const [second, third] = [await next(), await next()];
    expect(second.columns.x.data.buffer).not.toBe(third.columns.x.data.buffer);
    expectWhole(second);
    expectWhole(third);
  });
});

describe('by default', () => {
  test('each batch has arrays of its own, for good', async () => {
    const all = await gather((await opened('resident')).stream().repeat(4).batch(10));
    expect(new Set(all.map((batch) => batch.columns.image.data.buffer)).size).toBe(all.length);
    all.forEach(expectWhole);
  });

  test('arrays are ordinary: they can be sent to another thread', async () => {
    const [batch] = await gather((await opened('resident')).stream().batch(10));
    const { data } = batch!.columns.image as { data: Uint8Array };
    const copy = structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
    expect([copy.length, data.length]).toEqual([120, 0]);
  });
});

describe('reuse', () => {
  test.each([0, 3])('true writes the arrays anew when the next batch is asked for (prefetch %d)', async (ahead) => {
    const plain = (await opened('resident')).stream().repeat(3).batch(10, { reuse: true });
    const buffers = new Set<ArrayBufferLike>();
    let last: Batch | undefined;
    for await (const batch of ahead === 0 ? plain : plain.prefetch({ batches: ahead })) {
      expectWhole(batch);
      if (last !== undefined) expect(() => last?.columns).toThrow(failure('USE_AFTER_RELEASE', /reuse/));
      buffers.add(batch.columns.image.data.buffer);
      last = batch;
    }
    expect(buffers.size).toBeLessThanOrEqual(2 + ahead);
  });

  test("'checked' empties them, so that wrong use shows", async () => {
    const stream = (await opened('memory')).stream().batch(10, { reuse: 'checked' });
    let kept: Uint8Array | undefined;
    for await (const batch of stream) {
      if (kept !== undefined) expect(kept.length).toBe(0);
      kept = batch.columns.image.data;
      expect(kept?.length).toBe(120);
    }
  });

  test('has no part in the state', async () => {
    const dataref = await opened('memory');
    const made = dataref.stream().batch(10, { reuse: true });
    await gather(made, 2);
    const resumed = dataref.stream().batch(10).resume(made.state);
    expect((await gather(resumed))[0]?.step).toBe(2);
  });
});
