import { describe, expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromColumns, isDataRefError, ndarray, type DataRef } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { scale } from '../scale.js';
import { listing, tempFolder } from '../temp-folder.js';
import { exactly } from './any-dataset.js';
import { storageOver } from './stored.js';

jest.setTimeout(600_000);

/** Every place at scale 1, else every fifth. */
const STRIDE = scale < 1 ? 5 : 1;

/** With wide and narrow columns, so that there is a head file, and without. */
const DATASETS: Readonly<Record<string, () => DataRef>> = {
  'columns of every kind': () =>
    fromColumns({
      image: ndarray(
        Uint8Array.from({ length: 3 * 20 }, (_, i) => i),
        [3, 20],
      ),
      label: Int16Array.of(1, 2, 3),
      text: ['a', '', 'ccc'],
      boxes: [
        ndarray(Int8Array.of(1, 2), [1, 2]),
        ndarray(Int8Array.of(1, 2), [1, 2]),
        ndarray(Int8Array.of(3, 4), [1, 2]),
      ],
    }),
  'narrow columns alone': () => fromColumns({ x: Float64Array.of(1, 2, 3), y: Uint8Array.of(1, 2, 3) }),
};

async function stored(make: () => DataRef) {
  const store = new MemoryStore();
  const storage = storageOver(store);
  await storage.submit(make(), 'x', '1');
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  const whole = exactly(make().length === 3 ? (await make().read([0, 1, 2])).records() : []);
  return { store, storage, whole, keys };
}

async function outcome(action: () => Promise<unknown>): Promise<string> {
  try {
    return exactly(await action());
  } catch (error) {
    if (isDataRefError(error, 'CORRUPT')) return 'CORRUPT';
    throw error;
  }
}

/** A pass over the whole stream, again and again, until the data is resident or found damaged. */
async function streamed(dataref: DataRef): Promise<unknown> {
  let records: unknown[] = [];
  for (let pass = 0; pass < 3; pass++) {
    records = [];
    for await (const record of dataref.stream()) {
      records.push(record);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return records;
}

describe.each(Object.entries(DATASETS))('one flipped byte, at every place of the files of %s', (_, make) => {
  test('is found by verify, never shown by verified reads, and refused when the data is loaded whole', async () => {
    const { store, storage, whole, keys } = await stored(make);
    const files = keys.filter((key) => !key.endsWith('.json'));
    expect(files.length).toBeGreaterThan(0);
    let refused = 0;
    for (const key of files) {
      const bytes = (await store.get(key, 2 ** 20))!.bytes;
      for (let at = 0; at < bytes.length; at += STRIDE) {
        const flipped = Uint8Array.from(bytes);
        flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
        await store.put(key, flipped);
        const { ok, problems } = await storage.verify('x', '1');
        expect([key, at, ok, problems.length]).toEqual([key, at, false, 1]);
        expect(problems[0]).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(key) });
        const byPosition = storageOver(store, { memoryLimitBytes: 2 ** 16, verifyReads: true });
        const read = await outcome(async () => (await (await byPosition.fetch('x', '1')).read([0, 1, 2])).records());
        expect(['CORRUPT', whole]).toContain(read);
        if (read === 'CORRUPT') refused++;
        // A head of its own is read by position alone; the part itself is loaded whole.
        if (at % STRIDE ** 2 !== 0) continue;
        const loaded = await outcome(async () => streamed(await storageOver(store).fetch('x', '1')));
        expect(key.endsWith('.head') ? ['CORRUPT', whole] : ['CORRUPT']).toContain(loaded);
      }
      await store.put(key, bytes);
    }
    expect(refused).toBeGreaterThan(20 / STRIDE);
    expect((await storage.verify('x', '1')).ok).toBe(true);
  });

  test('in the manifest is CORRUPT at fetch, naming the file', async () => {
    const { store, storage } = await stored(make);
    const bytes = (await store.get('x/1/dataset.json', 2 ** 20))!.bytes;
    for (let at = 0; at < bytes.length; at += STRIDE) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      await store.put('x/1/dataset.json', flipped);
      await expect(storage.fetch('x', '1')).rejects.toMatchObject({
        code: 'CORRUPT',
        message: expect.stringContaining('x/1/dataset.json'),
      });
    }
  });

  test('cut at any length: every file is found by verify and by reading', async () => {
    const { store, storage, keys } = await stored(make);
    for (const key of keys) {
      const bytes = (await store.get(key, 2 ** 20))!.bytes;
      for (let length = 0; length < bytes.length; length += 7 * STRIDE) {
        await store.put(key, bytes.slice(0, length));
        const fresh = storageOver(store, { memoryLimitBytes: 0 });
        const read = await outcome(async () => (await (await fresh.fetch('x', '1')).read([0, 1, 2])).records());
        if (!key.endsWith('.head')) expect([key, length, read]).toEqual([key, length, 'CORRUPT']);
        if (key.endsWith('.json')) continue;
        expect((await storage.verify('x', '1')).problems).toMatchObject([
          {
            code: 'CORRUPT',
            message: expect.stringMatching(new RegExp(`has ${length} bytes, expected ${bytes.length}`, 'u')),
          },
        ]);
      }
      await store.put(key, bytes);
    }
  });
});

