import { describe, expect, jest, test } from '@jest/globals';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { failure } from '../expect-error.js';
import { tempFolder } from '../temp-folder.js';
import { keysOf, changed, storageOver } from './stored.js';
import { suspendable, WORKS, written, type Work } from './suspendable.js';

jest.setTimeout(600_000);
const LEASE_MS = 60;
const options = { leaseTimes: { beatMs: 15, leaseMs: LEASE_MS }, isRunning: () => undefined };
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const MANIFEST = 'x/1/dataset.json';

/**
 * A writer that was suspended at a put, taken for dead and cleaned up after, wakes up and dies: its put has come to
 * pass, and nothing after it.
 */
async function dieAtPut(inner: ObjectStore, work: Work, put: RegExp, cleanUp: () => Promise<unknown>): Promise<void> {
  const { store, suspended } = suspendable(inner, (_call, name, key) => name === 'put' && put.test(key));
  let last: (() => Promise<unknown>) | undefined;
  const mortal = changed(store, {
    put: async (key, bytes, io) => {
      if (put.test(key)) last ??= () => inner.put(key, bytes, io);
      return store.put(key, bytes, io);
    },
  });
  void work(storageOver(mortal, options));
  await suspended;
  await sleep(2 * LEASE_MS);
  await cleanUp();
  expect(await last?.()).toBeDefined();
}

const PLACES: readonly [string, () => ObjectStore][] = [
  ['in memory', () => new MemoryStore()],
  ['in a folder', () => new FileStore(tempFolder())],
];

describe.each(PLACES)('a writer taken for dead wakes up, puts what it was to put, and dies: %s', (_, make) => {
  test.each(WORKS)(
    'the manifest of %s: its parts are told to be gone, until it is mended',
    async (what, work, kind) => {
      const inner = make();
      const other = storageOver(inner, options);
      await dieAtPut(inner, work, /dataset\.json$/u, () =>
        kind === 'joins' ? other.delete('x', '1') : other.vacuum({ graceMs: 0 }),
      );
      expect((await keysOf(inner)).filter((key) => /\.(?:arrow|head)$/u.test(key))).toEqual([]);

      const expectGone = async () => {
        const dataset = await other.fetch('x', '1');
        await expect(dataset.read([0])).rejects.toMatchObject({
          code: 'GENERATION_GONE',
          message: expect.stringMatching(/x@1: part 0 is gone .* delete it and store it again/u),
        });
        await expect(dataset.stream()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
          code: 'GENERATION_GONE',
        });
        const { ok, problems } = await other.verify('x', '1');
        expect(ok).toBe(false);
        for (const ending of ['arrow', 'head'])
          expect(problems).toContainEqual(
            failure('CORRUPT', new RegExp(`00000000\\.${ending}: the file is missing`, 'u')),
          );
        await expect(other.copy('x', '1', storageOver(new MemoryStore()))).rejects.toMatchObject({ code: 'CORRUPT' });
      };
      await expectGone();
      await other.vacuum({ graceMs: 0 });
      expect(await keysOf(inner)).toEqual([MANIFEST]);
      await expectGone();

      // Who creates is told that there is one; who replaces mends it, and so does who deletes it before.
      if (kind !== 'replaces') {
        const again = work(other);
        if (!what.startsWith('a cacheable')) await expect(again).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
        await again.catch(() => undefined);
        await expectGone();
        expect(await other.delete('x', '1')).toBe(true);
      }
      await work(other);
      expect((await (await other.fetch('x', '1')).read([0, 1])).records()).toEqual(written);
      await other.vacuum({ graceMs: 0 });
      expect(await other.verify('x', '1')).toEqual({ ok: true, problems: [] });
    },
  );

  test('a share: the commit names it, and it is submitted again', async () => {
    const inner = make();
    const other = storageOver(inner, options);
    const share = (storage: typeof other, part: number) =>
      storage.writer('x', '1', { part, of: 2 }).submit([written[part]]);
    await dieAtPut(
      inner,
      (storage) => share(storage, 1),
      /1-of-2\.json$/u,
      () => other.vacuum({ graceMs: 0 }),
    );
    const incomplete = { code: 'CORRUPT', message: expect.stringMatching(/share 1 of 2 of x@1: .* submit the share/u) };
    await expect(share(other, 0)).rejects.toMatchObject(incomplete);
    await other.vacuum();
    await expect(other.fetch('x', '1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await share(other, 1);
    expect(await other.verify('x', '1')).toEqual({ ok: true, problems: [] });
    expect((await (await other.fetch('x', '1')).read([0, 1])).records()).toEqual(written);
  });
});
