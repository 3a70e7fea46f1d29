import { describe, expect, jest, test } from '@jest/globals';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { withCache } from '@dataref/core/cache';
import type { ObjectReader } from '../../../dist/store/object-store.js';
import { openBelow } from '../../open-here.js';
import { tempFolder } from '../../temp-folder.js';
import { FarStore, passing } from './far-store.js';
import { bytesIn, copiesIn, filesIn, makeCache, until } from './made-caches.js';
import { expectBytes, openObject, pattern, putObject, readAll } from './objects.js';

jest.setTimeout(600_000); // much is written, and the machine may be busy

const MEGABYTE = 2 ** 20;

/** Of files that are open here still, though they were removed. */
function removedBytes(directory: string): number {
  const removed = openBelow(directory).filter((file) => file.isFile() && file.nlink === 0);
  return removed.reduce((sum, { size }) => sum + size, 0);
}

describe('a cache', () => {
  test("'parts' downloads an object once, at its first read, and reads the copy from then on, also in the next process", async () => {
    const far = new FarStore();
    const object = await putObject(far, 'a/b/1.arrow', 9 * MEGABYTE + 5);
    const directory = tempFolder();
    const cache = makeCache(far, { directory, limitBytes: 20 * MEGABYTE, read: 'parts' });
    const reader = await openObject(cache, object);
    expect([far.totalBytes, reader.readSync]).toEqual([0, undefined]);
    const into = new Uint8Array(1000);
    await reader.read(into, 5 * MEGABYTE);
    expectBytes(into, object.bytes.subarray(5 * MEGABYTE, 5 * MEGABYTE + 1000));
    expect(far.totalBytes).toBe(object.byteLength);
    const again = new Uint8Array(77);
    reader.readSync?.(again, object.byteLength - 77);
    expectBytes(again, object.bytes.subarray(-77));
    await reader.readRanges([
      { into, position: 1 },
      { into: again, position: 9 * MEGABYTE - 72 },
    ]);
    expectBytes(into, object.bytes.subarray(1, 1001));
    expectBytes(again, object.bytes.subarray(9 * MEGABYTE - 72));
    await reader.close();
    await reader.close();
    await expect(reader.read(into, 0)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await cache.close();
    const next = makeCache(far, { directory, limitBytes: 20 * MEGABYTE });
    const opened = await openObject(next, object);
    expect(opened.readSync).toBeDefined();
    expectBytes(await readAll(next, object), object.bytes);
    expect(far.totalBytes).toBe(object.byteLength);
    await opened.close();
  });

  test("'auto' reads ranges at once while the object is on its way, and then the copy, without the thread pool", async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 3 * MEGABYTE);
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: 4 * MEGABYTE });
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const reader = await openObject(cache, object);
    const into = new Uint8Array(10);
    far.before = async (_, signal) => (signal === undefined ? undefined : gate); // the download alone has a signal
    await reader.read(into, 100);
    expectBytes(into, object.bytes.subarray(100, 110));
    expect(reader.readSync).toBeUndefined();
    release();
    await until(() => reader.readSync !== undefined, 'the copy');
    const count = far.reads.length;
    reader.readSync?.(into, 200);
    await reader.read(into.subarray(5), 300);
    expect(into).toEqual(Uint8Array.of(...object.bytes.subarray(200, 205), ...object.bytes.subarray(300, 305)));
    expect(far.reads).toHaveLength(count);
    expect(far.totalBytes).toBe(object.byteLength + 10);
    await reader.close();
  });

  test("'ranges', objects larger than the limit, and objects of which nothing is known pass through", async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 1000);
    const directory = tempFolder();
    const { key, byteLength, crc32 } = object;
    for (const [read, limitBytes, options] of [
      ['ranges', 2000, { byteLength, crc32 }],
      ['parts', 999, { byteLength, crc32 }],
      ['parts', 2000, { byteLength }],
      ['parts', 2000, { crc32 }],
      ['auto', 0, { byteLength, crc32 }],
    ] as const) {
      far.reads.length = 0;
      const cache = makeCache(far, { directory, limitBytes, read });
      const reader = await cache.open(key, options);
      await reader?.read(new Uint8Array(7), 3);
      await cache.settled();
      expect(far.reads).toEqual([{ key, position: 3, byteLength: 7 }]);
      await reader?.close();
    }
    expect(filesIn(directory)).toEqual([]);
  });

  test('refuses options that are none', () => {
    const far = new FarStore();
    for (const options of [
      { directory: '', limitBytes: 1 },
      { directory: 'd', limitBytes: -1 },
      { directory: 'd', limitBytes: 1.5 },
      { directory: 'd', limitBytes: 1, read: 'never' },
      { directory: 'd', limitBytes: 1, size: 1 },
      { limitBytes: 1 },
    ])
      expect(() => withCache(far, options as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test.each([
    ['a flipped byte', (path: string) => flip(path, 70_000)],
    ['a truncated end', (path: string) => truncateSync(path, 99_999)],
    ['nothing left', (path: string) => truncateSync(path, 0)],
    ['something appended', (path: string) => writeFileSync(path, 'x', { flag: 'a' })],
  ])('never shows a copy with %s, and fetches it anew', async (_, spoil) => {
    for (const isSameProcess of [true, false]) {
      const far = new FarStore();
      const object = await putObject(far, 'k', 100_000);
      const directory = tempFolder();
      const options = { directory, limitBytes: 200_000, read: 'parts' } as const;
      const first = makeCache(far, options);
      await readAll(first, object);
      spoil(copiesIn(directory)[0] as string);
      const second = isSameProcess ? first : makeCache(far, options);
      expectBytes(await readAll(second, object), object.bytes);
      expect(far.totalBytes).toBe(200_000);
      expectBytes(readFileSync(copiesIn(directory)[0] as string), object.bytes);
    }
  });

  test('a copy that goes bad while it is open is found out by a recheck, and a right one stays', async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 100_000);
    const directory = tempFolder();
    const cache = makeCache(far, { directory, limitBytes: 200_000, read: 'parts' });
    const reader = await openObject(cache, object);
    const into = new Uint8Array(100_000);
    await reader.read(into, 0);
    expect(await reader.recheck?.()).toBe(false);
    const [path] = copiesIn(directory) as [string];
    const { mtimeMs } = statSync(path);
    flip(path, 5);
    utimesSync(path, Date.now() / 1000, mtimeMs / 1000); // as if the disk had done it
    reader.readSync?.(into, 0);
    expect(Buffer.compare(into, object.bytes)).not.toBe(0);
    expect(await reader.recheck?.()).toBe(true);
    expect(reader.readSync).toBeUndefined();
    await reader.read(into, 0);
    expectBytes(into, object.bytes);
    expect(far.totalBytes).toBe(200_000);
    await reader.close();
  });

  test('a copy cut short while it is open is a failure that a recheck mends, or none at all', async () => {
    for (const isSync of [true, false]) {
      const far = new FarStore();
      const object = await putObject(far, 'k', 100_000);
      const directory = tempFolder();
      const cache = makeCache(far, { directory, limitBytes: 200_000, read: 'parts' });
      const reader = await openObject(cache, object);
      await reader.read(new Uint8Array(1), 0);
      const { readSync } = reader;
      truncateSync(copiesIn(directory)[0] as string, 10);
      const into = new Uint8Array(90_000);
      if (isSync) {
        expect(() => readSync?.(into, 10)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
        expect(await reader.recheck?.()).toBe(true);
      }
      await reader.read(into, 10);
      expectBytes(into, object.bytes.subarray(10, 90_010));
      await reader.close();
    }
  });

  test('a file that was removed is let go of within a second, and its readers go on', async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 1000);
    const directory = tempFolder();
    const cache = makeCache(far, { directory, limitBytes: 2000, read: 'parts' });
    const reader = await openObject(cache, object);
    await reader.read(new Uint8Array(1), 0);
    rmSync(directory, { recursive: true });
    await until(() => reader.readSync === undefined, 'the reader lets go');
    const into = new Uint8Array(1000);
    await reader.read(into, 0);
    expectBytes(into, object.bytes);
    expect(copiesIn(directory)).toHaveLength(1);
    await reader.close();
  });

  test('an evicted file is let go of at once, and its readers go on', async () => {
    const far = new FarStore();
    const [a, b] = [await putObject(far, 'a', 1000, 1), await putObject(far, 'b', 1000, 2)];
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: 1500, read: 'parts' });
    const reader = await openObject(cache, a);
    await reader.read(new Uint8Array(1), 0);
    expect(reader.readSync).toBeDefined();
    expectBytes(await readAll(cache, b), b.bytes);
    expect(reader.readSync).toBeUndefined();
    const into = new Uint8Array(1000);
    await reader.read(into, 0);
    expectBytes(into, a.bytes);
    await reader.close();
  });

  test.each(['parts', 'auto'] as const)(
    '%s: files that are evicted while another process reads them take no room any more, but for those that have a second name',
    async (read) => {
      const far = new FarStore();
      const objects = await Promise.all(Array.from({ length: 12 }, (_, i) => putObject(far, `${i}`, 100_000, i)));
      const directory = tempFolder();
      const options = { directory, limitBytes: 350_000, read } as const;
      const [one, other] = [makeCache(far, options), makeCache(far, options)];
      const readers: ObjectReader[] = [];
      let linked: string | undefined;
      for (const object of objects) {
        for (const cache of [one, other]) {
          const reader = await openObject(cache, object);
          readers.push(reader);
          await reader.read(new Uint8Array(1), 0);
          await cache.settled();
        }
        if (linked === undefined) {
          const [copy] = copiesIn(directory) as [string];
          linked = join(directory, 'second-name');
          linkSync(copy, linked);
        }
        const inFolder = bytesIn(join(directory, 'dataref-cache'));
        expect(inFolder).toBeGreaterThan(0);
        expect(inFolder + removedBytes(directory)).toBeLessThanOrEqual(350_000);
      }
      for (const [i, reader] of readers.entries()) {
        const into = new Uint8Array(100_000);
        await reader.read(into, 0);
        expectBytes(into, (objects[i >> 1] as (typeof objects)[0]).bytes);
        await reader.close();
      }
      expectBytes(readFileSync(linked as string), (objects[0] as (typeof objects)[0]).bytes);
    },
  );

  test('without a forecast, what was used longest ago goes first, whoever used it', async () => {
    const far = new FarStore();
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map((key, i) => putObject(far, key, 1000, i)));
    const directory = tempFolder();
    const options = { directory, limitBytes: 3500, read: 'parts' } as const;
    const [one, other] = [makeCache(far, options), makeCache(far, options)];
    for (const object of [a, b, c]) await readAll(one, object as NonNullable<typeof a>);
    for (const [i, path] of copiesIn(directory).entries()) utimesSync(path, 1000 + i, statSync(path).mtimeMs / 1000);
    await readAll(other, a as NonNullable<typeof a>);
    await readAll(one, c as NonNullable<typeof a>);
    await readAll(other, d as NonNullable<typeof a>);
    far.reads.length = 0;
    for (const object of [a, c, d]) await readAll(other, object as NonNullable<typeof a>);
    expect(far.reads).toEqual([]);
    await readAll(other, b as NonNullable<typeof a>);
    expect(far.reads).toHaveLength(1);
  });

  test('a lower limit holds from the first use on', async () => {
    const far = new FarStore();
    const objects = await Promise.all(Array.from({ length: 8 }, (_, i) => putObject(far, `${i}`, 1000, i)));
    const directory = tempFolder();
    const first = makeCache(far, { directory, limitBytes: 8000, read: 'parts' });
    for (const object of objects) await readAll(first, object);
    expect(bytesIn(directory)).toBe(8000);
    await first.close();
    const second = makeCache(far, { directory, limitBytes: 3000 });
    await (await openObject(second, objects[7] as (typeof objects)[0])).close();
    await until(() => bytesIn(directory) <= 3000, 'the limit');
  });

  test('two caches in different directories know nothing of each other, and files of others are never touched', async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 1000);
    const [one, other] = [tempFolder(), tempFolder()];
    writeFileSync(join(one, 'mine'), 'x'.repeat(5000));
    mkdirSync(join(one, 'dataref-cache'));
    writeFileSync(join(one, 'dataref-cache', 'note'), 'y'.repeat(500));
    for (const directory of [one, other])
      await readAll(makeCache(far, { directory, limitBytes: 1500, read: 'parts' }), object);
    expect([copiesIn(one).length, copiesIn(other).length, far.totalBytes]).toEqual([1, 1, 2000]);
    const bigger = await putObject(far, 'l', 1100, 2);
    expect(await readAll(makeCache(far, { directory: one, limitBytes: 1500, read: 'parts' }), bigger)).toEqual(
      bigger.bytes,
    );
    expect(copiesIn(one).length).toBe(1); // no room beside the note, which is counted
    expect(filesIn(one).filter((path) => /mine|note/u.test(path))).toHaveLength(2);
  });

  test('no path from outside reaches a file name', async () => {
    const far = new FarStore();
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: 2000, read: 'parts' });
    for (const key of ['../../x', '/etc/passwd', 'a/../../b'])
      await expect(cache.open(key, { byteLength: 1, crc32: 1 })).rejects.toMatchObject({ code: 'INVALID_ID' });
    const object = await putObject(far, `${'long'.repeat(60)}/${'%2F..'.repeat(40)}`, 100);
    expectBytes(await readAll(cache, object), object.bytes);
  });
});

