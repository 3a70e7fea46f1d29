import { describe, expect, test } from '@jest/globals';
import { type DataRef, fromColumns, ndarray, openStorage, type OpenStorageOptions, type Storage } from '@dataref/core';
import type { ObjectStore } from '@dataref/core/store';
import { resumeSuite } from '@dataref/core/testing';
import { failure } from '../expect-error.js';
import { storeInParts } from '../stream/store-in-parts.js';
import { listing, tempFolder } from '../temp-folder.js';

/** A kind of buckets, and one server of them. */
export interface Buckets {
  readonly scheme: 's3' | 'gs';
  /** Makes a bucket. @returns its name */
  readonly newBucket: () => Promise<string>;
  readonly storageIn: (bucket: string, options?: BucketOptions) => Storage;
  /** All that is in a bucket. */
  readonly storeOf: (bucket: string) => ObjectStore;
  /** What `openStorage` needs to reach the server. */
  readonly openOptions: OpenStorageOptions;
  /** Uploads that were begun, and neither ended nor aborted. */
  readonly unfinishedUploads?: (bucket: string) => Promise<number>;
  /** What is said of a bucket that is not there. */
  readonly noBucket: RegExp;
}

export interface BucketOptions {
  readonly prefix?: string;
  readonly memoryLimitBytes?: number;
  readonly read?: 'parts' | 'auto';
  readonly cache?: { readonly directory: string; readonly limitBytes: number };
}

interface Row {
  readonly id: number;
  readonly image: Uint8Array;
}

const ROW_BYTES = 65_536;
/** Above one part of 64 MiB. */
const ROWS = 1100;

/** Image of record i, which no other record equals. */
function image(i: number): Uint8Array {
  const bytes = new Uint8Array(ROW_BYTES).fill(i % 251);
  new DataView(bytes.buffer).setUint32(0, i);
  return bytes;
}

