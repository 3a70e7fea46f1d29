import { expect, jest, test } from '@jest/globals';
import { Storage } from '@google-cloud/storage';
import { GCSStore } from '@dataref/core/gcs';
import { storeSuite } from '@dataref/core/testing';
import { failure } from '../expect-error.js';
import { newBucket, storageOptionsOf } from '../servers/gcs-buckets.js';
import { describeWithServer, startFakeGcs } from '../servers/servers.js';

jest.setTimeout(600_000);

const CHUNK_BYTES = 8 * 2 ** 20;

/**
 * fake-gcs-server differs from Google's: a resumable upload whose state is asked for (`bytes * / *`) is ended by that, and
 * one that is canceled can go on; preconditions of deletes and of `uploadType=media` are ignored (a delete looks before). None of it is met here.
 */
await describeWithServer('GCSStore over fake-gcs-server', startFakeGcs, (server) => {
  const storageOptions = storageOptionsOf(server);
  for (const { name, run } of storeSuite(async () => ({
    store: new GCSStore({ bucket: await newBucket(server), prefix: 'a prefix/of=mine', storageOptions }),
  })))
    test(name, run);

  test.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])(
    'an object of %d bytes is written in chunks, and read back',
    async (byteLength) => {
      const store = new GCSStore({ bucket: await newBucket(server), storageOptions });
      const bytes = Buffer.alloc(byteLength, 'a pattern of 23 letters');
      const writer = await store.create('a/k');
      for (let at = 0; at < byteLength; at += 5_000_000) await writer.write(bytes.subarray(at, at + 5_000_000));
      expect(await store.head('a/k')).toBeUndefined();
      await writer.commit();
      const reader = await store.open('a/k', { byteLength });
      const into = Buffer.alloc(byteLength);
      await reader?.read(into, 0);
      expect(into.equals(bytes)).toBe(true);
      expect(await store.head('a/k')).toMatchObject({ byteLength });
    },
  );

  test('a large object that is aborted never shows', async () => {
    const store = new GCSStore({ bucket: await newBucket(server), storageOptions });
    const controller = new AbortController();
    const writer = await store.create('k', { signal: controller.signal });
    await writer.write(new Uint8Array(2 * CHUNK_BYTES));
    const reason = new Error('enough');
    const writing = writer.write(new Uint8Array(2 * CHUNK_BYTES));
    controller.abort(reason);
    await expect(writing).rejects.toBe(reason);
    await writer.abort();
    expect(await store.head('k')).toBeUndefined();
    await expect(writer.commit()).rejects.toBe(reason);
  });

  test('lists more objects than a page has', async () => {
    const store = new GCSStore({ bucket: await newBucket(server), prefix: 'p', storageOptions });
    const keys = Array.from({ length: 1203 }, (_, i) => `a/${String(i).padStart(5, '0')}/x`);
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, new Uint8Array(1))));
    const listed: string[] = [];
    for await (const { key } of store.list('a/')) listed.push(key);
    expect(listed.toSorted()).toEqual(keys);
    expect((await store.listFolders('a/')).length).toBe(keys.length);
  });

  test('shows nothing of a bucket but what is below its prefix and named as keys are', async () => {
    const bucket = await newBucket(server);
    const all = new GCSStore({ bucket, storageOptions });
    for (const key of ['p/a', 'p/b/c', 'pq/a', 'q']) await all.put(key, new Uint8Array(1));
    const file = new Storage(storageOptions).bucket(bucket).file('p/not a key');
    await file.save('x', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } });
    const listed: string[] = [];
    for await (const { key } of new GCSStore({ bucket, prefix: 'p', storageOptions }).list('')) listed.push(key);
    expect(listed.toSorted()).toEqual(['a', 'b/c']);
  });

  test('reads what the SDK wrote, with a client of the user, whose retries stay as they were', async () => {
    const bucket = await newBucket(server);
    const storage = new Storage(storageOptions);
    const saved = storage.bucket(bucket).file('k');
    await saved.save('hello', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } });
    const store = new GCSStore({ bucket, storage });
    const held = await store.get('k', 100);
    expect(new TextDecoder().decode(held?.bytes)).toBe('hello');
    await store.put('k', new Uint8Array(3)); // unconditional: by the SDK, this would turn its retries off
    expect(storage.retryOptions.autoRetry).toBe(true);
    expect(await store.put('k', new Uint8Array(1), { ifVersion: held?.version ?? '' })).toBeUndefined();
    expect(await store.put('k', new Uint8Array(1), { ifVersion: 'no generation' })).toBeUndefined();
    expect(await store.put('none', new Uint8Array(1), { ifVersion: '5' })).toBeUndefined();
  });

  test('who takes a bucket that is not there is told so', async () => {
    const store = new GCSStore({ bucket: 'there-is-none', storageOptions });
    const message = /answered 404.*is there such a bucket/u;
    for (const attempt of [
      () => store.put('k', new Uint8Array(1)),
      () => store.listFolders(''),
      () => store.list('').next(),
      async () => (await store.create('k')).commit(),
    ])
      await expect(attempt()).rejects.toEqual(failure('STORE_FAILED', message));
  });
});

test.each<[string, object, RegExp]>([
  ['no bucket', {}, /no name of a bucket/],
  ['a URL for a bucket', { bucket: 'gs://a' }, /no name of a bucket/],
  ['a prefix that leaves the bucket', { bucket: 'bucket', prefix: 'a/../..' }, /prefix must be like 'a\/b'/],
  ['a client and its options', { bucket: 'bucket', storage: {}, storageOptions: {} }, /exclude each other/],
  ['an unknown option', { bucket: 'bucket', client: {} }, /unknown option "client"/],
  ['an idle time of nothing', { bucket: 'bucket', idleTimeoutMs: 0 }, /idleTimeoutMs must be an integer/],
])('GCSStore refuses %s', (_, options, message) => {
  expect(() => new GCSStore(options as { bucket: string })).toThrow(failure('INVALID_ARGUMENT', message));
});
