import { describe, expect, jest, test } from '@jest/globals';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { fromColumns, isDataRefError, ndarray, openStorage } from '@dataref/core';
import { S3Storage, S3Store } from '@dataref/core/s3';
import { resumeSuite } from '@dataref/core/testing';
import { failure } from '../expect-error.js';
import { clientConfigOf, newBucket } from '../servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../servers/servers.js';
import { listing, tempFolder } from '../temp-folder.js';
import { storeInParts } from '../stream/store-in-parts.js';

jest.setTimeout(600_000);

const ROW_BYTES = 65_536;
/** Above two parts of 64 MiB. */
const ROWS = 2100;

/** Record i, which no other record equals. */
function row(i: number): Uint8Array {
  const bytes = new Uint8Array(ROW_BYTES).fill(i % 251);
  new DataView(bytes.buffer).setUint32(0, i);
  return bytes;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function* rows(count: number): Generator<{ id: number; image: Uint8Array }> {
  for (let id = 0; id < count; id++) yield { id, image: row(id) };
}

await describeWithServer('S3Storage over moto', startMoto, (server) => {
  const clientConfig = clientConfigOf(server);

  test('a dataset of several parts is submitted, fetched, streamed, verified, listed, replaced, vacuumed and deleted', async () => {
    const bucket = await newBucket(server);
    const storage = new S3Storage({ bucket, prefix: 'team/data', clientConfig });
    const submitted = await storage.submit(rows(ROWS), 'images', '1.0');
    expect(submitted.length).toBe(ROWS);

    const fetched = await new S3Storage({ bucket, prefix: 'team/data/', clientConfig, memoryLimitBytes: 0 }).fetch(
      'images',
      '1.0',
    );
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
    await storage.submit(rows(3), 'images', '1.0');
    const infos = await all(storage.list());
    expect(infos.map(({ id, version, length }) => [id, version, length])).toEqual([['images', '1.0', 3]]);
    expect((await storage.vacuum({ graceMs: 0 })).bytesFreed).toBeGreaterThan(ROWS * ROW_BYTES);
    const keys = await all(new S3Store({ bucket, clientConfig }).list(''));
    expect(keys.map(({ key }) => key.replace(/[0-9a-f]{16}/u, 'G')).toSorted()).toEqual([
      'team/data/images/1.0/data/G/00000000.arrow',
      'team/data/images/1.0/data/G/00000000.head',
      'team/data/images/1.0/dataset.json',
    ]);
    expect([await storage.has('images', '1.0'), await storage.delete('images', '1.0')]).toEqual([true, true]);
    expect([await storage.has('images', '1.0'), await storage.delete('images', '1.0')]).toEqual([false, false]);
    expect(await all(new S3Store({ bucket, clientConfig }).list(''))).toEqual([]);
    await expect(storage.fetch('images', '1.0')).rejects.toEqual(failure('NOT_FOUND', /s3:\/\/test-.*\/team\/data/));
  });

  test('a submit that is aborted or fails leaves nothing, no upload either', async () => {
    const bucket = await newBucket(server);
    const storage = new S3Storage({ bucket, clientConfig });
    const controller = new AbortController();
    const reason = new Error('enough');
    const untilAborted = async function* (): AsyncGenerator<{ id: number; image: Uint8Array }> {
      yield* rows(1500);
      controller.abort(reason);
      yield* rows(1500);
    };
    const { signal } = controller;
    await expect(storage.submit(untilAborted(), 'a', '1', { signal })).rejects.toBe(reason);
    const failing = function* (): Generator<{ id: number; image: Uint8Array }> {
      yield* rows(1500);
      throw reason;
    };
    await expect(storage.submit(failing(), 'a', '1')).rejects.toMatchObject({
      message: expect.stringMatching(/enough/),
    });
    expect(await all(new S3Store({ bucket, clientConfig }).list(''))).toEqual([]);
    const client = new S3Client(clientConfig);
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual([]);
    client.destroy();
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
      await storeInParts(new S3Store({ bucket, clientConfig }), data, 'small', '1', 6);
      return bucket;
    };
    const pipeline = async () => {
      const bucket = await (stored ??= store());
      const dataref = await new S3Storage({ bucket, clientConfig, memoryLimitBytes: 0 }).fetch('small', '1');
      return dataref.stream({ shuffle: true, shuffleSeed: 3, shardRank: 1, numShards: 2 }).repeat(2).batch(5);
    };
    for (const { name, run } of resumeSuite({ pipeline })) test(name, run);
  });

  test.each(['parts', 'auto'] as const)('parts are read through a cache on the disk (%s)', async (read) => {
    const bucket = await newBucket(server);
    const directory = tempFolder();
    const options = { bucket, clientConfig, memoryLimitBytes: 0, read, cache: { directory, limitBytes: 2 ** 26 } };
    await new S3Storage({ bucket, clientConfig }).submit(rows(64), 'a', '1');
    for (let epoch = 0; epoch < 2; epoch++) {
      const dataref = await new S3Storage(options).fetch('a', '1');
      let seen = 0;
      for await (const batch of dataref.stream({ shuffle: true, shuffleSeed: epoch }).batch(16)) {
        for (const record of batch.records() as { id: number; image: Uint8Array }[]) {
          expect(Buffer.compare(record.image, row(record.id))).toBe(0);
          seen++;
        }
      }
      expect(seen).toBe(64);
    }
    expect(listing(directory).length).toBeGreaterThan(0);
  });

  test('openStorage opens a bucket by its URL', async () => {
    const bucket = await newBucket(server);
    const storage = await openStorage(`s3://${bucket}/a/b`, { clientConfig });
    await storage.submit([1, 2, 3], 'x', '1');
    const keys = await all(new S3Store({ bucket, clientConfig }).list('a/b/x/1/'));
    expect(keys.length).toBeGreaterThan(1);
  });

  test('who takes another bucket is told so', async () => {
    const storage = new S3Storage({ bucket: 'there-is-no-such-bucket', clientConfig });
    const message = /s3:\/\/there-is-no-such-bucket\/: .*there is no such bucket: check its name/u;
    for (const attempt of [
      () => storage.fetch('a', '1'),
      () => storage.has('a', '1'),
      () => storage.submit([1], 'a', '1'),
      () => storage.delete('a', '1'),
      () => storage.vacuum(),
      () => all(storage.list()),
    ])
      await expect(attempt()).rejects.toEqual(failure('STORE_FAILED', message));
  });
});