describe('a cache over a store that fails', () => {
  test("'parts' tells a passing failure to its reader, and reads at the next attempt", async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 1000);
    const directory = tempFolder();
    const cache = makeCache(far, { directory, limitBytes: 2000, read: 'parts' });
    far.before = () => Promise.reject(passing());
    await expect(readAll(cache, object)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await cache.settled();
    expect(bytesIn(directory)).toBe(0);
    far.before = async () => undefined;
    expectBytes(await readAll(cache, object), object.bytes);
    expect(copiesIn(directory)).toHaveLength(1);
  });

  test("'auto' is silent about a failing download, which goes on where it stood", async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 30 * MEGABYTE);
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: 40 * MEGABYTE });
    let failures = 0;
    far.before = async (_, signal) => {
      if (signal !== undefined && far.reads.length > 6 && failures++ === 0) throw passing();
    };
    const reader = await openObject(cache, object);
    const into = new Uint8Array(1000);
    await reader.read(into, 20 * MEGABYTE);
    expectBytes(into, object.bytes.subarray(20 * MEGABYTE, 20 * MEGABYTE + 1000));
    await until(() => reader.readSync !== undefined, 'the copy');
    expect(failures).toBeGreaterThan(0);
    expect(far.reads.filter(({ position, byteLength }) => position === 0 && byteLength > 1000)).toHaveLength(1);
    await reader.close();
  });

  test.each([1, 2])('bytes spoilt on their way %d times in a row never reach a reader', async (times) => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 100_000);
    const directory = tempFolder();
    const cache = makeCache(far, { directory, limitBytes: 200_000, read: 'parts' });
    let spoilt = 0;
    far.spoil = (_, bytes) => {
      if (spoilt++ < times) bytes[50_000] = (bytes[50_000] as number) ^ 1;
    };
    const reading = readAll(cache, object);
    if (times === 1) expectBytes(await reading, object.bytes);
    else await expect(reading).rejects.toMatchObject({ code: 'CORRUPT', details: { key: 'k' } });
    expect(copiesIn(directory)).toHaveLength(2 - times);
    expect(filesIn(directory)).toHaveLength(2 - times);
    expectBytes(await readAll(cache, object), object.bytes);
  });

  test('what is gone from the store is gone for its readers, and a copy of it stays readable', async () => {
    const far = new FarStore();
    const [a, b] = [await putObject(far, 'a', 1000), await putObject(far, 'b', 1000)];
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: 2000, read: 'parts' });
    await readAll(cache, a);
    await Promise.all([far.delete('a'), far.delete('b')]);
    expect(await cache.open('b', { byteLength: 1000, crc32: b.crc32 })).toBeUndefined();
    expectBytes(await readAll(cache, a), a.bytes);
  });

  test('a directory that cannot be used costs nothing but the copies', async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 1000);
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    const readOnly = tempFolder(); // for all but root
    chmodSync(readOnly, 0o555);
    for (const directory of [join(file, 'below'), readOnly])
      for (const read of ['parts', 'auto'] as const) {
        const cache = makeCache(far, { directory, limitBytes: 2000, read });
        expectBytes(await readAll(cache, object), object.bytes);
        await cache.settled();
        expectBytes(await readAll(cache, object), object.bytes);
      }
  });
});

