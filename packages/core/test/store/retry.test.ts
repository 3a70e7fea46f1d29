import { describe, expect, test } from '@jest/globals';
import { DataRefError } from '@dataref/core';
import { MemoryStore, withRetry, type ObjectInfo, type ObjectReader, type ObjectStore } from '@dataref/core/store';
import { failure } from '../expect-error.js';
import { changed } from '../storage/stored.js';
import { transient } from './flaky-store.js';

const QUICK = { baseDelayMs: 1, maxDelayMs: 2 };
const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const lost = Symbol('answer lost');

/** Replaces one method by one that fails with the given errors first; `lost` does its work, and then fails. */
function failing(
  store: ObjectStore,
  method: 'head' | 'get' | 'open' | 'put' | 'create' | 'listFolders' | 'delete' | 'sweep',
  failures: unknown[],
): { store: ObjectStore; calls: number } {
  const work = store[method].bind(store) as (...args: unknown[]) => Promise<unknown>;
  const counted = { calls: 0, store };
  counted.store = changed(store, {
    [method]: async (...args: unknown[]) => {
      counted.calls++;
      const next = failures.shift();
      if (next !== undefined && next !== lost) throw next;
      const result = await work(...args);
      if (next === lost) throw transient();
      return result;
    },
  });
  return counted;
}

async function storeOf(objects: Record<string, Uint8Array>): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const [key, content] of Object.entries(objects)) await store.put(key, content);
  return store;
}

