import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays, type ChunkedArray } from '@dataref/arrays';
import { failure } from '../../core/test/expect-error.js';

const GONE = failure('GENERATION_GONE', /^x was replaced, cut or deleted since it was opened; open it anew/u);

afterEach(() => void jest.restoreAllMocks());

/** Arrays of one store as two processes have them, which know nothing of each other. */
function twoProcesses() {
  const store = new MemoryStore();
  // Another object for the same objects.
  const other = new Proxy(store, {
    get(target, name: keyof MemoryStore) {
      const method = target[name];
      return typeof method === 'function' ? (method as () => unknown).bind(target) : method;
    },
  });
  return { store, here: openArrays(new ObjectStorage(store)), elsewhere: openArrays(new ObjectStorage(other)) };
}

async function keysOf(store: MemoryStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys.sort();
}

/** Lets so much time pass for those who look at it. */
function later(ms: number): void {
  const now = performance.now.bind(performance);
  jest.spyOn(performance, 'now').mockImplementation(() => now() + ms);
}

const shapes: [string, readonly number[], readonly number[]][] = [
  ['with axes', [6, 4], [4, 3]],
  ['without axes', [], []],
];

describe.each(shapes)('an array %s', (_, shape, chunk) => {
  const form = { shape, chunk, dtype: 'int32', ifExists: 'replace' } as const;
  const isGone = async (old: ChunkedArray): Promise<void> => {
    await expect(old.get([])).rejects.toThrow(GONE);
    await expect(old.set([], 7)).rejects.toThrow(GONE);
  };

  test.each([1, 2, 3, 4, 5, 6])(
    'that was replaced %p times is GENERATION_GONE to who opened it before, who writes nothing either',
    async (times) => {
      const { store, here } = twoProcesses();
      const old = await here.array('x', form);
      await old.set([], 1);
      let last = old;
      for (let i = 0; i < times; i++) {
        last = await here.array('x', form);
        await last.set([], 10 + i);
      }
      const before = await keysOf(store);
      await isGone(old);
      expect(new Set([await last.get([])].flatMap((v) => (typeof v === 'number' ? v : [...v.data])))).toEqual(
        new Set([9 + times]),
      );
      expect(await keysOf(store)).toEqual(before);
    },
  );

  test('that was deleted is GENERATION_GONE, and so it is where another has its name', async () => {
    const { store, here } = twoProcesses();
    const old = await here.array('x', form);
    await old.set([], 1);
    await here.delete('x');
    await isGone(old);
    expect(await keysOf(store)).toEqual([]);
    await (await here.array('x', form)).set([], 2);
    await isGone(old);
    expect(await (await here.openArray('x')).get(shape.map(() => 0))).toBe(2);
  });

  test.each([1, 2, 3, 4])('replaced %p times elsewhere it is so ten seconds later at the latest', async (times) => {
    const { store, here, elsewhere } = twoProcesses();
    const old = await here.array('x', form);
    await old.set([], 1);
    for (let i = 0; i < times; i++) await (await elsewhere.array('x', form)).set([], 10 + i);
    later(10_001);
    const before = await keysOf(store);
    await isGone(old);
    expect(await keysOf(store)).toEqual(before);
  });

  test('what is written to it as it is deleted elsewhere is an error, and leaves nothing', async () => {
    const { store, here, elsewhere } = twoProcesses();
    const old = await here.array('x', form);
    await old.set([], 1);
    await elsewhere.delete('x');
    await expect(old.set([], 2)).rejects.toThrow(GONE);
    expect(await keysOf(store)).toEqual([]);
  });
});

test('who reads for long looks at the description every ten seconds', async () => {
  const store = new MemoryStore();
  const get = jest.spyOn(store, 'get');
  const x = await openArrays(new ObjectStorage(store)).array('x', { shape: [2], chunk: [1], dtype: 'int8' });
  await x.set([], 1);
  later(10_001);
  for (const reads of [3, 2]) {
    get.mockClear();
    await x.get([]);
    expect(get).toHaveBeenCalledTimes(reads);
  }
});

test('an array that has grown or was cut elsewhere is the same one', async () => {
  const { here, elsewhere } = twoProcesses();
  const x = await here.array('x', { shape: [4], chunk: [2], dtype: 'int8' });
  await x.set([], 1);
  await (await elsewhere.openArray('x')).append([2, 2]);
  later(10_001);
  await x.set([0], 3);
  expect(await x.get([0])).toBe(3);
  expect(await x.append([4])).toBe(6);
});

test('resizing, appending to and reading shapes of an array that was replaced changes nothing of the new one', async () => {
  const { here } = twoProcesses();
  const form = { shape: [4, 4], chunk: [2, 4], dtype: 'int8', recordAxes: 1, ifExists: 'replace' } as const;
  const old = await here.array('x', form);
  const next = await here.array('x', form);
  await next.shapes?.set([0], 2);
  await expect(old.resize(1)).rejects.toThrow(GONE);
  await expect(old.append([[1, 1, 1, 1]])).rejects.toThrow(GONE);
  await expect(old.shapes?.set([0], 1)).rejects.toThrow(failure('GENERATION_GONE', /^x: shapes was replaced/u));
  const now = await here.openArray('x');
  expect([now.shape, await now.shapeOf(0)]).toEqual([[4, 4], [2]]);
});