describe('S3Storage', () => {
  test.each<[string, object, RegExp]>([
    ['no bucket', {}, /bucket must be the name of a bucket/],
    ['a URL for a bucket', { bucket: 's3://a' }, /bucket must be the name/],
    ['a prefix that leaves the bucket', { bucket: 'b', prefix: 'a/../..' }, /prefix must be like 'a\/b'/],
    ['a prefix with an empty segment', { bucket: 'b', prefix: 'a//b' }, /prefix must be like/],
    ['a client and its config', { bucket: 'b', client: {}, clientConfig: {} }, /exclude each other/],
    ['an unknown option', { bucket: 'b', region: 'x' }, /unknown option "region"/],
    ['parts without a cache', { bucket: 'b', read: 'parts' }, /needs a cache/],
    ['another way to read', { bucket: 'b', read: 'fast' }, /read must be 'ranges', 'parts' or 'auto'/],
    ['an idle time of nothing', { bucket: 'b', idleTimeoutMs: 0 }, /idleTimeoutMs must be an integer/],
    ['a budget below zero', { bucket: 'b', memoryLimitBytes: -1 }, /memoryLimitBytes must be an integer/],
  ])('refuses %s', (_, options, message) => {
    expect(() => new S3Storage(options as { bucket: string })).toThrow(failure('INVALID_ARGUMENT', message));
  });
});

describe('openStorage', () => {
  test.each([
    ['data', /needs a URL/],
    ['ftp://user:secret@host/', /no storage for ftp: URLs$/],
    ['s3://', /'s3:\/\/bucket\/prefix'$/],
    ['s3://key:secret@bucket/a', /'s3:\/\/bucket\/prefix'$/],
    ['s3://bucket/a?secret', /'s3:\/\/bucket\/prefix'$/],
    ['s3://bucket/../a', /prefix must be like/],
    ['file:///a?secret', /a path alone/],
    ['file://secret/a', /a path alone/],
  ])('refuses %s, and shows nothing of it that may be secret', async (url, message) => {
    const error: unknown = await openStorage(url).catch((reason: unknown) => reason);
    expect(error).toEqual(failure('INVALID_ARGUMENT', message));
    expect(isDataRefError(error) && JSON.stringify([error.message, error.details])).not.toMatch(/secret/);
  });

  test('refuses options that the storage of the URL has not', async () => {
    const clientConfig = {};
    await expect(openStorage('file:./data', { clientConfig })).rejects.toEqual(
      failure('INVALID_ARGUMENT', /FileStorage: unknown option "clientConfig"/),
    );
    await expect(openStorage('s3://b', { verifyReads: true })).rejects.toEqual(
      failure('INVALID_ARGUMENT', /S3Storage: unknown option "verifyReads"/),
    );
  });

  test('takes folders, absolute and relative', async () => {
    for (const [url, directory] of [
      ['file:///tmp/a%20b', '/tmp/a b'],
      [new URL('file:///tmp/x'), '/tmp/x'],
      ['file:./a%20b/c', `${process.cwd()}/a b/c`],
      ['file:data', `${process.cwd()}/data`],
    ] as const)
      expect(await openStorage(url)).toMatchObject({ directory });
  });
});
