import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { concat, field, fromColumns, fromRecords, ndarray, type DataRef } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { announceSeed, runs } from '../scale.js';
import { tempFolder } from '../temp-folder.js';
import { anyDataset, exactly } from './any-dataset.js';

jest.setTimeout(600_000);
const seed = announceSeed('storage/round-trip');
const storage = new FileStorage(tempFolder());

async function recordsOf(dataref: DataRef): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const record of dataref.stream()) records.push(record);
  return records;
}

async function* slowly<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

describe('what is submitted comes back, with its structure, dtypes and shapes', () => {
  test('any records of any schema', async () => {
    await fc.assert(
      fc.asyncProperty(anyDataset(12), async ({ schema, records }) => {
        const submitted = await storage.submit(records, 'any', '1', { schema });
        const fetched = await storage.fetch('any', '1');
        expect(exactly(fetched.schema)).toBe(exactly(schema));
        expect(fetched.length).toBe(records.length);
        expect(fetched.fingerprint).toBe(submitted.fingerprint);
        expect(exactly(await recordsOf(fetched))).toBe(exactly(records));
        expect(exactly((await submitted.read([...records.keys()])).records())).toBe(exactly(records));
        expect(await storage.verify('any', '1')).toEqual({ ok: true, problems: [] });
      }),
      { seed, numRuns: runs(300) },
    );
  });

  test('the same from an iterable, an async iterable, and any kind of DataRef, with one fingerprint', async () => {
    await fc.assert(
      fc.asyncProperty(anyDataset(8), fc.nat({ max: 8 }), async ({ schema, records }, at) => {
        const options = { schema };
        const inMemory = await fromRecords(records, options);
        // Not a Set, which makes 0 of −0.
        const iterable = { [Symbol.iterator]: () => records[Symbol.iterator]() };
        const stored = await storage.submit(iterable, 'a', '1', options);
        const sources: DataRef[] = [
          await storage.submit(slowly(records), 'b', '1', options),
          await storage.submit(inMemory, 'b', '2'),
          await storage.submit(stored, 'b', '3'),
          await storage.submit(concat(inMemory.slice(0, at), stored.slice(at)), 'b', '4'),
          await storage.submit(inMemory, 'a', '1'),
        ];
        expect(inMemory.fingerprint).toBe(stored.fingerprint);
        for (const source of sources) {
          expect(source.fingerprint).toBe(stored.fingerprint);
          expect(exactly(await recordsOf(source))).toBe(exactly(records));
        }
      }),
      { seed, numRuns: runs(100) },
    );
  });

  test('slices and selections are stored alone', async () => {
    const whole = fromColumns({
      text: Array.from({ length: 50 }, (_, i) => 'x'.repeat(i)),
      n: Int16Array.from({ length: 50 }, (_, i) => i),
    });
    const stored = await storage.submit(whole.slice(20, 30).select('text'), 'slice', '1');
    expect(await recordsOf(stored)).toEqual(Array.from({ length: 10 }, (_, i) => ({ text: 'x'.repeat(i + 20) })));
    expect((await storage.info('slice', '1')).byteLength).toBeLessThan(3000);
  });

  test('records without a schema are stored as their first one says', async () => {
    const record = {
      number: 1.5,
      bigint: -1n,
      boolean: true,
      text: 'ä',
      bytes: Uint8Array.of(1, 2),
      vector: Float32Array.of(1, 2, 3),
      clamped: Uint8ClampedArray.of(1, 2),
      tensor: ndarray(Int16Array.of(1, 2, 3, 4), [2, 2]),
      tuple: [1, 'two'],
    };
    const stored = await storage.submit([record, { ...record, text: '' }], 'inferred', '1');
    expect(stored.schema).toEqual({
      number: field('float64'),
      bigint: field('int64'),
      boolean: field('bool'),
      text: field('string'),
      bytes: field('bytes'),
      vector: field('float32', [3]),
      clamped: field('uint8', [2]),
      tensor: field('int16', [2, 2]),
      tuple: [field('float64'), field('string')],
    });
    expect(exactly(await stored.at(0))).toBe(
      exactly({
        ...record,
        vector: ndarray(record.vector, [3]),
        clamped: ndarray(Uint8Array.of(1, 2), [2]),
      }),
    );
  });

  test('an empty dataset, with a schema', async () => {
    const schema = { image: field('uint8', [28, 28]), text: field('string'), boxes: field('float32', [null, 4]) };
    const stored = await storage.submit([], 'empty', '1', { schema });
    expect(stored.length).toBe(0);
    expect(await recordsOf(await storage.fetch('empty', '1', { schema }))).toEqual([]);
    expect((await stored.read([])).columns.image).toMatchObject({ dtype: 'uint8', shape: [0, 28, 28] });
    expect(await storage.verify('empty', '1')).toEqual({ ok: true, problems: [] });
    const again = await storage.submit(stored, 'empty', '2');
    expect(again.fingerprint).toBe(stored.fingerprint);
    expect((await storage.submit(concat(stored, again), 'empty', '3')).length).toBe(0);
  });

  test('every length around the edges of bytes and blocks, from 1 to 33 bytes a record', async () => {
    for (let width = 1; width <= 33; width++) {
      const length = 1 + ((width * 7) % 40);
      const data = Uint8Array.from({ length: length * width }, (_, i) => i * 7 + width);
      const stored = await storage.submit(fromColumns({ a: ndarray(data, [length, width]) }), 'width', String(width));
      const { columns } = await stored.read(Array.from({ length }, (_, i) => i));
      expect((columns as { a: { data: Uint8Array } }).a.data).toEqual(data);
    }
  });

  test('half a surrogate pair is refused, naming the record and the cure', async () => {
    const records = ['fine', 'a\ud800b'];
    await expect(storage.submit(records, 'text', '1')).rejects.toMatchObject({
      code: 'LOSSY_CAST',
      message: expect.stringMatching(/record 1: value .*toWellFormed/u),
    });
    expect(await storage.has('text', '1')).toBe(false);
  });
});
