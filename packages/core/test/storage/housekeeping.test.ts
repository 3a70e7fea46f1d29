import { describe, expect, jest, test } from '@jest/globals';
import { DataRefError, type Progress } from '@dataref/core';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectInfo, ObjectStore } from '../../dist/store/object-store.js';
import { failure } from '../expect-error.js';
import { changed, keysOf, storageOver, storeParts } from './stored.js';
import { field } from '@dataref/core';

jest.setTimeout(600_000);

/** A store as a bucket is: far away, its lists in pages, its times whole seconds. Counts requests under way. */
function bucket(inner: MemoryStore, changes: Partial<ObjectStore> = {}) {
  const counts = { most: 0, requests: 0 };
  let underWay = 0;
  const far = async <T>(request: () => Promise<T>): Promise<T> => {
    counts.requests++;
    counts.most = Math.max(counts.most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 1));
    underWay--;
    return request();
  };
  const inSeconds = (info: ObjectInfo): ObjectInfo => ({
    ...info,
    modifiedMs: Math.floor(info.modifiedMs / 1000) * 1000,
  });
  const store = changed(inner, {
    head: (key) => far(() => inner.head(key)).then((info) => info && inSeconds(info)),
    get: (key, limit) => far(() => inner.get(key, limit)),
    put: (key, bytes, options) => far(() => inner.put(key, bytes, options)),
    open: (key) => far(() => inner.open(key)),
    delete: (key) => far(() => inner.delete(key)),
    listFolders: (prefix) => far(() => inner.listFolders(prefix)),
    async *list(prefix) {
      let page: ObjectInfo[] = [];
      for await (const info of inner.list(prefix)) {
        page.push(inSeconds(info));
        if (page.length < 100) continue;
        await far(async () => undefined);
        yield* page;
        page = [];
      }
      await far(async () => undefined);
      yield* page;
    },
    ...changes,
  });
  return { store, counts };
}

const name = (n: number) => n.toString(16).padStart(16, '0');

/** Leftovers of dead writers: so many files in each of some generations. */
async function leftovers(inner: MemoryStore, generations: number, files: number, id = 'x'): Promise<void> {
  for (let g = 0; g < generations; g++) {
    for (let i = 0; i < files; i++)
      await inner.put(`${id}/1/data/${name(g)}/${String(i).padStart(8, '0')}.arrow`, new Uint8Array(10));
    await inner.put(`${id}/1/data/${name(g)}/writer.json`, new TextEncoder().encode('{"writer":"dead"}'));
  }
}
const isRunning = (writer: unknown) => (writer === 'dead' ? false : undefined);

