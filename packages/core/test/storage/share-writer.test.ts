import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { field, fromColumns, type DataRef, type Progress } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import type { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { failure } from '../expect-error.js';
import { announceSeed, randomOf, runs } from '../scale.js';
import { listing, tempFolder } from '../temp-folder.js';
import { anyDataset } from './any-dataset.js';
import { changed, keysOf, storageOver } from './stored.js';

jest.setTimeout(600_000);
const seed = announceSeed('storage/share-writer');

async function recordsOf(dataref: DataRef): Promise<unknown[]> {
  return [...(await dataref.read(Array.from({ length: dataref.length }, (_, i) => i))).records()];
}

const share = (part: number) => Array.from({ length: 5 }, (_, i) => ({ n: part * 100 + i, text: `${part}.${i}` }));

/** Writes shares one after another. */
async function write(storage: DatasetStorage, of: number, parts: readonly number[]): Promise<void> {
  for (const part of parts) await storage.writer('x', '1', { part, of }).submit(share(part));
}

/** Counts requests; a listing costs what it lists, as it does on a disk. */
function counted(store: ObjectStore) {
  let requests = 0;
  const asked = new Proxy(store, {
    get: (target, name: keyof ObjectStore) => {
      requests++;
      const member: unknown = target[name];
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const counting = changed(asked, {
    async *list(prefix, options) {
      requests++;
      for await (const info of store.list(prefix, options)) {
        requests++;
        yield info;
      }
    },
  });
  return { store: counting, cost: () => requests };
}

function shuffle(of: number): number[] {
  const random = randomOf(seed);
  return Array.from({ length: of }, (_, i) => [random(), i] as const)
    .sort(([a], [b]) => a - b)
    .map(([, i]) => i);
}

describe('a dataset that is written in shares', () => {
  test('is there once all are, in their order, whatever the order they were written in', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    await write(storage, 3, [2, 0]);
    expect(await storage.has('x', '1')).toBe(false);
    await write(storage, 3, [1]);
    const dataset = await storage.fetch('x', '1');
    expect(await recordsOf(dataset)).toEqual([0, 1, 2].flatMap(share));
    expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
    const whole = await storageOver(new MemoryStore()).submit([0, 1, 2].flatMap(share), 'x', '1');
    expect(dataset.fingerprint).toBe(whole.fingerprint);
    const { length, byteLength } = await storage.info('x', '1');
    const files = (await keysOf(store)).filter((key) => key.includes('/data/'));
    expect(length).toBe(15);
    let bytes = 0;
    for (const key of files) bytes += (await store.head(key))!.byteLength;
    expect(byteLength).toBe(bytes);
    expect(await keysOf(store)).toEqual([...files, 'x/1/dataset.json']);
    const before = await keysOf(store);
    await storage.vacuum({ graceMs: 0 });
    expect(await keysOf(store)).toEqual(before);
    expect(await storage.delete('x', '1')).toBe(true);
    expect(await keysOf(store)).toEqual([]);
  });

  test('any dataset, cut anyhow, in any order: the fingerprint and the records of one submit, also when it is copied', async () => {
    const cuts = fc.array(fc.nat({ max: 1000 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(anyDataset(12), cuts, fc.infiniteStream(fc.nat()), async ({ schema, records }, at, order) => {
        const whole = await storageOver(new MemoryStore()).submit(records, 'x', '1', { schema });
        const ends = at.map((cut) => cut % (records.length + 1)).sort((a, b) => a - b);
        const starts = [0, ...ends];
        const parts = starts.map((start, i) => [i, records.slice(start, ends[i] ?? records.length)] as const);
        const storage = storageOver(new MemoryStore(), { memoryLimitBytes: records.length % 2 === 0 ? 0 : 2 ** 24 });
        const shuffled = [...parts].sort(() => (order.next().value % 2 === 0 ? 1 : -1));
        for (const [part, some] of shuffled)
          await storage.writer('x', '1', { part, of: parts.length }).submit(some, { schema });
        const dataset = await storage.fetch('x', '1');
        expect(dataset.fingerprint).toBe(whole.fingerprint);
        expect(await recordsOf(dataset)).toEqual(await recordsOf(whole));
        const to = storageOver(new MemoryStore());
        const copied = await storage.copy('x', '1', to);
        expect(copied.fingerprint).toBe(whole.fingerprint);
        expect(await recordsOf(copied)).toEqual(await recordsOf(whole));
        expect((await to.verify('x', '1')).ok && (await storage.verify('x', '1')).ok).toBe(true);
      }),
      { seed, numRuns: runs(300) },
    );
  });

  test('by writers at once: one commits, and all see the same', async () => {
    const store = new MemoryStore();
    const commits: string[] = [];
    const slow = changed(store, {
      async put(key, bytes, options) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        const version = await store.put(key, bytes, options);
        if (key.endsWith('dataset.json')) commits.push(String(version));
        return version;
      },
    });
    const storages = [0, 1, 2, 3, 4].map(() => storageOver(slow));
    const wholes = await Promise.all(
      storages.map(async (storage, part) => {
        const writer = storage.writer('x', '1', { part, of: 5 });
        await writer.submit(share(part));
        return writer.whole();
      }),
    );
    expect(commits).toHaveLength(1);
    expect(new Set(wholes.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    expect(await recordsOf(wholes[3] as DataRef)).toEqual([0, 1, 2, 3, 4].flatMap(share));
    expect((await keysOf(store)).filter((key) => key.includes('/shares/') || key.endsWith('writer.json'))).toEqual([]);
  });

  test('may be written with DataRefs, a schema, and shares without a record', async () => {
    const storage = storageOver(new MemoryStore());
    const writer = (part: number) => storage.writer('x', '1', { part, of: 3 });
    await writer(0).submit(fromColumns({ n: Int32Array.of(1, 2) }));
    await writer(1).submit([], { schema: { n: field('int32') } });
    await writer(2).submit([{ n: 3 }], { schema: { n: field('int32') } });
    expect(await recordsOf(await writer(1).whole())).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    await expect(storage.writer('y', '1', { part: 0, of: 2 }).submit([])).rejects.toEqual(failure('EMPTY', /schema/));
  });

  test('a share that is submitted again replaces the one before, until the commit; then ALREADY_EXISTS', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    await storage.writer('x', '1', { part: 0, of: 2 }).submit([{ n: -1, text: 'wrong' }]);
    await write(storage, 2, [0, 1]);
    expect(await recordsOf(await storage.fetch('x', '1'))).toEqual([0, 1].flatMap(share));
    await expect(write(storage, 2, [0])).rejects.toEqual(failure('ALREADY_EXISTS', /x@1/));
    await storage.vacuum({ graceMs: 0 });
    expect((await keysOf(store)).filter((key) => key.endsWith('.arrow'))).toHaveLength(2);
  });

  test('a share that is durable too late, because another dataset was committed, is withdrawn', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    await write(storage, 2, [0]);
    async function* slow() {
      yield* share(1);
      await storage.submit(['another'], 'x', '1');
    }
    await expect(storage.writer('x', '1', { part: 1, of: 2 }).submit(slow())).rejects.toEqual(
      failure('ALREADY_EXISTS', /x@1/),
    );
    expect(await recordsOf(await storage.writer('x', '1', { part: 0, of: 2 }).whole())).toEqual(['another']);
    await storage.vacuum({ graceMs: 0 });
    expect(await keysOf(store)).toHaveLength(3);
  });

  test('shares of another number are refused, until the dataset is deleted', async () => {
    const storage = storageOver(new MemoryStore());
    await write(storage, 4, [1]);
    await expect(write(storage, 8, [1])).rejects.toEqual(
      failure('INVALID_ARGUMENT', /x@1 is written in 4 shares, of which share 1 is there, not in 8; delete/),
    );
    await storage.delete('x', '1');
    await write(storage, 2, [0, 1]);
    expect(await storage.has('x', '1')).toBe(true);
  });

  test('schemas that differ are SCHEMA_MISMATCH naming the shares, before a byte is written or when all are there', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    await write(storage, 3, [0]);
    const before = await keysOf(store);
    const other = storage.writer('x', '1', { part: 2, of: 3 });
    const refused = failure(
      'SCHEMA_MISMATCH',
      /share 2 of 3 of x@1 has \{ n: string \}, share 0 has \{ n: float64, text/,
    );
    await expect(other.submit([{ n: 'text' }])).rejects.toEqual(refused);
    expect(await keysOf(store)).toEqual(before);
    // Both at once: neither saw the other.
    await storage.delete('x', '1');
    const both = [storage.writer('x', '1', { part: 1, of: 2 }), storage.writer('x', '1', { part: 0, of: 2 })] as const;
    const ended = await Promise.allSettled([both[0].submit([{ n: 'text' }]), both[1].submit(share(0))]);
    expect(ended.some(({ status }) => status === 'rejected')).toBe(true);
    for (const result of ended) {
      if (result.status === 'rejected')
        expect(result.reason).toEqual(failure('SCHEMA_MISMATCH', /share 1 of 2 of x@1 has \{ n: string \}, share 0/));
    }
    await expect(both[0].whole()).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
    expect(await storage.has('x', '1')).toBe(false);
    await both[0].submit(share(1));
    expect(await recordsOf(await both[1].whole())).toEqual([0, 1].flatMap(share));
  });

  test('whole waits for the others, tells how many are there, and can be aborted', async () => {
    const storage = storageOver(new MemoryStore());
    await write(storage, 3, [1]);
    const controller = new AbortController();
    const seen: Progress[] = [];
    const waiting = storage.writer('x', '1', { part: 1, of: 3 }).whole({
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.done === 2) controller.abort(new Error('no longer'));
      },
    });
    await Promise.all([
      expect(waiting).rejects.toThrow('no longer'),
      (async () => {
        while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        await write(storage, 3, [0]);
      })(),
    ]);
    expect(seen.at(-1)).toMatchObject({ phase: 'wait', unit: 'parts', done: 2, total: 3 });
    const patient = storage.writer('x', '1', { part: 0, of: 3 }).whole();
    await write(storage, 3, [2]);
    expect((await patient).length).toBe(15);
  });

  test('costs as many requests for each of many shares as for each of a few, whatever the order they are written in', async () => {
    const orders: ((of: number) => number[])[] = [
      (of) => Array.from({ length: of }, (_, i) => i),
      (of) => Array.from({ length: of }, (_, i) => of - 1 - i),
      (of) => Array.from({ length: of }, (_, i) => (i % 2 === 0 ? i / 2 : of - 1 - (i - 1) / 2)), // from both ends
      (of) => shuffle(of),
    ];
    for (const order of orders) {
      const costs = await Promise.all(
        [16, 128].map(async (of) => {
          const { store, cost } = counted(new MemoryStore());
          await write(storageOver(store), of, order(of));
          expect((await storageOver(store).fetch('x', '1')).length).toBe(5 * of);
          return cost() / of;
        }),
      );
      expect(costs[1]).toBeLessThan(1.5 * (costs[0] as number));
    }
  });

  test('one that should have committed, and was killed, is replaced by whoever waits', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    await write(storage, 2, [0]);
    const killed = changed(store, {
      async put(key, bytes, options) {
        if (key.endsWith('commit.json')) throw new Error('killed');
        return store.put(key, bytes, options);
      },
    });
    await expect(write(storageOver(killed), 2, [1])).rejects.toThrow('killed');
    expect(await storage.has('x', '1')).toBe(false);
    expect((await storage.writer('x', '1', { part: 0, of: 2 }).whole()).length).toBe(10);
  });

  test('a commit whose lease is of a dead process is taken over', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store, { isRunning: (writer) => (writer === 'dead' ? false : undefined) });
    await write(storage, 2, [0]);
    await store.put('x/1/shares/commit.json', new TextEncoder().encode('{"writer":"dead"}'));
    await write(storage, 2, [1]);
    expect(await storage.has('x', '1')).toBe(true);
    expect((await keysOf(store)).filter((key) => key.includes('/shares/'))).toEqual([]);
  });

  test('a failing submit leaves nothing, and bad arguments are refused by name', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    const bad = (options: unknown) => () => storage.writer('x', '1', options as never);
    expect(bad({ part: 2, of: 2 })).toThrow(failure('INVALID_ARGUMENT', /writer: part must be an integer from 0 to 1/));
    expect(bad({ part: 0, of: 0 })).toThrow(failure('INVALID_ARGUMENT', /writer: of must be an integer from 1/));
    expect(bad({ part: 0, of: 1, total: 3 })).toThrow(failure('INVALID_ARGUMENT', /writer: unknown option "total"/));
    expect(bad({})).toThrow(failure('INVALID_ARGUMENT', /writer: of must be/));
    expect(() => storage.writer('', '1', { part: 0, of: 1 })).toThrow(failure('INVALID_ID', /must not be empty/));
    const writer = storage.writer('x', '1', { part: 0, of: 2 });
    await expect(writer.submit([1, 'a'] as never[])).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
    await expect(writer.submit([1], { ifExists: 'replace' } as never)).rejects.toEqual(
      failure('INVALID_ARGUMENT', /submit: unknown option "ifExists"/),
    );
    await expect(writer.submit([1], { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
    expect(await keysOf(store)).toEqual([]);
  });
});

describe('shares that are not committed', () => {
  test('are kept by vacuum for the time of grace, and as long as one of them is being written', async () => {
    const store = new MemoryStore();
    const storage = storageOver(store);
    await write(storage, 3, [0, 1]);
    const before = await keysOf(store);
    expect(await storage.vacuum()).toEqual({ bytesFreed: 0 });
    expect(await keysOf(store)).toEqual(before);
    async function* slow() {
      yield share(2)[0];
      await storage.vacuum({ graceMs: 0 });
      yield* share(2).slice(1);
    }
    await storage.writer('x', '1', { part: 2, of: 3 }).submit(slow());
    expect(await recordsOf(await storage.fetch('x', '1'))).toEqual([0, 1, 2].flatMap(share));
  });

  test('are removed after it, and by delete; who waits for them is told', async () => {
    for (const remove of [
      (storage: DatasetStorage) => storage.vacuum({ graceMs: 0 }),
      (storage: DatasetStorage) => storage.delete('x', '1'),
    ]) {
      const store = new MemoryStore();
      const storage = storageOver(store);
      const writer = storage.writer('x', '1', { part: 0, of: 2 });
      await writer.submit(share(0));
      const names: string[] = [];
      for await (const { id } of storage.list()) names.push(id);
      expect(names).toEqual([]);
      await remove(storage);
      expect(await keysOf(store)).toEqual([]);
      await expect(writer.whole()).rejects.toEqual(failure('NOT_FOUND', /share 0 of 2 of x@1 is not there any more/));
    }
  });

  test('a commit that is under way is not vacuumed, and delete waits for it', async () => {
    const store = new MemoryStore();
    let deleted: Promise<boolean> | undefined;
    const during = async () => {
      await storageOver(store).vacuum({ graceMs: 0 });
      deleted = storageOver(store).delete('x', '1');
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const racing = changed(store, {
      async put(key, bytes, options) {
        if (key.endsWith('dataset.json')) await during();
        return store.put(key, bytes, options);
      },
    });
    await write(storageOver(racing), 2, [0, 1]);
    expect(await deleted).toBe(false); // there was none yet
    expect((await storageOver(store).verify('x', '1')).ok).toBe(true);
  });

  test('leave no folder on the disk', async () => {
    const folder = tempFolder();
    const storage = new FileStorage(folder);
    await storage.writer('x', '1', { part: 0, of: 2 }).submit([1, 2]);
    expect(listing(folder)).toContain('x/1/shares/0-of-2.json');
    await storage.writer('x', '1', { part: 1, of: 2 }).submit([3]);
    expect(await recordsOf(await storage.fetch('x', '1'))).toEqual([1, 2, 3]);
    await storage.vacuum({ graceMs: 0 });
    expect(listing(folder).map((path) => path.replace(/[0-9a-f]{16}/u, 'G'))).toEqual([
      'x/1/data/G/00000000.arrow',
      'x/1/data/G/00000000.arrow',
      'x/1/dataset.json',
    ]);
    await storage.delete('x', '1');
    await storage.vacuum();
    expect(listing(folder)).toEqual([]);
  });
});