describe('readers of one object', () => {
  test('share one download, which ends when the last of them gives up', async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 1000);
    const directory = tempFolder();
    const cache = makeCache(far, { directory, limitBytes: 2000, read: 'parts' });
    const readers = await Promise.all([1, 2, 3].map(() => openObject(cache, object)));
    let release: () => void = () => undefined;
    let ended = 0;
    const hang = (): void => {
      const gate = new Promise<void>((resolve) => (release = resolve));
      far.before = async (_, signal) => {
        signal?.addEventListener('abort', () => ended++);
        await gate;
      };
    };
    hang();
    const aborts = readers.map(() => new AbortController());
    const start = () =>
      readers.map((reader, i) =>
        reader.read(new Uint8Array(1000), 0, { signal: (aborts[i] as AbortController).signal }),
      );
    const reads = start();
    await until(() => far.underWay === 1, 'the download');
    const reason = new Error('enough');
    (aborts[0] as AbortController).abort(reason);
    await expect(reads[0]).rejects.toBe(reason);
    expect(ended).toBe(0);
    (aborts[1] as AbortController).abort(reason);
    (aborts[2] as AbortController).abort(reason);
    await expect(Promise.all([reads[1], reads[2]])).rejects.toBe(reason);
    await until(() => ended > 0, 'the end of the download');
    release();
    await cache.settled();
    expect(filesIn(directory)).toEqual([]);
    hang();
    readers.forEach((_, i) => (aborts[i] = new AbortController()));
    const [first, ...others] = start();
    await until(() => far.underWay === 1, 'the next download');
    (aborts[0] as AbortController).abort(reason);
    await expect(first).rejects.toBe(reason);
    release();
    await Promise.all(others);
    expect(far.totalBytes).toBe(1000);
    await Promise.all(readers.map((reader) => reader.close()));
  });

  test('close ends what is under way, and whoever reads goes on by ranges', async () => {
    const far = new FarStore();
    const object = await putObject(far, 'k', 1000);
    const directory = tempFolder();
    const cache = makeCache(far, { directory, limitBytes: 2000, read: 'parts' });
    far.before = (_, signal) =>
      signal === undefined
        ? Promise.resolve()
        : new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const into = new Uint8Array(1000);
    const reader = await openObject(cache, object);
    const reading = reader.read(into, 0);
    await until(() => far.underWay === 1, 'the download');
    await cache.close();
    await reading;
    expectBytes(into, object.bytes);
    expect(filesIn(directory)).toEqual([]);
    await reader.close();
  });

  test('at most two objects are downloaded at once, and those that are waited for come first', async () => {
    const far = new FarStore();
    const objects = await Promise.all(Array.from({ length: 6 }, (_, i) => putObject(far, `${i}`, 1000, i)));
    const cache = makeCache(far, { directory: tempFolder(), limitBytes: 10_000, read: 'parts' });
    let most = 0;
    far.before = async () => {
      most = Math.max(most, far.underWay);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    expect(await Promise.all(objects.map((object) => readAll(cache, object)))).toEqual(
      objects.map(({ bytes }) => bytes),
    );
    expect([most, far.totalBytes]).toEqual([2, 6000]);
  });
});

function flip(path: string, position: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Uint8Array.of((readFileSync(path)[position] as number) ^ 0x10), 0, 1, position);
}

test('patterns differ', () => expect(pattern(100, 1)).not.toEqual(pattern(100, 2)));
