import { describe, expect, jest, test } from '@jest/globals';
import { isDataRefError } from '@dataref/core';
import type { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { tempFolder } from '../temp-folder.js';
import { keysOf, storageOver } from './stored.js';
import { suspendable, WORKS, written } from './suspendable.js';

jest.setTimeout(600_000);
const LEASE_MS = 60;
const options = { leaseTimes: { beatMs: 15, leaseMs: LEASE_MS }, isRunning: () => undefined };
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function contentOf(storage: DatasetStorage): Promise<unknown> {
  if (!(await storage.has('x', '1'))) return undefined;
  expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
  const data = await storage.fetch('x', '1');
  return (await data.read([0, 1])).records();
}

const PLACES: readonly [string, boolean, () => ObjectStore][] = [
  ['in memory where there is none', false, () => new MemoryStore()],
  ['in memory over another', true, () => new MemoryStore()],
  ['in a folder where there is none', false, () => new FileStore(tempFolder())],
  ['in a folder over another', true, () => new FileStore(tempFolder())],
];

describe('a writer that is suspended, taken for dead, and wakes up', () => {
  const cases = PLACES.flatMap(([where, isOver, make]) =>
    WORKS.filter(([, , kind]) => !isOver || kind === 'replaces').map(
      ([what, work, kind]) => [`${what}, ${where}`, work, kind, isOver, make] as const,
    ),
  );

  test.each(cases)('at the put of the manifest: %s: commits nothing', async (_, work, kind, isOver, make) => {
    const inner = make();
    const other = storageOver(inner, options);
    if (isOver) await other.submit(['old', 'as old'], 'x', '1');
    const { store, suspended, wake } = suspendable(
      inner,
      (_call, name, key) => name === 'put' && key.endsWith('dataset.json'),
    );
    const working = work(storageOver(store, options)).then(
      () => undefined,
      (error: unknown) => error,
    );
    await suspended;
    await sleep(2 * LEASE_MS);
    if (kind === 'joins') await other.delete('x', '1');
    else await other.vacuum({ graceMs: 0 });
    expect((await keysOf(inner)).filter((key) => key.endsWith('.arrow'))).toHaveLength(isOver ? 1 : 0);
    wake();
    const error = await working;
    if (error === undefined)
      expect(await contentOf(other)).toEqual(written); // cacheable builds anew
    else {
      expect(error).toMatchObject({ code: 'STORE_FAILED', message: expect.stringMatching(/not heard of for/u) });
      expect(await contentOf(other)).toEqual(isOver ? ['old', 'as old'] : undefined);
    }
    expect(error === undefined).toBe(_.startsWith('a cacheable'));
  });

  test.each(cases.filter(([, , , , make]) => make() instanceof MemoryStore))(
    'at any of its calls: %s: what is there is whole, and of the writer where it did not fail',
    async (_, work, kind, isOver) => {
      for (let at = 0; ; at++) {
        const inner = new MemoryStore();
        const other = storageOver(inner, options);
        if (isOver) await other.submit(['old', 'as old'], 'x', '1');
        const { store, suspended, wake } = suspendable(inner, (call) => call === at);
        const working = work(storageOver(store, options)).then(
          () => undefined,
          (error: unknown) => error,
        );
        const isDone = await Promise.race([suspended.then(() => false), working.then(() => true)]);
        if (isDone) break;
        await sleep(2 * LEASE_MS);
        if (kind === 'joins' && !(await other.has('x', '1'))) await other.delete('x', '1');
        await other.vacuum({ graceMs: 0 });
        wake();
        const error = await working;
        const content = await contentOf(other);
        // A share that was durable may be deleted before it is joined.
        if (error === undefined && kind === 'joins') expect([undefined, written]).toContainEqual(content);
        else if (error === undefined) expect(content).toEqual(written);
        else {
          expect(isDataRefError(error)).toBe(true);
          expect([undefined, ['old', 'as old'], written]).toContainEqual(content);
          if (isOver) expect(content).toBeDefined();
        }
      }
    },
  );

  test.each([
    ['before the put', false],
    ['after the put', true],
  ])('%s: the dataset of another, who committed meanwhile, stays', async (_, isPut) => {
    const inner = new MemoryStore();
    const other = storageOver(inner, options);
    let wasPut = false;
    const { store, suspended, wake } = suspendable(inner, (_call, name, key) => {
      const isNow = isPut ? wasPut : name === 'put' && key.endsWith('dataset.json');
      wasPut ||= name === 'put' && key.endsWith('dataset.json');
      return isNow;
    });
    const working = storageOver(store, options).submit(written, 'x', '1');
    working.catch(() => undefined);
    await suspended;
    await sleep(2 * LEASE_MS);
    await other.vacuum({ graceMs: 0 });
    await other.submit(['third', 'as third'], 'x', '1');
    await other.vacuum({ graceMs: 0 });
    wake();
    await expect(working).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await contentOf(other)).toEqual(['third', 'as third']);
  });
});