describe('in a bucket', () => {
  test('vacuum removes thousands of leftovers some sixteen at a time, and says how far it is', async () => {
    const inner = new MemoryStore();
    await leftovers(inner, 3, 700);
    for (let d = 0; d < 40; d++) await leftovers(inner, 1, 3, `d${d}`);
    const { store, counts } = bucket(inner);
    let swept = 0;
    const storage = storageOver({ ...store, sweep: async () => ++swept * 1000 }, { isRunning });
    await storage.submit([1, 2], 'kept', '1');
    counts.most = 0;
    const seen: Progress[] = [];
    const { bytesFreed } = await storage.vacuum({ onProgress: (progress) => seen.push(progress) });
    expect(bytesFreed).toBe(3 * (7000 + 17) + 40 * (30 + 17) + 1000);
    expect(swept).toBe(1);
    expect((await keysOf(inner)).filter((key) => !key.startsWith('kept/'))).toEqual([]);
    expect((await storage.verify('kept', '1')).ok).toBe(true);
    expect(counts.most).toBeGreaterThanOrEqual(12);
    expect(counts.most).toBeLessThanOrEqual(32);
    expect(seen.at(-1)).toMatchObject({ phase: 'vacuum', done: 42, total: 42, unit: 'datasets' });
  });

  test('a delete that fails in between leaves the rest to the next vacuum, and the other datasets are seen to', async () => {
    const inner = new MemoryStore();
    await leftovers(inner, 2, 50, 'a');
    await leftovers(inner, 1, 50, 'b');
    let deletes = 0;
    const { store } = bucket(inner, {
      async delete(key) {
        if (key.startsWith('a/') && ++deletes > 20) throw new DataRefError('STORE_FAILED', 'out of order');
        return inner.delete(key);
      },
    });
    const failing = storageOver(store, { isRunning });
    await expect(failing.vacuum()).rejects.toEqual(failure('STORE_FAILED', /out of order/));
    const left = await keysOf(inner);
    expect(left.every((key) => key.startsWith('a/'))).toBe(true);
    expect(left.length).toBeGreaterThan(50);
    await storageOver(inner, { isRunning }).vacuum();
    expect(await keysOf(inner)).toEqual([]);
  });

  test('vacuum, delete, verify and list end at an abort, whenever it comes', async () => {
    const inner = new MemoryStore();
    await storageOver(inner).submit(
      Array.from({ length: 100 }, (_, i) => i),
      'kept',
      '1',
    );
    for (let at = 1; at < 40; at += 3) {
      await leftovers(inner, 2, 10);
      const controller = new AbortController();
      let requests = 0;
      const count = <T>(answer: T): T => {
        if (++requests === at) controller.abort(new Error('enough'));
        return answer;
      };
      const store = changed(inner, {
        head: (key) => count(inner.head(key)),
        get: (key, limit) => count(inner.get(key, limit)),
        open: (key) => count(inner.open(key)),
        delete: (key) => count(inner.delete(key)),
        listFolders: (prefix) => count(inner.listFolders(prefix)),
      });
      const { signal } = controller;
      const storage = storageOver(store, { isRunning });
      const actions = [
        () => storage.vacuum({ signal }),
        () => storage.verify('kept', '1', { signal }),
        () => storage.delete('x', '1', { signal }),
        async () => {
          for await (const _ of storage.list({ signal })) void _;
        },
      ];
      const outcome = await actions[((at - 1) / 3) % 4]!().then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      );
      // What was the last request anyway may be its end.
      const isOver = !controller.signal.aborted || requests === at;
      expect(isOver ? ['enough', 'done'] : ['enough']).toContain(outcome);
      expect(requests).toBeLessThan(at + 32);
    }
    await storageOver(inner, { isRunning }).vacuum({ graceMs: 0 });
    expect((await storageOver(inner).verify('kept', '1')).ok).toBe(true);
    expect((await keysOf(inner)).filter((key) => !key.startsWith('kept/'))).toEqual([]);
  });

  test('a writer of this second is no leftover, though times are whole seconds', async () => {
    const inner = new MemoryStore();
    const { store } = bucket(inner);
    const storage = storageOver(store, { isRunning: () => undefined });
    async function* slow() {
      yield 1;
      await storageOver(store, { isRunning: () => undefined }).vacuum({ graceMs: 0 });
      yield 2;
    }
    expect((await storage.submit(slow(), 'x', '1')).length).toBe(2);
  });

  test('list reads manifests ahead, and gives them in order', async () => {
    const inner = new MemoryStore();
    for (let i = 0; i < 30; i++)
      await storageOver(inner).submit([i], `id${String(i % 10)}`, String(i).padStart(2, '0'));
    const { store, counts } = bucket(inner);
    const names: string[] = [];
    for await (const { id, version } of storageOver(store).list()) names.push(`${id}@${version}`);
    expect(names).toHaveLength(30);
    expect(names).toEqual([...names].sort());
    expect(counts.most).toBeGreaterThanOrEqual(8);
    expect(counts.most).toBeLessThanOrEqual(16 * 17);
  });

  test('verify reads several files at once in slices of bounded size, and names every bad file in order', async () => {
    const inner = new MemoryStore();
    const records = Array.from({ length: 40 }, (_, n) => ({ n, text: `record ${n}` }));
    await storeParts(inner, { n: field('int32'), text: field('string') }, records as never[], new Array(20).fill(2));
    const bad = (await keysOf(inner)).filter((key, i) => key.includes('/data/') && i % 7 === 3);
    for (const key of bad) {
      const { bytes } = (await inner.get(key, 1e6))!;
      bytes[20]! ^= 1;
      await inner.put(key, bytes);
    }
    const { store, counts } = bucket(inner);
    const seen: number[] = [];
    const { ok, problems } = await storageOver(store).verify('a', '1', { onProgress: ({ done }) => seen.push(done) });
    expect(ok).toBe(false);
    expect(problems.map(({ details }) => details['where'])).toEqual(bad);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect([counts.most > 1, counts.most <= 4]).toEqual([true, true]);
  });
});

