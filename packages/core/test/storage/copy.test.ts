import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { DataRefError, field, type DataRef, type Progress, type Storage } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import type { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { failure } from '../expect-error.js';
import { announceSeed, runs } from '../scale.js';
import { tempFolder } from '../temp-folder.js';
import { anyDataset } from './any-dataset.js';
import { changed, keysOf, storageOver, storeParts } from './stored.js';

jest.setTimeout(600_000);
const seed = announceSeed('storage/copy');

const SCHEMA = { n: field('int32'), text: field('string') };
const records = Array.from({ length: 60 }, (_, n) => ({ n, text: `record ${n}`.repeat(n % 5) }));

/** A storage that has a@1 in twelve parts of five records: 24 files. */
async function stored(): Promise<{ store: MemoryStore; storage: DatasetStorage }> {
  const store = new MemoryStore();
  await storeParts(store, SCHEMA, records as never[], new Array(12).fill(5));
  return { store, storage: storageOver(store) };
}

async function recordsOf(dataref: DataRef): Promise<unknown[]> {
  return [...(await dataref.read(Array.from({ length: dataref.length }, (_, i) => i))).records()];
}

/** A store that counts what is created, and may fail at one of its steps. */
function counting(inner: MemoryStore, onStep: (what: string, key: string) => void | Promise<void> = () => undefined) {
  const created: string[] = [];
  const store = changed(inner, {
    async put(key, bytes, options) {
      await onStep('put', key);
      return inner.put(key, bytes, options);
    },
    async create(key, options) {
      const writer = await inner.create(key, options);
      return {
        write: (bytes) => writer.write(bytes),
        abort: () => writer.abort(),
        async commit() {
          await onStep('commit', key);
          await writer.commit();
          created.push(key);
        },
      };
    },
  });
  return { store, created };
}

describe('a copy', () => {
  test('has the bytes, the fingerprint and the records of the dataset, on the disk and back', async () => {
    const { store, storage } = await stored();
    const onDisk = new FileStorage(tempFolder());
    const copied = await storage.copy('a', '1', onDisk);
    const original = await storage.fetch('a', '1');
    expect([copied.fingerprint, copied.length]).toEqual([original.fingerprint, 60]);
    expect(await recordsOf(copied)).toEqual(records);
    expect(await onDisk.verify('a', '1')).toEqual({ ok: true, problems: [] });
    const back = new MemoryStore();
    await onDisk.copy('a', '1', storageOver(back));
    const files = async (of: ObjectStore) => {
      const keys = (await keysOf(of)).filter((key) => !key.endsWith('dataset.json'));
      return Promise.all(keys.map(async (key) => Buffer.from((await of.get(key, 2 ** 20))!.bytes).toString('base64')));
    };
    expect(await files(back)).toEqual(await files(store));
  });

  test('of any dataset is verified, and equal', async () => {
    await fc.assert(
      fc.asyncProperty(anyDataset(12), async ({ schema, records: any }) => {
        const from = storageOver(new MemoryStore());
        const to = storageOver(new MemoryStore());
        const original = await from.submit(any, 'x', '1', { schema });
        const copied = await from.copy('x', '1', to);
        expect(copied.fingerprint).toBe(original.fingerprint);
        expect(await to.verify('x', '1')).toEqual({ ok: true, problems: [] });
        expect(await recordsOf(copied)).toEqual(await recordsOf(original));
      }),
      { seed, numRuns: runs(300) },
    );
  });

  test('is committed last, with a lease until then, and reports bytes to the end', async () => {
    const { storage } = await stored();
    const seen: string[] = [];
    const { store } = counting(new MemoryStore(), (what, key) => void seen.push(`${what} ${key.split('/').at(-1)}`));
    const progress: Progress[] = [];
    await storage.copy('a', '1', storageOver(store), { onProgress: (report) => progress.push(report) });
    expect(seen[0]).toBe('put writer.json');
    expect(seen.at(-1)).toBe('put dataset.json');
    expect(seen.filter((step) => step.startsWith('commit'))).toHaveLength(24);
    const { byteLength } = await storage.info('a', '1');
    expect(progress.at(-1)).toMatchObject({ phase: 'copy', unit: 'bytes', done: byteLength, total: byteLength });
    expect(progress.every(({ done }, i) => done >= (progress[i - 1]?.done ?? 0))).toBe(true);
    expect((await keysOf(store)).filter((key) => key.endsWith('writer.json'))).toEqual([]);
  });

  test('writes nothing where the same files are there, and replaces another dataset', async () => {
    const { storage } = await stored();
    const inner = new MemoryStore();
    const { store, created } = counting(inner);
    const to = storageOver(store);
    await to.submit(['another'], 'a', '1');
    const copied = await storage.copy('a', '1', to);
    expect(await recordsOf(copied)).toEqual(records);
    const before = [...created];
    const again = await storage.copy('a', '1', to);
    expect(again.fingerprint).toBe(copied.fingerprint);
    expect(created).toEqual(before);
    await to.vacuum({ graceMs: 0 });
    expect(await keysOf(inner)).toHaveLength(25);
    await inner.put('a/1/dataset.json', new Uint8Array(9)); // damaged
    await storage.copy('a', '1', to);
    expect((await to.verify('a', '1')).ok).toBe(true);
  });

  test('to where it is, and to an id that differs by case', async () => {
    const { store, storage } = await stored();
    const before = await keysOf(store);
    await storage.copy('a', '1', storage);
    expect(await keysOf(store)).toEqual(before);
    const to = storageOver(new MemoryStore());
    await to.submit([1], 'A', '1');
    await expect(storage.copy('a', '1', to)).rejects.toEqual(failure('INVALID_ID', /by case alone/));
  });

  test.each(Array.from({ length: 26 }, (_, i) => i))(
    'that fails at step %i leaves nothing visible, and the next goes on with what it left',
    async (failing) => {
      const { storage } = await stored();
      const inner = new MemoryStore();
      let step = 0;
      const broken = counting(inner, () => {
        if (step++ === failing) throw new DataRefError('STORE_FAILED', 'no network');
      });
      await expect(storage.copy('a', '1', storageOver(broken.store))).rejects.toEqual(
        failure('STORE_FAILED', /no network/),
      );
      expect(await storageOver(inner).has('a', '1')).toBe(false);
      const second = counting(inner);
      const to = storageOver(second.store);
      const copied = await storage.copy('a', '1', to);
      expect(await recordsOf(copied)).toEqual(records);
      expect((await to.verify('a', '1')).ok).toBe(true);
      // No file is written twice.
      expect([...broken.created, ...second.created].sort()).toEqual(
        (await keysOf(inner)).filter((key) => key.includes('/data/')),
      );
      await to.vacuum({ graceMs: 0 });
      expect(await keysOf(inner)).toHaveLength(25);
    },
  );

  test.each(Array.from({ length: 25 }, (_, i) => i))(
    'that is aborted at step %i rejects with the reason, leaves nothing visible, and a vacuum removes the rest',
    async (at) => {
      const { storage } = await stored();
      const inner = new MemoryStore();
      const controller = new AbortController();
      let step = 0;
      const { store } = counting(inner, () => {
        if (step++ === at) controller.abort(new Error('enough'));
      });
      const to = storageOver(store);
      await expect(storage.copy('a', '1', to, { signal: controller.signal })).rejects.toThrow('enough');
      expect(await to.has('a', '1')).toBe(false);
      await to.vacuum();
      expect(await keysOf(inner)).toEqual([]);
    },
  );

  test('does not go on with what was left by a copy of other files', async () => {
    const { store, storage } = await stored();
    const inner = new MemoryStore();
    let step = 0;
    const broken = counting(inner, () => {
      if (step++ === 12) throw new DataRefError('STORE_FAILED', 'no network');
    });
    await expect(storage.copy('a', '1', storageOver(broken.store))).rejects.toEqual(failure('STORE_FAILED', /no/));
    const others = records.map(({ n, text }) => ({ n: n + 1, text }));
    await storeParts(store, SCHEMA, others as never[], new Array(12).fill(5)); // of the same sizes
    const second = counting(inner);
    const copied = await storage.copy('a', '1', storageOver(second.store));
    expect(second.created).toHaveLength(24);
    expect(await recordsOf(copied)).toEqual(others);
  });

  test('of a damaged dataset is CORRUPT, and leaves nothing at the target', async () => {
    const keys = (await keysOf((await stored()).store)).filter((key) => key.includes('/data/'));
    for (const [i, key] of keys.entries()) {
      const { store, storage } = await stored();
      const bytes = (await store.get(key, 2 ** 20))!.bytes;
      if (i % 3 === 0) bytes[bytes.length >> 1]! ^= 4;
      if (i % 3 === 2) await store.delete(key);
      else await store.put(key, i % 3 === 0 ? bytes : bytes.subarray(1));
      const to = new MemoryStore();
      const expected = [/checksum is wrong/, /bytes, expected/, /is missing/][i % 3] as RegExp;
      await expect(storage.copy('a', '1', storageOver(to))).rejects.toEqual(failure('CORRUPT', expected));
      expect(await keysOf(to)).toEqual([]);
    }
  });

  test('of what is replaced and vacuumed meanwhile is a copy of what replaced it', async () => {
    const { store, storage } = await stored();
    let reads = 0;
    const racing = changed(store, {
      async open(key) {
        if (++reads === 9) {
          await storage.submit(['new', 'data'], 'a', '1');
          await storage.vacuum({ graceMs: 0 });
        }
        return store.open(key);
      },
    });
    const to = new MemoryStore();
    const copied = await storageOver(racing).copy('a', '1', storageOver(to));
    expect(await recordsOf(copied)).toEqual(['new', 'data']);
    expect((await keysOf(to)).map((key) => key.replace(/[0-9a-f]{16}/u, 'G'))).toEqual([
      'a/1/data/G/00000000.arrow',
      'a/1/data/G/00000000.head',
      'a/1/dataset.json',
    ]);
  });

  test('and another at once end in one whole dataset', async () => {
    const { storage } = await stored();
    const inner = new MemoryStore();
    const to = storageOver(inner);
    const copies = await Promise.all([1, 2, 3].map(() => storage.copy('a', '1', to)));
    for (const copied of copies) expect(await recordsOf(copied)).toEqual(records);
    expect((await to.verify('a', '1')).ok).toBe(true);
    await to.vacuum({ graceMs: 0 });
    expect(await keysOf(inner)).toHaveLength(25);
  });

  test('that is under way is not vacuumed', async () => {
    const { storage } = await stored();
    const inner = new MemoryStore();
    const { store } = counting(inner, async (what) => {
      if (what === 'commit') await storageOver(inner).vacuum({ graceMs: 0 });
    });
    expect(await recordsOf(await storage.copy('a', '1', storageOver(store)))).toEqual(records);
  });

  test('holds a few slices in memory, however large the files', async () => {
    const inner = new MemoryStore();
    const image = { dtype: 'uint8', shape: [2 ** 20], data: new Uint8Array(2 ** 20) };
    await storageOver(inner).submit(new Array(160).fill(image), 'x', '1');
    let held = 0;
    let most = 0;
    const far = changed(inner, {
      async open(key, options) {
        const reader = (await inner.open(key))!;
        expect(options?.byteLength).toBe(reader.byteLength);
        return {
          ...reader,
          async read(into, position) {
            most = Math.max(most, (held += into.length));
            await new Promise((resolve) => setImmediate(resolve));
            await reader.read(into, position);
          },
        };
      },
    });
    const to = changed(new MemoryStore(), {
      create: async () => ({
        write: async (bytes) => {
          await new Promise((resolve) => setImmediate(resolve));
          held -= bytes.length;
        },
        commit: async () => undefined,
        abort: async () => undefined,
      }),
    });
    await storageOver(far).copy('x', '1', storageOver(to));
    expect(held).toBe(0);
    expect(most).toBeGreaterThan(2 ** 22);
    expect(most).toBeLessThanOrEqual(4 * 2 * 2 ** 22);
  });

  test('to a storage of another make submits the records', async () => {
    const { storage } = await stored();
    const given: unknown[] = [];
    const other = {
      async submit(data: DataRef, id: string, version: string, options: object) {
        given.push(data.length, id, version, Object.keys(options));
        return data;
      },
    };
    const copied = await storage.copy('a', '1', other as unknown as Storage, { onProgress: () => undefined });
    expect(given).toEqual([60, 'a', '1', ['onProgress']]);
    expect(await recordsOf(copied)).toEqual(records);
    for (const bad of [undefined, null, {}, 'data', new MemoryStore()])
      await expect(storage.copy('a', '1', bad as never)).rejects.toEqual(failure('INVALID_ARGUMENT', /copy needs a/));
    await expect(storage.copy('a', '1', storage, { to: 1 } as never)).rejects.toEqual(
      failure('INVALID_ARGUMENT', /copy: unknown option "to"/),
    );
    await expect(storage.copy('a', '2', storageOver(new MemoryStore()))).rejects.toEqual(
      failure('NOT_FOUND', /there are versions 1/),
    );
  });
});
