import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { concat, defineDataRef, field, fromColumns, fromRecords, openStorage, rewind } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { failure } from '../expect-error.js';
import { gather, range } from '../stream/gather.js';

let folder: string;
let storage: InstanceType<typeof FileStorage>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataref-arguments-'));
  storage = new FileStorage(folder);
  await storage.submit(range(3), 'd', '1');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Everything that takes options with a signal, by the name that its errors have. */
const calls: Readonly<Record<string, (options: never) => unknown>> = {
  submit: (options) => storage.submit(range(3), 'd', '1', options),
  fetch: (options) => storage.fetch('d', '1', options),
  has: (options) => storage.has('d', '1', options),
  info: (options) => storage.info('d', '1', options),
  list: (options) => gather(storage.list(options)),
  delete: (options) => storage.delete('d', '1', options),
  verify: (options) => storage.verify('d', '1', options),
  vacuum: (options) => storage.vacuum(options),
  copy: (options) => storage.copy('d', '1', new ObjectStorage(new MemoryStore()), options),
  cacheable: (options) => storage.cacheable('d', '1', () => range(3), options),
  whole: (options) => storage.writer('w', '1', { part: 0, of: 1 }).whole(options),
  at: (options) => range(3).at(0, options),
  read: (options) => range(3).read([0], options),
  where: (options) => range(3).where(() => true, options),
};
const withProgress = ['submit', 'verify', 'vacuum', 'copy', 'cacheable', 'whole', 'where'];
const attempt = async (call: string, options: unknown): Promise<unknown> => calls[call]?.(options as never);

describe.each(Object.keys(calls))('%s', (call) => {
  test.each([[null], [5], ['x']])('refuses %j for options', async (options) => {
    const refusal = failure('INVALID_ARGUMENT', new RegExp(`^${call}: options must be an object, got`, 'u'));
    await expect(attempt(call, options)).rejects.toEqual(refusal);
  });

  test.each([[{}], [5], [null], [{ aborted: false }]])('refuses %j for a signal, by name', async (signal) => {
    const refusal = failure('INVALID_ARGUMENT', new RegExp(`^${call}: signal must be an AbortSignal, got`, 'u'));
    await expect(attempt(call, { signal })).rejects.toEqual(refusal);
  });

  test('takes a signal, and ends with its reason; the dataset is as it was', async () => {
    const reason = new Error('enough');
    await expect(attempt(call, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await storage.info('d', '1')).toMatchObject({ length: 3 });
  });
});

test.each(withProgress)('%s refuses a number for onProgress, by name', async (call) => {
  const refusal = failure('INVALID_ARGUMENT', new RegExp(`^${call}: onProgress must be a function, got 5`, 'u'));
  await expect(attempt(call, { onProgress: 5 })).rejects.toEqual(refusal);
});

test('storages, fromRecords and rewind refuse null for options, by name', async () => {
  const none = null as never;
  const refusal = (what: string) => failure('INVALID_ARGUMENT', new RegExp(`^${what}: options must be an object`, 'u'));
  expect(() => new FileStorage(folder, none)).toThrow(refusal('FileStorage'));
  expect(() => new ObjectStorage(new MemoryStore(), none)).toThrow(refusal('ObjectStorage'));
  expect(() => rewind(range(3).stream().state, none)).toThrow(refusal('rewind'));
  expect(() => rewind(range(3).stream().state, undefined as never)).toThrow(
    failure('INVALID_ARGUMENT', /rewind: records must be an integer ≥ 0, got undefined/),
  );
  await expect(fromRecords([{ a: 1 }], none)).rejects.toEqual(refusal('fromRecords'));
  await expect(openStorage(`file://${folder}`, none)).rejects.toEqual(refusal('openStorage'));
});

test('a directory with NUL, or a bigint for ifExists, is refused', async () => {
  expect(() => new FileStorage('/tmp/a\0b')).toThrow(failure('INVALID_ARGUMENT', /needs a directory, got ".*"/));
  expect(() => new FileStorage(1n as never)).toThrow(failure('INVALID_ARGUMENT', /needs a directory, got 1n/));
  await expect(storage.submit(range(1), 'e', '1', { ifExists: 1n as never })).rejects.toEqual(
    failure('INVALID_ARGUMENT', /ifExists must be .*, got 1n/),
  );
});

describe('messages show what was given', () => {
  const spiteful = { toString: 1, valueOf: 1 } as never;
  const define = (read: () => unknown) =>
    defineDataRef({ length: 2, schema: { a: field('int32') }, fingerprint: 'f', read: read as never });

  test.each([
    [{ a: new Int32Array(2) }, /asked for 2 records and gave an object/],
    [spiteful, /gave an object/],
    [undefined, /gave undefined/],
    [[{ a: 1 }], /gave 1;/],
  ])('by a read of one’s own: %j', async (given, message) => {
    await expect(
      gather(
        define(() => given)
          .stream()
          .batch(2),
      ),
    ).rejects.toEqual(failure('SCHEMA_MISMATCH', message));
  });

  test('by counts, sizes, bounds and fractions that are objects', () => {
    const refusal = failure('INVALID_ARGUMENT', /an object/);
    expect(() => defineDataRef({ length: spiteful, schema: field('int8'), fingerprint: 'f', read: () => [] })).toThrow(refusal); // prettier-ignore
    expect(() => range(3).stream({ shuffle: true, shuffleSeed: spiteful })).toThrow(refusal);
    expect(() => field('int8', [spiteful])).toThrow(refusal);
    expect(() => field(spiteful)).toThrow(refusal);
    expect(() => range(3).slice(spiteful)).toThrow(refusal);
    expect(() => range(3).split({ a: spiteful }, { seed: 1 })).toThrow(refusal);
    expect(() => concat(spiteful)).toThrow(failure('INVALID_ARGUMENT', /expected a DataRef/));
  });
});

test('a padded batch that no runtime can hold is refused with its size', async () => {
  const size = 2 ** 31 - 1;
  const wide = fromColumns({ a: { dtype: 'float64' as const, shape: [2, 2 ** 20], data: new Float64Array(2 ** 21) } });
  const refusal = failure('MEMORY_LIMIT', /would have \d{16,} bytes.*smaller/);
  await expect(gather(wide.stream().batch(size, { remainder: 'pad' }))).rejects.toEqual(refusal);
  await expect(gather(wide.stream().globalBatch(size, { remainder: 'pad' }))).rejects.toEqual(refusal);
});
