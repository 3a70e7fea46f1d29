import { describe, expect, test } from '@jest/globals';
import { field, fromRecords, ndarray, type ErrorCode, type Schema } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { listing, tempFolder } from '../temp-folder.js';

/** A generator that counts how often it was returned and tells when it is asked for record `at`. */
function* counted(length: number, calls: { returned: number }, onRecord: (i: number) => void = () => undefined) {
  let isDone = false;
  try {
    for (let i = 0; i < length; i++) {
      onRecord(i);
      yield { i, text: `record ${i}` };
    }
    isDone = true;
  } finally {
    if (!isDone) calls.returned++;
  }
}

async function withOldDataset() {
  const folder = tempFolder();
  const storage = new FileStorage(folder);
  const old = await storage.submit([{ i: -1, text: 'old' }], 'x', '1');
  await storage.vacuum();
  const before = listing(folder);
  return {
    storage,
    expectUntouched: async (): Promise<void> => {
      expect(listing(folder).filter((path) => path !== '.tmp~/')).toEqual(before);
      expect((await storage.fetch('x', '1')).fingerprint).toBe(old.fingerprint);
      expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
      await storage.vacuum({ graceMs: 0 });
      expect(listing(folder)).toEqual(before);
    },
  };
}

describe('a submit that does not come to its end leaves the old dataset, and nothing else', () => {
  test('aborted between records, by an iterable that never waits', async () => {
    const { storage, expectUntouched } = await withOldDataset();
    const calls = { returned: 0 };
    const controller = new AbortController();
    const reason = new Error('enough');
    const data = counted(1e9, calls, (i) => i === 5000 && controller.abort(reason));
    await expect(storage.submit(data, 'x', '1', { signal: controller.signal })).rejects.toBe(reason);
    expect(calls.returned).toBe(1);
    await expectUntouched();
  });

  test('aborted by a timer, though the iterable never waits', async () => {
    const { storage, expectUntouched } = await withOldDataset();
    const calls = { returned: 0 };
    const signal = AbortSignal.timeout(30);
    await expect(storage.submit(counted(1e9, calls), 'x', '1', { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(calls.returned).toBe(1);
    await expectUntouched();
  });

  test('aborted while it waits for a record that never comes', async () => {
    const { storage, expectUntouched } = await withOldDataset();
    async function* stuck() {
      yield { i: 0, text: '' };
      await new Promise(() => undefined);
    }
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    await expect(storage.submit(stuck(), 'x', '1', { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    await expectUntouched();
  });

  test('aborted before it began: no record is taken', async () => {
    const { storage, expectUntouched } = await withOldDataset();
    let taken = 0;
    const data = counted(10, { returned: 0 }, () => taken++);
    await expect(storage.submit(data, 'x', '1', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(taken).toBe(0);
    await expectUntouched();
  });

  test('the records end with an error of their own, which is the cause of the one that says where', async () => {
    const { storage, expectUntouched } = await withOldDataset();
    const own = new Error('the camera is off');
    const data = counted(10, { returned: 0 }, (i) => {
      if (i === 7) throw own;
    });
    const after = (message: RegExp) => ({ code: 'MAP_FAILED', message: expect.stringMatching(message), cause: own });
    await expect(storage.submit(data, 'x', '1')).rejects.toMatchObject(after(/after record 6: the camera is off/u));
    async function* off(): AsyncGenerator<number> {
      await Promise.reject(own);
      yield 1;
    }
    await expect(storage.submit(off(), 'x', '1')).rejects.toMatchObject(after(/before the first record: the camera/u));
    await expectUntouched();
  });

  test('onProgress throws', async () => {
    const { storage, expectUntouched } = await withOldDataset();
    const calls = { returned: 0 };
    const own = new Error('no terminal');
    const onProgress = () => {
      throw own;
    };
    await expect(storage.submit(counted(5000, calls), 'x', '1', { onProgress })).rejects.toBe(own);
    expect(calls.returned).toBe(1);
    await expectUntouched();
  });

  test('under ifExists: error, where there is one already', async () => {
    const { storage, expectUntouched } = await withOldDataset();
    await expect(storage.submit([{ i: 1, text: '' }], 'x', '1', { ifExists: 'error' })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      message: expect.stringMatching(/x@1 already; use another version/u),
    });
    await expectUntouched();
  });

  test('of many at once under ifExists: error, one succeeds', async () => {
    const storage = new FileStorage(tempFolder());
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) => storage.submit([i], 'x', '1', { ifExists: 'error' })),
    );
    const won = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await (await storage.fetch('x', '1')).at(0)).toBe(won);
  });

  const fixed = { a: field('uint8', [3]) };
  const bad: [string, unknown[], Schema | undefined, ErrorCode, RegExp][] = [
    ['null, in the first record', [{ a: null }], undefined, 'NULL_VALUE', /record 0: a is null/u],
    [
      'undefined, in a later one',
      [{ a: 1 }, { a: undefined }],
      undefined,
      'NULL_VALUE',
      /record 1: a is null or undefined/u,
    ],
    ['a record that is null', [1, null], undefined, 'NULL_VALUE', /record 1/u],
    ['a first record that is null', [null], undefined, 'NULL_VALUE', /record 0: the record is null/u],
    ['null in a nested column', [{ p: { q: [1, null] } }], undefined, 'NULL_VALUE', /record 0: p\.q\.1 is null/u],
    [
      'a missing column',
      [{ a: 1, b: 2 }, { a: 1 }],
      undefined,
      'SCHEMA_MISMATCH',
      /record 1: .*column "b" is missing/u,
    ],
    [
      'a column too many',
      [{ a: 1 }, { a: 1, c: 2 }],
      undefined,
      'SCHEMA_MISMATCH',
      /record 1: .*column "c" is not in the schema/u,
    ],
    [
      'another dtype',
      [{ a: 1 }, { a: 'x' }],
      undefined,
      'SCHEMA_MISMATCH',
      /record 1: a is float64 and needs a number, got "x"/u,
    ],
    [
      'another array class',
      [Int8Array.of(1), Int16Array.of(1)],
      undefined,
      'SCHEMA_MISMATCH',
      /record 1: value should be int8\[1\], got an array of int16/u,
    ],
    [
      'ragged data in a fixed column',
      [{ a: Uint8Array.of(1, 2, 3) }, { a: Uint8Array.of(1) }],
      fixed,
      'RAGGED',
      /record 1: a has the shape \[1\], the schema says \[3\].*field\('uint8', \[null\]\)/u,
    ],
    [
      'another rank',
      [ndarray(Int8Array.of(1, 2), [2]), ndarray(Int8Array.of(1, 2), [1, 2])],
      undefined,
      'RAGGED',
      /record 1: value has the shape \[1, 2\]/u,
    ],
    [
      'an integer out of range',
      [{ a: 300 }],
      { a: field('uint8') },
      'LOSSY_CAST',
      /record 0: a is uint8, which cannot hold 300/u,
    ],
    ['a fraction', [{ a: 1.5 }], { a: field('int32') }, 'LOSSY_CAST', /cannot hold 1\.5/u],
    ['a bigint out of range', [2n ** 63n], undefined, 'LOSSY_CAST', /record 0: value is int64/u],
    ['a number for int64', [{ a: 1 }], { a: field('int64') }, 'SCHEMA_MISMATCH', /a bigint, such as 1n/u],
    ['a Date', [{ at: new Date(0) }], undefined, 'SCHEMA_MISMATCH', /record 0: at is a Date, which has no dtype/u],
    ['a Map', [new Map([['a', 1]])], undefined, 'SCHEMA_MISMATCH', /record 0: the record is a Map/u],
    ['a function', [{ f: () => 1 }], undefined, 'SCHEMA_MISMATCH', /record 0: f is a function/u],
    ['no record, and no schema', [], undefined, 'EMPTY', /no record to take the schema from.*\{ schema \}/u],
    ['a record without columns', [{}], undefined, 'INVALID_ARGUMENT', /at least one column/u],
    [
      'a column called __proto__',
      [JSON.parse('{"__proto__": 1}')],
      undefined,
      'INVALID_ARGUMENT',
      /cannot be called __proto__/u,
    ],
    [
      'two columns of one name',
      [{ 'a.b': 1, a: { b: 2 } }],
      undefined,
      'INVALID_ARGUMENT',
      /two columns are called "a\.b"/u,
    ],
  ];

  test.each(bad)('bad input: %s', async (_, records, schema, code, message) => {
    const { storage, expectUntouched } = await withOldDataset();
    let returned = 0;
    const iterable = {
      [Symbol.iterator]() {
        const items = records[Symbol.iterator]();
        return {
          next: () => items.next(),
          return: () => {
            returned++;
            return { done: true as const, value: undefined };
          },
        };
      },
    };
    const options = schema === undefined ? {} : { schema };
    await expect(storage.submit(iterable as never, 'x', '1', options as never)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(returned).toBe(records.length === 0 ? 0 : 1);
    await expectUntouched();
  });
});

describe('a submit that comes to its end', () => {
  test('replaces the old dataset for those who fetch it from then on; readers of the old one stay on it', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder, { memoryLimitBytes: 0 });
    await storage.submit(await fromRecords(Array.from({ length: 100 }, (_, i) => i)), 'x', '1');
    const old = await storage.fetch('x', '1');
    const iterator = old.stream()[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toBe(0);
    await storage.submit(
      Array.from({ length: 100 }, (_, i) => -i),
      'x',
      '1',
    );
    await storage.vacuum();
    expect((await iterator.next()).value).toBe(1);
    expect(await old.at(99)).toBe(99);
    expect(await (await storage.fetch('x', '1')).at(99)).toBe(-99);
    await storage.vacuum({ graceMs: 0 });
    expect((await iterator.next()).value).toBe(2); // the file is open yet
    await iterator.return?.();
    const gone = await storage.fetch('x', '1');
    await storage.delete('x', '1');
    await expect(gone.at(0)).rejects.toMatchObject({
      code: 'GENERATION_GONE',
      message: expect.stringMatching(/x@1: part 0 is gone.*Fetch it again/u),
    });
  });

  test('takes a stream of batches that were mapped, though nobody knows its schema before its first record', async () => {
    const storage = new FileStorage(tempFolder());
    const data = await fromRecords([{ x: 1 }, { x: 2 }, { x: 3 }]);
    const stream = data
      .stream()
      .batch(2)
      .map(({ columns }) => ({ y: columns.x.data.map((x: number) => 2 * x) }))
      .unbatch();
    expect(await (await storage.submit(stream, 'x', '1')).at(2)).toEqual({ y: 6 });
  });

  test('can take its data from the dataset that it replaces', async () => {
    const storage = new FileStorage(tempFolder());
    await storage.submit([1, 2, 3, 4], 'x', '1');
    await storage.submit((await storage.fetch('x', '1')).slice(1, 3), 'x', '1');
    expect((await (await storage.fetch('x', '1')).read([0, 1])).records()).toEqual([2, 3]);
  });
});