describe('withRetry', () => {
  test('repeats every operation that fails with what may pass, until it succeeds', async () => {
    const store = await storeOf({ 'a/k': bytes });
    for (const [method, call, expected] of [
      ['head', (s: ObjectStore) => s.head('a/k'), expect.objectContaining({ byteLength: bytes.length })],
      ['get', (s: ObjectStore) => s.get('a/k', 1e6), expect.objectContaining({ bytes })],
      ['open', (s: ObjectStore) => s.open('a/k'), expect.objectContaining({ byteLength: bytes.length })],
      ['put', (s: ObjectStore) => s.put('b', bytes), expect.any(String)],
      ['create', (s: ObjectStore) => s.create('c'), expect.anything()],
      ['listFolders', (s: ObjectStore) => s.listFolders(''), ['a']],
      ['delete', (s: ObjectStore) => s.delete('a/k'), true],
      ['sweep', (s: ObjectStore) => s.sweep(), 0],
    ] as const) {
      const counted = failing(store, method, [transient(), transient({}, 'TIMEOUT')]);
      expect(await call(withRetry(counted.store, QUICK))).toEqual(expected);
      expect(counted.calls).toBe(3);
    }
  });

  test('repeats nothing that will not pass', async () => {
    for (const error of [
      new DataRefError('STORE_FAILED', 'no'),
      new DataRefError('CORRUPT', 'no'),
      new TypeError('bug'),
    ]) {
      const counted = failing(new MemoryStore(), 'head', [error]);
      await expect(withRetry(counted.store, QUICK).head('k')).rejects.toBe(error);
      expect(counted.calls).toBe(1);
    }
  });

  test('gives up after so many attempts with the last failure, which is transient no more', async () => {
    const errors = Array.from({ length: 4 }, (_, i) =>
      transient({ status: 500 + i }, i === 3 ? 'TIMEOUT' : 'STORE_FAILED'),
    );
    const last = errors[3];
    const counted = failing(new MemoryStore(), 'head', errors);
    const error = await withRetry(counted.store, { ...QUICK, attempts: 4 })
      .head('k')
      .catch((thrown: unknown) => thrown);
    expect(error).toEqual(
      failure('TIMEOUT', /^k: the connection was lost; given up after 4 attempts over \d+\.\d s$/u),
    );
    expect(error).toMatchObject({ cause: last, details: { isTransient: false, attempts: 4, status: 503, key: 'k' } });
    expect(counted.calls).toBe(4);
  });

  test('gives up when the time is over, though the store asks to wait longer, after one last attempt', async () => {
    const errors = Array.from({ length: 100 }, () => transient({ retryAfterMs: 3_600_000 }));
    const counted = failing(new MemoryStore(), 'head', errors);
    const error = withRetry(counted.store, { budgetMs: 30 }).head('k');
    await expect(error).rejects.toEqual(failure('STORE_FAILED', /given up after [1-3] attempts? over/u)); // a timer may be a millisecond early, and the machine busy
    expect(counted.calls).toBeLessThanOrEqual(3);
  });

  test('waits as long as the store asks for', async () => {
    const counted = failing(new MemoryStore(), 'head', [transient({ retryAfterMs: 80 })]);
    const begunMs = performance.now();
    await withRetry(counted.store, QUICK).head('k');
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(78);
  });

  test('an abort ends a wait at once, with its reason', async () => {
    const counted = failing(new MemoryStore(), 'head', [transient({ retryAfterMs: 3_600_000 })]);
    const reason = new Error('enough');
    const controller = new AbortController();
    const head = withRetry(counted.store, { budgetMs: 2 ** 31 - 1 }).head('k', { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 5);
    await expect(head).rejects.toBe(reason);
    expect(counted.calls).toBe(1);
  });

  test.each<[object, RegExp]>([
    [{ attempts: 0 }, /attempts must be an integer ≥ 1/u],
    [{ budgetMs: -1 }, /budgetMs/u],
    [{ retries: 3 }, /unknown option "retries"/u],
  ])('refuses %j', (options, message) => {
    expect(() => withRetry(new MemoryStore(), options)).toThrow(message);
  });
});

describe('a read withRetry', () => {
  interface Asked {
    readonly position: number;
    readonly byteLength: number;
  }

  /** A reader each of whose reads is cut off after so many bytes, as long as there are numbers. */
  async function cutOff(after: number[], options: object = {}): Promise<{ reader: ObjectReader; asked: Asked[] }> {
    const store = await storeOf({ k: bytes });
    const asked: Asked[] = [];
    const cut = changed(store, {
      async open(key) {
        const inner = (await store.open(key)) as ObjectReader;
        return {
          byteLength: inner.byteLength,
          async read(into, position) {
            asked.push({ position, byteLength: into.length });
            const filledBytes = after.shift();
            if (filledBytes === undefined) return inner.read(into, position);
            const right = Math.max(0, Math.min(filledBytes, into.length));
            await inner.read(into.subarray(0, right), position);
            into.fill(77, right);
            throw transient({ filledBytes });
          },
          readRanges: () => Promise.reject(new Error('not asked for')),
          close: () => inner.close(),
        };
      },
    });
    return { reader: (await withRetry(cut, { ...QUICK, ...options }).open('k')) as ObjectReader, asked };
  }

  test('goes on with the byte at which it was cut off, of the same object', async () => {
    const { reader, asked } = await cutOff([0, 10, 0, 900]);
    const into = new Uint8Array(1002);
    await reader.read(into.subarray(1, 1001), 50);
    expect(into).toEqual(Uint8Array.of(0, ...bytes.subarray(50, 1050), 0));
    expect(asked).toEqual(
      [
        [50, 1000],
        [50, 1000],
        [60, 990],
        [60, 990],
        [960, 90],
      ].map(([position, byteLength]) => ({ position, byteLength })),
    );
  });

  test('is done when all bytes came before the cut', async () => {
    const { reader, asked } = await cutOff([100]);
    const into = new Uint8Array(100);
    await reader.read(into, 0);
    expect([into, asked.length]).toEqual([bytes.slice(0, 100), 1]);
  });

  test('counts its attempts anew whenever some KiB came, and not for single bytes', async () => {
    const far = await cutOff([4096, 0, 4096, 0, 4096, 0], { attempts: 3 });
    const into = new Uint8Array(20_000);
    await far.reader.read(into, 0);
    expect(into).toEqual(bytes);
    const near = await cutOff(
      Array.from({ length: 100 }, () => 1),
      { attempts: 3 },
    );
    await expect(near.reader.read(into, 0)).rejects.toEqual(failure('STORE_FAILED', /given up after 3 attempts/u));
  });

  test('believes no store that claims more bytes than were asked for, or fewer than none', async () => {
    for (const claim of [-5, 0.5, Number.NaN]) {
      const { reader, asked } = await cutOff([claim]);
      const into = new Uint8Array(100);
      await reader.read(into, 0);
      expect([into, asked[1]]).toEqual([bytes.slice(0, 100), { position: 0, byteLength: 100 }]);
    }
  });

  test('of several ranges repeats those alone that failed', async () => {
    const { reader, asked } = await cutOff([40]);
    const ranges = [0, 1000, 2000].map((position) => ({ position, into: new Uint8Array(100) }));
    await reader.readRanges(ranges);
    for (const { position, into } of ranges) expect(into).toEqual(bytes.slice(position, position + 100));
    expect(asked.map(({ byteLength }) => byteLength).toSorted((a, b) => a - b)).toEqual([60, 100, 100, 100]);
  });

  test('shows readSync when its store does, and no earlier', async () => {
    const store = await storeOf({ k: bytes });
    const inner = (await store.open('k')) as ObjectReader;
    let isNear = false;
    const reader = await withRetry(
      changed(store, {
        open: async () => ({
          byteLength: inner.byteLength,
          read: inner.read.bind(inner),
          readRanges: inner.readRanges.bind(inner),
          get readSync() {
            return isNear ? inner.readSync : undefined;
          },
          close: () => inner.close(),
        }),
      }),
    ).open('k');
    expect(reader?.readSync).toBeUndefined();
    isNear = true;
    const into = new Uint8Array(7);
    reader?.readSync?.(into, 3);
    expect(into).toEqual(bytes.slice(3, 10));
  });
});

describe('a write withRetry', () => {
  test('a conditional put whose answer was lost has succeeded, once', async () => {
    const store = new MemoryStore();
    const first = failing(store, 'put', [lost, lost]);
    const version = await withRetry(first.store, QUICK).put('k', bytes, { ifAbsent: true });
    expect(version).toBe((await store.get('k', 1e6))?.version);
    const second = failing(store, 'put', [transient(), lost]);
    const next = await withRetry(second.store, QUICK).put('k', Uint8Array.of(1), { ifVersion: version as string });
    expect(next).toBe((await store.get('k', 1e6))?.version);
    expect(next).not.toBe(version);
  });

  test.each([
    ['equally long', Uint8Array.from(bytes, (byte) => byte ^ 1)],
    ['shorter', bytes.slice(1)],
    ['longer', Uint8Array.of(...bytes, 0)],
  ])('a conditional put whose place others took has failed: with something %s', async (_, others) => {
    const store = await storeOf({ k: others });
    for (const failures of [[], [transient()]])
      expect(
        await withRetry(failing(store, 'put', failures).store, QUICK).put('k', bytes, { ifAbsent: true }),
      ).toBeUndefined();
    expect(await withRetry(store, QUICK).put('none', bytes, { ifVersion: 'x' })).toBeUndefined();
    expect((await store.get('k', 1e6))?.bytes).toEqual(others);
  });

  test('a delete whose answer was lost has succeeded', async () => {
    const store = await storeOf({ k: bytes });
    expect(await withRetry(failing(store, 'delete', [lost]).store, QUICK).delete('k')).toBe(true);
    expect(await withRetry(store, QUICK).delete('k')).toBe(false);
  });

  /** An upload of which nothing is left once it is complete; `lost` loses the answer of the commit. */
  function uploads(store: ObjectStore, failures: unknown[], meanwhile?: Uint8Array): ObjectStore {
    return changed(store, {
      async create(key, options) {
        const writer = await store.create(key, options);
        let isComplete = false;
        return {
          write: (chunk) => writer.write(chunk),
          abort: () => writer.abort(),
          async commit() {
            if (isComplete) throw new DataRefError('STORE_FAILED', 'k: no such upload');
            const next = failures.shift();
            if (next !== undefined && next !== lost) throw next;
            await writer.commit();
            isComplete = true;
            if (meanwhile !== undefined) await store.put(key, meanwhile);
            if (next === lost) throw transient();
          },
        };
      },
    });
  }

  async function upload(store: ObjectStore): Promise<void> {
    const writer = await withRetry(store, QUICK).create('k');
    for (let start = 0; start < bytes.length; start += 7000) await writer.write(bytes.subarray(start, start + 7000));
    await writer.commit();
  }

  test('a commit whose answer was lost has succeeded, as what is stored shows', async () => {
    for (const failures of [[lost], [transient(), lost], [transient(), transient()]]) {
      const store = new MemoryStore();
      await upload(uploads(store, failures));
      expect((await store.get('k', 1e6))?.bytes).toEqual(bytes);
    }
  });

  test.each([
    ['equally long', Uint8Array.from(bytes, (byte) => byte ^ 1)],
    ['shorter', bytes.slice(1)],
  ])('a commit that found something else in its place has failed: something %s', async (_, others) => {
    await expect(upload(uploads(new MemoryStore(), [lost], others))).rejects.toEqual(
      failure('STORE_FAILED', /no such upload/u),
    );
  });

  test('a commit that fails for good is not looked after', async () => {
    const store = await storeOf({ k: bytes });
    await expect(upload(uploads(store, [new DataRefError('STORE_FAILED', 'forbidden')]))).rejects.toEqual(
      failure('STORE_FAILED', /^forbidden$/u),
    );
  });
});

describe('a list withRetry', () => {
  const keys = Array.from({ length: 20 }, (_, i) => `a/${(i * 7) % 20}`);

  test('gives every key once, however often it is cut off', async () => {
    const store = await storeOf(Object.fromEntries(keys.map((key) => [key, Uint8Array.of(1)])));
    const cuts = [0, 3, 3, 5, 20];
    let begun = 0;
    const cut = changed(store, {
      async *list(prefix): AsyncGenerator<ObjectInfo> {
        begun++;
        const end = cuts.shift();
        const infos: ObjectInfo[] = [];
        for await (const info of store.list(prefix)) infos.push(info);
        if (begun % 2 === 0) infos.reverse(); // in no certain order
        for (const [i, info] of infos.entries()) {
          if (i === end) throw transient();
          yield info;
        }
        if (end === infos.length) throw transient();
      },
    });
    const got: string[] = [];
    for await (const { key } of withRetry(cut, { ...QUICK, attempts: 3 }).list('a/')) got.push(key);
    expect(got.toSorted()).toEqual(keys.toSorted());
    expect(begun).toBe(6);
  });

  test('ends the listing below when its reader stops', async () => {
    const store = await storeOf({ 'a/1': bytes, 'a/2': bytes });
    let isEnded = false;
    const watched = changed(store, {
      async *list(prefix) {
        try {
          yield* store.list(prefix);
        } finally {
          isEnded = true;
        }
      },
    });
    for await (const { key } of withRetry(watched).list('')) if (key !== '') break;
    expect(isEnded).toBe(true);
  });
});

test('withRetry tells its store what comes next, where the store listens', () => {
  const store = new MemoryStore();
  expect(withRetry(store)).toMatchObject({ follow: undefined });
  const told: unknown[] = [];
  const stop = (): void => undefined;
  const listening = changed(store, {
    follow(forecast) {
      told.push(forecast);
      return stop;
    },
  });
  const forecast = { upcoming: () => [] };
  expect(withRetry(listening).follow?.(forecast)).toBe(stop);
  expect(told).toEqual([forecast]);
});
