import { describe, expect, test } from '@jest/globals';
import { concat, field, fromColumns, type Progress } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { failure } from '../expect-error.js';
import { listing, tempFolder } from '../temp-folder.js';

describe('what a storage tells about its datasets', () => {
  test('info has the length, bytes, fingerprint, schema and time', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    const before = Date.now();
    const stored = await storage.submit(fromColumns({ n: Int8Array.of(1, 2, 3), t: ['a', 'b', 'c'] }), 'x', '1');
    const info = await storage.info('x', '1');
    expect(info).toMatchObject({ id: 'x', version: '1', length: 3, fingerprint: stored.fingerprint });
    expect(info.schema).toEqual({ n: field('int8'), t: field('string') });
    expect(info.createdAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(info.createdAt.getTime()).toBeLessThanOrEqual(Date.now());
    const { statSync } = await import('node:fs');
    const files = listing(folder).filter((path) => /\/data\//u.test(path));
    expect(files).toHaveLength(2);
    expect(info.byteLength).toBe(files.reduce((sum, path) => sum + statSync(`${folder}/${path}`).size, 0));
  });

  test('list, has and delete; a deleted dataset leaves nothing on the disk', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    const names = async () => {
      const found: string[] = [];
      for await (const { id, version } of storage.list()) found.push(`${id}@${version}`);
      return found;
    };
    expect(await names()).toEqual([]);
    for (const name of ['b@2', 'b@1', 'a@1']) {
      const [id, version] = name.split('@') as [string, string];
      await storage.submit([1, 2], id, version);
    }
    expect(await names()).toEqual(['a@1', 'b@1', 'b@2']);
    expect([await storage.has('b', '1'), await storage.has('b', '3'), await storage.has('c', '1')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([await storage.delete('b', '1'), await storage.delete('b', '1')]).toEqual([true, false]);
    expect(await names()).toEqual(['a@1', 'b@2']);
    await storage.delete('a', '1');
    await storage.delete('b', '2');
    expect(listing(folder)).toEqual(['.tmp~/']); // where writers work
    await storage.vacuum();
    expect(listing(folder)).toEqual([]);
  });

  test('fetch with a schema refuses a dataset that differs, naming both', async () => {
    const storage = new FileStorage(tempFolder());
    await storage.submit([{ a: 1 }], 'x', '1');
    await storage.fetch('x', '1', { schema: { a: field('float64') } });
    await expect(storage.fetch('x', '1', { schema: { a: field('float32') } })).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      message: expect.stringMatching(/x@1 has \{ a: float64 \}, expected \{ a: float32 \}/u),
    });
  });

  test('equal content has one fingerprint, whatever it was submitted from; any difference has another', async () => {
    const storage = new FileStorage(tempFolder());
    const fingerprintOf = async (data: Iterable<unknown>) => (await storage.submit(data, 'x', '1')).fingerprint;
    const first = await fingerprintOf([
      { a: 1, b: 'x' },
      { a: 2, b: 'yy' },
    ]);
    const same = fromColumns({ a: Float64Array.of(1, 2), b: ['x', 'yy'] });
    expect(same.fingerprint).toBe(first);
    expect((await storage.submit(concat(same.slice(0, 1), same.slice(1)), 'y', '1')).fingerprint).toBe(first);
    const others = await Promise.all(
      [
        [
          { a: 2, b: 'yy' },
          { a: 1, b: 'x' },
        ],
        [
          { a: 1, b: 'xy' },
          { a: 2, b: 'y' },
        ],
        [{ a: 1, b: 'x' }],
        [
          { a: 1, c: 'x' },
          { a: 2, c: 'yy' },
        ],
        [
          { b: 'x', a: 1 },
          { b: 'yy', a: 2 },
        ],
        [
          { a: 1n, b: 'x' },
          { a: 2n, b: 'yy' },
        ],
      ].map((records, i) => storage.submit(records as readonly object[], 'z', String(i))),
    );
    const fingerprints = new Set([first, ...others.map(({ fingerprint }) => fingerprint)]);
    expect(fingerprints.size).toBe(7);
  });

  test('progress counts records of submit, parts of verify and datasets of vacuum, to the end', async () => {
    const storage = new FileStorage(tempFolder());
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => void seen.push(progress);
    await storage.submit(
      Array.from({ length: 3000 }, (_, i) => i),
      'x',
      '1',
      { onProgress },
    );
    expect(seen.map(({ phase, done, total, unit }) => [phase, done, total, unit])).toEqual([
      ['write', 1024, 3000, 'records'],
      ['write', 2048, 3000, 'records'],
      ['write', 3000, 3000, 'records'],
    ]);
    expect(seen.every(({ elapsedMs }, i) => elapsedMs >= (seen[i - 1]?.elapsedMs ?? 0))).toBe(true);
    seen.length = 0;
    await storage.verify('x', '1', { onProgress });
    await storage.vacuum({ onProgress });
    expect(seen.map(({ phase, done, total, unit }) => [phase, done, total, unit])).toEqual([
      ['verify', 1, 1, 'parts'],
      ['vacuum', 1, 1, 'datasets'],
    ]);
  });

  test('unknown options and bad values are refused by name', async () => {
    const storage = new FileStorage(tempFolder());
    await storage.submit([1], 'x', '1');
    const bad = (options: object) => options as never;
    const attempts: [Promise<unknown>, RegExp][] = [
      [
        storage.submit([1], 'x', '1', bad({ onprogress: () => 0 })),
        /submit: unknown option "onprogress"; there are .*onProgress/u,
      ],
      [storage.submit([1], 'x', '1', bad({ ifExists: 'fail' })), /ifExists must be 'replace' or 'error', got "fail"/u],
      [storage.fetch('x', '1', bad({ shcema: {} })), /fetch: unknown option "shcema"/u],
      [storage.verify('x', '1', bad({ fast: true })), /verify: unknown option "fast"/u],
      [storage.vacuum(bad({ grace: 0 })), /vacuum: unknown option "grace"; there are graceMs/u],
      [storage.vacuum({ graceMs: -1 }), /graceMs must be an integer ≥ 0, got -1/u],
      [storage.vacuum({ graceMs: NaN }), /graceMs must be an integer ≥ 0, got NaN/u],
      [storage.submit(bad({}), 'x', '1'), /submit needs a DataRef, or an iterable/u],
      [
        storage.submit(bad([1]), 'x', '1', { schema: bad({ dtype: 'float31', shape: [] }) } as never),
        /unknown dtype "float31"/u,
      ],
    ];
    for (const [attempt, message] of attempts) {
      await expect(attempt).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message),
      });
    }
    expect(() => new FileStorage('')).toThrow(/needs a directory/u);
    for (const url of ['s3://me:secret@bucket/a', 'gs://bucket', 'https://secret.org/a', 'file:///secret'])
      expect(() => new FileStorage(url)).toThrow(
        failure('INVALID_ARGUMENT', /^(?!.*secret).*await openStorage\('(s3|gs|https|file):\/\/…'\)$/u),
      );
    expect(() => new FileStorage(new URL('s3://bucket'))).toThrow(failure('INVALID_ARGUMENT', /await openStorage/u));
    expect(() => new FileStorage(new URL(import.meta.url))).toThrow(
      failure('INVALID_ARGUMENT', /catalogue.*is a file/u),
    );
    expect(() => new FileStorage('x', bad({ verify: true }))).toThrow(/FileStorage: unknown option "verify"/u);
    expect(() => new FileStorage('x', { memoryLimitBytes: -1 })).toThrow(/memoryLimitBytes must be/u);
    expect(await (await storage.fetch('x', '1')).at(0)).toBe(1);
  });
});