describe('a store that cannot list', () => {
  const listless = (inner: MemoryStore) =>
    changed(inner, {
      listFolders: () => Promise.reject(new DataRefError('UNSUPPORTED', 'this store cannot list')),
      list: () => {
        throw new DataRefError('UNSUPPORTED', 'this store cannot list');
      },
    });

  test('is read, verified and copied from; what is not there is NOT_FOUND; list, vacuum and submit say UNSUPPORTED', async () => {
    const inner = new MemoryStore();
    await storageOver(inner).submit(['a', 'b'], 'x', '1');
    const storage = storageOver(listless(inner));
    expect(await (await storage.fetch('x', '1')).at(1)).toBe('b');
    expect((await storage.verify('x', '1')).ok).toBe(true);
    expect((await storage.copy('x', '1', storageOver(new MemoryStore()))).length).toBe(2);
    await expect(storage.fetch('x', '2')).rejects.toEqual(failure('NOT_FOUND', /^no dataset x@2 in memory:$/));
    const unsupported = failure('UNSUPPORTED', /cannot list/);
    await expect(storage.list()[Symbol.asyncIterator]().next()).rejects.toEqual(unsupported);
    await expect(storage.vacuum()).rejects.toEqual(unsupported);
    await expect(storage.submit([1], 'y', '1')).rejects.toEqual(unsupported);
  });
});

describe('a listing that cannot be right is STORE_FAILED, and neither a hang nor a deletion elsewhere', () => {
  const info = (key: string): ObjectInfo => ({ key, byteLength: 1, modifiedMs: 0 });
  const prefix = `x/1/data/${name(1)}/`;
  const LISTINGS: [string, () => Generator<ObjectInfo>, RegExp][] = [
    [
      'that says the same for ever',
      function* () {
        for (;;) yield info(`${prefix}00000000.arrow`);
      },
      /twice; it would not end/,
    ],
    [
      'that never ends',
      function* () {
        for (let i = 0; ; i++) yield info(`${prefix}${i}.txt`);
      },
      /goes on after \d+ files/,
    ],
    [
      'with a key of another dataset',
      function* () {
        yield info('kept/1/dataset.json');
      },
      /which is elsewhere/,
    ],
    [
      'with a key that leads out',
      function* () {
        yield info('../../etc/passwd');
      },
      /which is elsewhere/,
    ],
  ];
  test.each(LISTINGS)('%s', async (_, listing, message) => {
    const inner = new MemoryStore();
    await leftovers(inner, 2, 3);
    await storageOver(inner).submit(['a'], 'kept', '1');
    const store = changed(inner, {
      async *list(at) {
        if (at === prefix) yield* listing();
        else yield* inner.list(at);
      },
    });
    const storage = storageOver(store, { isRunning });
    await expect(storage.vacuum({ graceMs: 0 })).rejects.toEqual(failure('STORE_FAILED', message));
    await expect(storage.delete('x', '1')).rejects.toEqual(failure('STORE_FAILED', message));
    expect((await storage.verify('kept', '1')).ok).toBe(true);
  });

  test('that never answers ends with an abort', async () => {
    const inner = new MemoryStore();
    await leftovers(inner, 1, 3);
    const silent = changed(inner, {
      list: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }),
    });
    const mute = changed(inner, { listFolders: () => new Promise<never>(() => undefined) });
    for (const store of [silent, mute]) {
      const signal = AbortSignal.timeout(50);
      const timeout = { name: 'TimeoutError' };
      await expect(storageOver(store).vacuum({ signal })).rejects.toMatchObject(timeout);
      if (store === mute)
        await expect(storageOver(store).list({ signal })[Symbol.asyncIterator]().next()).rejects.toMatchObject(timeout);
    }
  });

  test('folders that come twice, or have names of no id, are one, or none', async () => {
    const inner = new MemoryStore();
    await storageOver(inner).submit(['a'], 'x', '1');
    const store = changed(inner, {
      listFolders: async (below) => [...(await inner.listFolders(below)), 'x', '1', '..', '.', 'a/b', '%2e', '', 'x'],
    });
    const found: string[] = [];
    for await (const { id, version } of storageOver(store).list()) found.push(`${id}@${version}`);
    expect(found).toEqual(['x@1']);
  });
});