describe('a part that is no file any more', () => {
  async function onDisk() {
    const folder = tempFolder();
    await new FileStorage(folder).submit(DATASETS['columns of every kind']?.() as DataRef, 'x', '1');
    const part = listing(folder).find((path) => path.endsWith('.arrow')) as string;
    return { folder, path: join(folder, part), part, storage: new FileStorage(folder, { memoryLimitBytes: 0 }) };
  }
  const readAll = async (storage: FileStorage) => (await storage.fetch('x', '1')).read([0, 1, 2]);

  test('a symbolic link is not followed, not even to the same bytes', async () => {
    const { path, storage, folder } = await onDisk();
    renameSync(path, join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), path);
    await expect(readAll(storage)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/00000000\.arrow.*symbolic link, which is not followed/u),
    });
    expect(await storage.verify('x', '1')).toMatchObject({ ok: false, problems: [{ code: 'STORE_FAILED' }] });
  });

  test('a pipe, which nobody writes into, does not make it wait', async () => {
    const { path, storage } = await onDisk();
    rmSync(path);
    expect(spawnSync('mkfifo', [path]).status).toBe(0);
    await expect(readAll(storage)).rejects.toMatchObject({ code: 'GENERATION_GONE' });
    expect(await storage.verify('x', '1')).toMatchObject({ ok: false, problems: [{ code: 'CORRUPT' }] });
  });

  test('a folder', async () => {
    const { path, storage } = await onDisk();
    rmSync(path);
    mkdirSync(path);
    await expect(readAll(storage)).rejects.toMatchObject({ code: 'GENERATION_GONE' });
  });

  test('nothing: GENERATION_GONE, naming the dataset and the part', async () => {
    const { path, storage } = await onDisk();
    rmSync(path);
    await expect(readAll(storage)).rejects.toMatchObject({
      code: 'GENERATION_GONE',
      message: expect.stringMatching(/x@1: part 0 is gone/u),
    });
    expect(await storage.verify('x', '1')).toMatchObject({
      ok: false,
      problems: [{ code: 'CORRUPT', message: expect.stringMatching(/00000000\.arrow: the file is missing/u) }],
    });
  });

  test('cut short while it is open', async () => {
    const { path, storage } = await onDisk();
    const iterator = (await storage.fetch('x', '1')).stream()[Symbol.asyncIterator]();
    await iterator.next();
    truncateSync(path, 10);
    await expect(iterator.next()).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/00000000\.arrow: ends at byte/u),
    });
  });

  test('the manifest of another dataset is refused, naming both', async () => {
    const { folder, storage } = await onDisk();
    await storage.submit([1], 'y', '1');
    writeFileSync(join(folder, 'x/1/dataset.json'), readFileSync(join(folder, 'y/1/dataset.json')));
    await expect(storage.fetch('x', '1')).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/is the manifest of y@1, expected x@1/u),
    });
  });
});