function* rows(count: number): Generator<Row> {
  for (let id = 0; id < count; id++) yield { id, image: image(id) };
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Reads `count` records in batches of 64 of a shuffled stream, each of which must be right. @returns how many different ones */
async function readShuffled(dataref: DataRef, count: number, shuffleSeed: number): Promise<number> {
  const seen = new Set<number>();
  for await (const batch of dataref.stream({ shuffle: true, shuffleSeed }).batch(64)) {
    for (const record of batch.records() as unknown as Row[]) {
      expect(Buffer.compare(record.image, image(record.id))).toBe(0);
      seen.add(record.id);
    }
    if (seen.size >= count) break;
  }
  return seen.size;
}

/** What a storage in buckets promises. */
export function bucketStorageSuite(buckets: Buckets): void {
  const { scheme, newBucket, storageIn, storeOf, openOptions } = buckets;

  async function expectEmpty(bucket: string): Promise<void> {
    expect(await all(storeOf(bucket).list(''))).toEqual([]);
    expect((await buckets.unfinishedUploads?.(bucket)) ?? 0).toBe(0);
  }

  test('a dataset of several parts is submitted, fetched, streamed, verified, listed, replaced, vacuumed and deleted', async () => {
    const bucket = await newBucket();
    const storage = storageIn(bucket, { prefix: 'team/data' });
    const submitted = await storage.submit(rows(ROWS), 'images', '1.0');
    expect(submitted.length).toBe(ROWS);
    const fetched = await storageIn(bucket, { prefix: 'team/data/', memoryLimitBytes: 0 }).fetch('images', '1.0');
    expect(fetched.fingerprint).toBe(submitted.fingerprint);
    expect(await readShuffled(fetched, 256, 7)).toBe(256);
    expect(await storage.verify('images', '1.0')).toEqual({ ok: true, problems: [] });

    await expect(storage.submit(rows(3), 'images', '1.0', { ifExists: 'error' })).rejects.toEqual(
      failure('ALREADY_EXISTS', /images@1\.0/u),
    );
    await storage.submit(rows(3), 'images', '1.0');
    const infos = await all(storage.list());
    expect(infos.map(({ id, version, length }) => [id, version, length])).toEqual([['images', '1.0', 3]]);
    expect((await storage.vacuum({ graceMs: 0 })).bytesFreed).toBeGreaterThan(ROWS * ROW_BYTES);
    const keys = await all(storeOf(bucket).list(''));
    expect(keys.map(({ key }) => key.replace(/[0-9a-f]{16}/u, 'G')).toSorted()).toEqual([
      'team/data/images/1.0/data/G/00000000.arrow',
      'team/data/images/1.0/data/G/00000000.head',
      'team/data/images/1.0/dataset.json',
    ]);
    await expect(storage.fetch('images', '2.0')).rejects.toEqual(failure('NOT_FOUND', /there are versions 1\.0/u));
    expect([await storage.has('images', '1.0'), await storage.delete('images', '1.0')]).toEqual([true, true]);
    expect([await storage.has('images', '1.0'), await storage.delete('images', '1.0')]).toEqual([false, false]);
    await expect(storage.fetch('images', '1.0')).rejects.toEqual(
      failure('NOT_FOUND', new RegExp(`${scheme}://test-.*/team/data`, 'u')),
    );
    await expectEmpty(bucket);
  });

  test('a submit that is aborted or fails leaves nothing, no upload either', async () => {
    const bucket = await newBucket();
    const storage = storageIn(bucket);
    const controller = new AbortController();
    const reason = new Error('enough');
    const untilAborted = async function* (): AsyncGenerator<Row> {
      yield* rows(ROWS);
      controller.abort(reason);
      yield* rows(ROWS);
    };
    const { signal } = controller;
    await expect(storage.submit(untilAborted(), 'a', '1', { signal })).rejects.toBe(reason);
    const failing = function* (): Generator<Row> {
      yield* rows(ROWS);
      throw reason;
    };
    await expect(storage.submit(failing(), 'a', '1')).rejects.toThrow('enough');
    await expectEmpty(bucket);
  });

  describe('a stream over parts in a bucket keeps what streams promise', () => {
    const length = 23;
    let stored: Promise<string> | undefined;
    const store = async (): Promise<string> => {
      const bucket = await newBucket();
      const pixels = Uint8Array.from({ length: length * 40 }, (_, i) => (i * 7) & 255);
      const data = fromColumns({
        id: Int32Array.from({ length }, (_, i) => i),
        image: ndarray(pixels, [length, 40]),
        name: Array.from({ length }, (_, i) => 'n'.repeat(i % 5) + i),
      });
      await storeInParts(storeOf(bucket), data, 'small', '1', 6);
      return bucket;
    };
    const pipeline = async () => {
      const bucket = await (stored ??= store());
      const dataref = await storageIn(bucket, { memoryLimitBytes: 0 }).fetch('small', '1');
      return dataref.stream({ shuffle: true, shuffleSeed: 3, shardRank: 1, numShards: 2 }).repeat(2).batch(5);
    };
    for (const { name, run } of resumeSuite({ pipeline })) test(name, run);
  });

  test.each(['parts', 'auto'] as const)('parts are read through a cache on the disk (%s)', async (read) => {
    const bucket = await newBucket();
    const directory = tempFolder();
    await storageIn(bucket).submit(rows(128), 'a', '1');
    const options = { memoryLimitBytes: 0, read, cache: { directory, limitBytes: 2 ** 26 } };
    for (let epoch = 0; epoch < 2; epoch++)
      expect(await readShuffled(await storageIn(bucket, options).fetch('a', '1'), 128, epoch)).toBe(128);
    expect(listing(directory).length).toBeGreaterThan(0);
  });

  test('openStorage opens a bucket by its URL', async () => {
    const bucket = await newBucket();
    const storage = await openStorage(`${scheme}://${bucket}/a/b`, openOptions);
    await storage.submit([1, 2, 3], 'x', '1');
    expect((await all(storeOf(bucket).list('a/b/x/1/'))).length).toBeGreaterThan(1);
    await expect(openStorage(`${scheme}://key:secret@${bucket}/a`)).rejects.toEqual(
      failure('INVALID_ARGUMENT', new RegExp(`'${scheme}://bucket/prefix'$`, 'u')),
    );
  });

  test('who takes another bucket is told so', async () => {
    const storage = storageIn('there-is-no-such-bucket');
    for (const attempt of [
      () => storage.fetch('a', '1'),
      () => storage.submit([1], 'a', '1'),
      () => storage.vacuum(),
      () => all(storage.list()),
    ])
      await expect(attempt()).rejects.toEqual(failure('STORE_FAILED', buckets.noBucket));
  });
}
