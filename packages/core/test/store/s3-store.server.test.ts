import { expect, jest, test } from '@jest/globals';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { S3Store } from '@dataref/core/s3';
import { withCoalescing, withRetry } from '@dataref/core/store';
import { storeSuite } from '@dataref/core/testing';
import { S3Store as InternalStore } from '../../dist/store/s3-store.js';
import { failure } from '../expect-error.js';
import { clientConfigOf, newBucket } from '../servers/moto-buckets.js';
import { describeWithServer, startMoto } from '../servers/servers.js';

jest.setTimeout(600_000);
const MIB = 2 ** 20;

await describeWithServer('S3Store over moto', startMoto, (server) => {
  const clientConfig = clientConfigOf(server);
  // In pages of three, so that every list has several.
  const open = async () =>
    new InternalStore({ bucket: await newBucket(server), prefix: 'a prefix/of=mine', clientConfig }, { pageSize: 3 });

  for (const { name, run } of storeSuite(async () => ({ store: await open() }))) test(name, run);
  for (const { name, run } of storeSuite(async () => ({ store: withCoalescing(withRetry(await open())) })))
    test(`with its wrappers: ${name}`, run);

  test('stores in one bucket see nothing of each other, nor of what else is in it', async () => {
    const bucket = await newBucket(server);
    const [whole, a, ab] = ['', 'a', 'a/b/'].map((prefix) => new S3Store({ bucket, prefix, clientConfig }));
    await a?.put('k', new Uint8Array(1));
    await ab?.put('k', new Uint8Array(2));
    await new S3Store({ bucket, prefix: 'a%2Fb', clientConfig }).put('k', new Uint8Array(3));
    expect((await a?.get('k', 9))?.bytes.length).toBe(1);
    expect((await whole?.get('a/b/k', 9))?.bytes.length).toBe(2);
    expect(await a?.listFolders('')).toEqual(['b']);
    expect(await ab?.delete('k')).toBe(true);
    expect([whole?.description, ab?.description]).toEqual([`s3://${bucket}/`, `s3://${bucket}/a/b/`]);
  });

  test('a large object is written in parts of one size, and read back', async () => {
    const bucket = await newBucket(server);
    const store = new S3Store({ bucket, clientConfig });
    for (const byteLength of [8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 30 * MIB]) {
      const bytes = new Uint8Array(byteLength);
      for (let i = 0; i < byteLength; i++) bytes[i] = i * 31 + (i >> 12);
      const writer = await store.create('big');
      for (let at = 0; at < byteLength; at += 3 * MIB + 7) await writer.write(bytes.subarray(at, at + 3 * MIB + 7));
      await writer.commit();
      const held = await store.get('big', byteLength);
      expect(Buffer.compare(held?.bytes as Uint8Array, bytes)).toBe(0);
      // An ETag of an upload names the number of its parts.
      const parts = byteLength <= 8 * MIB ? undefined : String(Math.ceil(byteLength / (8 * MIB)));
      expect(/-(\d+)"$/u.exec(held?.version ?? '')?.[1]).toBe(parts);
    }
  });

  test('writing one of a store takes the memory of a few parts, whatever its size', async () => {
    const store = new S3Store({ bucket: await newBucket(server), clientConfig });
    const writer = await store.create('big');
    const piece = new Uint8Array(MIB);
    const base = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let i = 0; i < 160; i++) {
      await writer.write(piece);
      most = Math.max(most, process.memoryUsage().arrayBuffers - base);
    }
    await writer.commit();
    expect((await store.head('big'))?.byteLength).toBe(160 * MIB);
    expect(most).toBeLessThan(110 * MIB); // five parts are held, and what the collector has not taken yet
  });

  test('an upload that is aborted leaves no part', async () => {
    const bucket = await newBucket(server);
    const store = new S3Store({ bucket, clientConfig });
    const client = new S3Client(clientConfig);
    const uploads = async () =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
    const writer = await store.create('big');
    await writer.write(new Uint8Array(20 * MIB));
    expect(await uploads()).toBe(1);
    await writer.abort();
    await writer.abort();
    expect([await uploads(), await store.head('big')]).toEqual([0, undefined]);
    await expect(writer.write(new Uint8Array(1))).rejects.toEqual(failure('STORE_FAILED', /it was aborted/));
    client.destroy();
  });

  test('a sweep ends uploads of parts of datasets that were abandoned, and no others', async () => {
    // moto dates every upload to 2010; s3-answers.test.ts has younger ones.
    const bucket = await newBucket(server);
    const store = new S3Store({ bucket, prefix: 'p', clientConfig });
    const client = new S3Client(clientConfig);
    const part = 'mnist/1.0/data/0123456789abcdef/00000000.arrow';
    const keys = [`p/${part}`, part, `p/q/${part}`, 'p/backup.tar', 'p/mnist/1.0/data/other/00000000.arrow'];
    for (const Key of keys) {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
      await client.send(
        new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber: 1, Body: new Uint8Array(1000) }),
      );
    }
    expect([await store.sweep(), await store.sweep()]).toEqual([1000, 0]);
    const left = (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];
    expect(left.map(({ Key = '' }) => Key).toSorted()).toEqual(keys.slice(1).toSorted());
    client.destroy();
  });

  test('another thread can make the same store, of a configuration or of a client', async () => {
    const bucket = await newBucket(server);
    const configured = new S3Store({ bucket, prefix: 'p', clientConfig });
    await configured.put('k', new Uint8Array([1, 2, 3]));
    const own = new S3Store({ bucket, prefix: 'p', client: new S3Client(clientConfig) });
    for (const store of [configured, own]) {
      const { module, data } = structuredClone(await store.recipe());
      const { openStore } = (await import(module)) as { openStore: (data: unknown) => S3Store };
      expect((await openStore(data).get('k', 10))?.bytes).toEqual(new Uint8Array([1, 2, 3]));
    }
  });
});
