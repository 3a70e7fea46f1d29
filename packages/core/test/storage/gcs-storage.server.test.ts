import { describe, expect, jest, test } from '@jest/globals';
import { fromColumns, ndarray, openStorage } from '@dataref/core';
import { GCSStorage, GCSStore } from '@dataref/core/gcs';
import { resumeSuite } from '@dataref/core/testing';
import { failure } from '../expect-error.js';
import { newBucket, storageOptionsOf } from '../servers/gcs-buckets.js';
import { describeWithServer, startFakeGcs } from '../servers/servers.js';
import { storeInParts } from '../stream/store-in-parts.js';

jest.setTimeout(600_000);

const ROW_BYTES = 65_536;
/** Above one part of 64 MiB. */
const ROWS = 1100;

/** Record i, which no other record equals. */
function row(i: number): Uint8Array {
  const bytes = new Uint8Array(ROW_BYTES).fill(i % 251);
  new DataView(bytes.buffer).setUint32(0, i);
  return bytes;
}

function* rows(count: number): Generator<{ id: number; image: Uint8Array }> {
  for (let id = 0; id < count; id++) yield { id, image: row(id) };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

await describeWithServer('GCSStorage over fake-gcs-server', startFakeGcs, (server) => {
  const storageOptions = storageOptionsOf(server);

  test('a dataset of several parts is submitted, fetched, streamed, verified, listed, replaced, vacuumed and deleted', async () => {
    const bucket = await newBucket(server);
    const storage = new GCSStorage({ bucket, prefix: 'team/data', storageOptions });
    const submitted = await storage.submit(rows(ROWS), 'images', '1.0');
    const others = new GCSStorage({ bucket, prefix: 'team/data/', storageOptions, memoryLimitBytes: 0 });
    const fetched = await others.fetch('images', '1.0');
    expect(fetched.fingerprint).toBe(submitted.fingerprint);
    const seen = new Set<number>();
    for await (const batch of fetched.stream({ shuffle: true, shuffleSeed: 7 }).batch(128)) {
      for (const record of batch.records() as { id: number; image: Uint8Array }[]) {
        expect(Buffer.compare(record.image, row(record.id))).toBe(0);
        seen.add(record.id);
      }
      if (seen.size === 256) break;
    }
    expect(seen.size).toBe(256);

    expect(await storage.verify('images', '1.0')).toEqual({ ok: true, problems: [] });
    await expect(storage.submit(rows(3), 'images', '1.0', { ifExists: 'error' })).rejects.toEqual(
      failure('ALREADY_EXISTS', /images@1\.0/u),
    );
    await storage.submit(rows(3), 'images', '1.0');
    const infos = await all(storage.list());
    expect(infos.map(({ id, version, length }) => [id, version, length])).toEqual([['images', '1.0', 3]]);
    expect((await storage.vacuum({ graceMs: 0 })).bytesFreed).toBeGreaterThan(ROWS * ROW_BYTES);
    const keys = await all(new GCSStore({ bucket, storageOptions }).list(''));
    expect(keys.map(({ key }) => key.replace(/[0-9a-f]{16}/u, 'G')).toSorted()).toEqual([
      'team/data/images/1.0/data/G/00000000.arrow',
      'team/data/images/1.0/data/G/00000000.head',
      'team/data/images/1.0/dataset.json',
    ]);
    await expect(storage.fetch('images', '2.0')).rejects.toEqual(failure('NOT_FOUND', /there are versions 1\.0/u));
    expect([await storage.has('images', '1.0'), await storage.delete('images', '1.0')]).toEqual([true, true]);
    expect([await storage.has('images', '1.0'), await storage.delete('images', '1.0')]).toEqual([false, false]);
    expect(await all(new GCSStore({ bucket, storageOptions }).list(''))).toEqual([]);
  });

  test('a submit that is aborted or fails leaves nothing', async () => {
    const bucket = await newBucket(server);
    const storage = new GCSStorage({ bucket, storageOptions });
    const controller = new AbortController();
    const reason = new Error('enough');
    const untilAborted = async function* (): AsyncGenerator<{ id: number; image: Uint8Array }> {
      yield* rows(1500);
      controller.abort(reason);
      yield* rows(1500);
    };
    const { signal } = controller;
    await expect(storage.submit(untilAborted(), 'a', '1', { signal })).rejects.toBe(reason);
    expect(await all(new GCSStore({ bucket, storageOptions }).list(''))).toEqual([]);
  });

  describe('a stream over parts in a bucket keeps what streams promise', () => {
    const length = 23;
    let stored: Promise<string> | undefined;
    const store = async (): Promise<string> => {
      const bucket = await newBucket(server);
      const image = ndarray(
        Uint8Array.from({ length: length * 40 }, (_, i) => (i * 7) & 255),
        [length, 40],
      );
      const name = Array.from({ length }, (_, i) => 'n'.repeat(i % 5) + i);
      const data = fromColumns({ id: Int32Array.from({ length }, (_, i) => i), image, name });
      await storeInParts(new GCSStore({ bucket, storageOptions }), data, 'small', '1', 6);
      return bucket;
    };
    const pipeline = async () => {
      const bucket = await (stored ??= store());
      const dataref = await new GCSStorage({ bucket, storageOptions, memoryLimitBytes: 0 }).fetch('small', '1');
      return dataref.stream({ shuffle: true, shuffleSeed: 3, shardRank: 1, numShards: 2 }).repeat(2).batch(5);
    };
    for (const { name, run } of resumeSuite({ pipeline })) test(name, run);
  });

  test('openStorage opens a bucket by its URL', async () => {
    const bucket = await newBucket(server);
    const storage = await openStorage(`gs://${bucket}/a/b`, { storageOptions });
    await storage.submit([1, 2, 3], 'x', '1');
    const keys = await all(new GCSStore({ bucket, storageOptions }).list('a/b/x/1/'));
    expect(keys.length).toBeGreaterThan(1);
    await expect(openStorage(`gs://key:secret@${bucket}/a`)).rejects.toEqual(
      failure('INVALID_ARGUMENT', /'gs:\/\/bucket\/prefix'$/u),
    );
  });

  test('who takes another bucket is told so', async () => {
    const storage = new GCSStorage({ bucket: 'there-is-no-such-bucket', storageOptions });
    for (const attempt of [
      () => storage.fetch('a', '1'),
      () => storage.submit([1], 'a', '1'),
      () => storage.vacuum(),
      () => all(storage.list()),
    ])
      await expect(attempt()).rejects.toEqual(failure('STORE_FAILED', /is there such a bucket/u));
  });
});
