import { readFileSync } from 'node:fs';
import { expect, jest, test } from '@jest/globals';
import { MemoryStore, ObjectStorage, type ObjectStore } from '@dataref/core/store';
import { importHubV1, openArrays, slice, type Arrays, type ChunkedArray } from '@dataref/arrays';
import { failure } from '../../core/test/expect-error.js';
import { scale } from '../../core/test/scale.js';
import { withRoom } from '../../core/test/storage/store-with-room.js';

jest.setTimeout(600_000);
const FULL = failure('DISK_FULL', /no room/u);
const FORM = { shape: [6, 4], chunk: [2, 3], dtype: 'int32', recordAxes: 1 } as const;
/** Bytes by which a disk is larger than the one before. */
const EVERY = scale < 1 ? 19 : 1;

async function valuesOf(array: ChunkedArray): Promise<number[]> {
  return Array.from(((await array.get([])) as { readonly data: Int32Array }).data);
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys.sort();
}

/**
 * Does a thing on disks that are full after more and more bytes, until it comes to pass.
 * @param check what a full disk has left, of which every object can be read and written again
 */
async function onFullDisks(
  prepare: (arrays: Arrays) => Promise<unknown>,
  act: (arrays: Arrays) => Promise<unknown>,
  check: (arrays: Arrays, store: ObjectStore, before: readonly string[]) => Promise<void>,
): Promise<number> {
  for (let full = 0; ; full++) {
    const store = new MemoryStore();
    const arrays = openArrays(new ObjectStorage(store));
    await prepare(arrays);
    const before = await keysOf(store);
    const outcome = act(openArrays(new ObjectStorage(withRoom(store, full * EVERY))));
    const isDone = await outcome.then(
      () => true,
      () => false,
    );
    if (isDone) return full;
    await expect(outcome).rejects.toThrow(FULL);
    await check(arrays, store, before);
  }
}

const old = async (arrays: Arrays): Promise<void> => (await arrays.array('x', FORM)).set([], 1);

test('what is written to a disk that is full leaves every chunk old or new, and the same again writes all', async () => {
  const set = async (arrays: Arrays): Promise<void> => (await arrays.openArray('x')).set([slice(1, 6)], 2);
  const times = await onFullDisks(old, set, async (arrays) => {
    const values = await valuesOf(await arrays.openArray('x'));
    for (const row of [0, 2, 4])
      for (const columns of [[0, 1, 2], [3]]) {
        const [first, second] = [row, row + 1].map((at) => new Set(columns.map((column) => values[4 * at + column])));
        expect([new Set([1]), new Set([2])]).toContainEqual(second);
        expect(first).toEqual(row === 0 ? new Set([1]) : second);
      }
    await set(arrays);
    expect(await valuesOf(await arrays.openArray('x'))).toEqual([...Array(4).fill(1), ...Array(20).fill(2)]);
  });
  expect(times).toBeGreaterThan(10);
});

test('an array that finds no room is not there, and one that it was to replace is whole', async () => {
  const make = async (arrays: Arrays): Promise<unknown> => arrays.array('x', { ...FORM, ifExists: 'replace' });
  expect(
    await onFullDisks(
      async () => undefined,
      make,
      async (arrays) => {
        expect(await arrays.has('x')).toBe(false);
        await make(arrays);
        expect(await valuesOf(await arrays.openArray('x'))).toEqual(Array(24).fill(0));
      },
    ),
  ).toBeGreaterThan(10);
  await onFullDisks(old, make, async (arrays) => {
    expect(await valuesOf(await arrays.openArray('x'))).toEqual(Array(24).fill(1));
    await make(arrays);
    expect(await valuesOf(await arrays.openArray('x'))).toEqual(Array(24).fill(0));
  });
});

test('what is appended to a disk that is full leaves all that was there, and places that were never written', async () => {
  const append = async (arrays: Arrays): Promise<number> =>
    (await arrays.openArray('x')).append([
      [2, 2, 2, 2],
      [2, 2, 2, 2],
    ]);
  await onFullDisks(old, append, async (arrays) => {
    const values = await valuesOf(await arrays.openArray('x'));
    expect(values.slice(0, 24)).toEqual(Array(24).fill(1));
    for (const value of values.slice(24)) expect([0, 2]).toContain(value);
    expect([24, 32]).toContain(values.length);
    expect(4 * (await append(arrays))).toBe(values.length);
  });
});

test('an import that finds no room leaves nothing', async () => {
  const { files } = JSON.parse(readFileSync(new URL('hub-v1/golden/hub-v1.json', import.meta.url), 'utf8')) as {
    readonly files: Readonly<Record<string, string>>;
  };
  const from = { read: async (path: string) => files[path] && Buffer.from(files[path], 'base64') } as const;
  const run = (arrays: Arrays): Promise<unknown> => importHubV1(arrays, from as never, 'dynamic');
  await onFullDisks(
    async () => undefined,
    run,
    async (arrays, store) => {
      expect((await keysOf(store)).filter((key) => !key.includes('%shapes-'))).toEqual([]);
      expect(await arrays.has('dynamic')).toBe(false);
      await run(arrays);
    },
  );
});
