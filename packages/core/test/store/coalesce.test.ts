import { describe, expect, test } from '@jest/globals';
import { MemoryStore, withCoalescing, type IoOptions, type ObjectReader, type ObjectStore } from '@dataref/core/store';
import { failure } from '../expect-error.js';
import { announceSeed, randomOf, runs } from '../scale.js';
import { changed } from '../storage/stored.js';
import { transient } from './flaky-store.js';

const KIB = 1024;
const bytes = Uint8Array.from({ length: 300 * KIB }, (_, i) => (i * 31 + (i >> 8)) & 255);

interface Request {
  readonly start: number;
  readonly end: number;
  readonly into: Uint8Array;
  readonly signal: AbortSignal | undefined;
  /** Ends it: with all bytes, or with an error. */
  readonly finish: (error?: unknown) => void;
}

/** A store whose reads wait until they are told to end, and which writes down what was asked of it. */
async function watched(): Promise<{ store: ObjectStore; requests: Request[]; finishAll: () => void }> {
  const memory = new MemoryStore();
  await memory.put('k', bytes);
  await memory.put('l', bytes);
  const requests: Request[] = [];
  let isOpen = false;
  const store = changed(memory, {
    async open(key) {
      const inner = (await memory.open(key)) as ObjectReader;
      return {
        byteLength: inner.byteLength,
        read: (into: Uint8Array, position: number, { signal }: IoOptions = {}) =>
          new Promise<void>((resolve, reject) => {
            const finish = (error?: unknown): void => {
              if (error !== undefined) reject(error);
              else if (signal?.aborted !== true) inner.read(into, position).then(resolve, reject);
            };
            signal?.addEventListener('abort', () => reject(signal.reason as Error));
            requests.push({ start: position, end: position + into.length, into, signal, finish });
            if (isOpen) finish();
          }),
        readRanges: () => Promise.reject(new Error('not asked for')),
        close: () => inner.close(),
      };
    },
  });
  const finishAll = (): void => {
    isOpen = true;
    for (const { finish } of requests) finish();
  };
  return { store, requests, finishAll };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const rangesOf = (requests: readonly Request[]): string[] => requests.map(({ start, end }) => `${start}-${end}`);
const open = async (store: ObjectStore, key = 'k'): Promise<ObjectReader> => (await store.open(key)) as ObjectReader;

describe('withCoalescing', () => {
  test('reads once for all who ask in one turn, whatever their calls and whatever they await', async () => {
    const { store, requests, finishAll } = await watched();
    const reader = await open(withCoalescing(store));
    const asked = [0, 4000, 100, 4000, 200_000].map((position) => ({ position, into: new Uint8Array(300) }));
    const later = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      await reader.read(asked[4]?.into as Uint8Array, 200_000);
    };
    const all = Promise.all([reader.readRanges(asked.slice(0, 2)), reader.readRanges(asked.slice(2, 4)), later()]);
    await nextTurn();
    expect(rangesOf(requests)).toEqual(['0-4300', '200000-200300']);
    finishAll();
    await all;
    for (const { position, into } of asked) expect(into).toEqual(bytes.slice(position, position + 300));
  });

  test('reads each object for itself', async () => {
    const { store, requests, finishAll } = await watched();
    const coalescing = withCoalescing(store);
    const readers = [await open(coalescing, 'k'), await open(coalescing, 'l')];
    const all = Promise.all(readers.map((reader) => reader.read(new Uint8Array(10), 0)));
    await nextTurn();
    expect(rangesOf(requests)).toEqual(['0-10', '0-10']);
    finishAll();
    await all;
  });

  test('a sole range is read into the array of its caller, in pieces where it is large', async () => {
    const { store, requests, finishAll } = await watched();
    const reader = await open(withCoalescing(store, { maxBytes: 100 * KIB }));
    const into = new Uint8Array(250 * KIB + 2);
    const read = reader.read(into.subarray(1, into.length - 1), 7);
    await nextTurn();
    expect(requests.map(({ start, end }) => end - start)).toEqual([100 * KIB, 100 * KIB, 50 * KIB]);
    expect(new Set(requests.map((request) => request.into.buffer))).toEqual(new Set([into.buffer]));
    finishAll();
    await read;
    expect(into.subarray(1, -1)).toEqual(bytes.slice(7, 7 + 250 * KIB));
    expect([into[0], into.at(-1)]).toEqual([0, 0]);
  });

  test('joins what at most 4 KiB lie between, where nothing else is said', async () => {
    const { store, requests } = await watched();
    const reader = await open(withCoalescing(store));
    const places = [0, 100 + 4 * KIB, 200 + 4 * KIB + 4 * KIB + 1];
    const read = reader.readRanges(places.map((position) => ({ position, into: new Uint8Array(100) })));
    await nextTurn();
    expect(requests.map(({ start, end }) => end - start)).toEqual([200 + 4 * KIB, 100]);
    for (const { finish } of requests) finish();
    await read;
  });

  test('has no more reads under way than it may, over all its objects', async () => {
    const { store, requests } = await watched();
    const coalescing = withCoalescing(store, { parallelReads: 3, gapBytes: 0 });
    const readers = [await open(coalescing, 'k'), await open(coalescing, 'l')];
    const ranges = Array.from({ length: 10 }, (_, i) => ({ position: 1000 * i, into: new Uint8Array(10) }));
    const all = Promise.all(readers.map((reader) => reader.readRanges(ranges)));
    for (let done = 0; done < 20; done++) {
      await nextTurn();
      expect(requests.length).toBe(Math.min(20, done + 3));
      requests[done]?.finish();
    }
    await all;
  });

  test('a failure is told to those whose ranges it touched, when nothing is written into their arrays any more', async () => {
    const { store, requests } = await watched();
    const reader = await open(withCoalescing(store));
    const outcomes: string[] = [];
    const note = (name: string, promise: Promise<void>): void =>
      void promise.then(
        () => outcomes.push(`${name} done`),
        (error: Error) => outcomes.push(`${name} ${error.message}`),
      );
    note('a', reader.read(new Uint8Array(10), 0));
    note('b', reader.readRanges([0, 200_000].map((position) => ({ position, into: new Uint8Array(10) }))));
    note('c', reader.read(new Uint8Array(10), 100_000));
    await nextTurn();
    expect(rangesOf(requests)).toEqual(['0-10', '100000-100010', '200000-200010']);
    requests[0]?.finish(transient());
    await nextTurn();
    // What was read for b alone is ended, and has ended.
    expect(requests[2]?.signal?.aborted).toBe(true);
    expect(outcomes.toSorted()).toEqual(['a k: the connection was lost', 'b k: the connection was lost']);
    requests[1]?.finish();
    await nextTurn();
    expect(outcomes[2]).toBe('c done');
  });

  test('an abort ends the read of nobody else, and nothing is written for whoever left', async () => {
    const { store, requests, finishAll } = await watched();
    const reader = await open(withCoalescing(store));
    const controller = new AbortController();
    const reason = new Error('enough');
    const [left, stayed] = [new Uint8Array(100), new Uint8Array(100)];
    const leaving = reader.read(left, 0, { signal: controller.signal });
    const staying = reader.read(stayed, 50, { signal: new AbortController().signal });
    await nextTurn();
    expect(rangesOf(requests)).toEqual(['0-150']);
    controller.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    expect(requests[0]?.signal?.aborted).toBe(false);
    finishAll();
    await staying;
    expect([left, stayed]).toEqual([new Uint8Array(100), bytes.slice(50, 150)]);
  });

  test('a read that nobody waits for any more is ended, and one that waits for its turn is not begun', async () => {
    const { store, requests } = await watched();
    const reader = await open(withCoalescing(store, { parallelReads: 1 }));
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const reads = [0, 10, 100_000].map((position) => reader.read(new Uint8Array(20), position, options));
    await nextTurn();
    const unplanned = reader.read(new Uint8Array(20), 200_000, options);
    controller.abort(new Error('enough'));
    for (const read of [...reads, unplanned]) await expect(read).rejects.toThrow('enough');
    expect(requests[0]?.signal?.aborted).toBe(true);
    await expect(reader.read(new Uint8Array(1), 0, options)).rejects.toThrow('enough');
    const next = reader.read(new Uint8Array(5), 3);
    await nextTurn();
    expect(rangesOf(requests)).toEqual(['0-30', '3-8']);
    requests[1]?.finish();
    await next;
  });

  test('an abort waits for a store that still writes into the array of its caller', async () => {
    const memory = new MemoryStore();
    await memory.put('k', bytes);
    let finish = (): void => undefined;
    const deaf = changed(memory, {
      async open(key) {
        const inner = (await memory.open(key)) as ObjectReader;
        return {
          byteLength: inner.byteLength,
          async read(into, position) {
            await new Promise<void>((resolve) => (finish = resolve));
            await inner.read(into, position);
          },
          readRanges: () => Promise.reject(new Error('not asked for')),
          close: () => inner.close(),
        };
      },
    });
    const reader = await open(withCoalescing(deaf));
    const controller = new AbortController();
    let isOver = false;
    const read = reader
      .read(new Uint8Array(10), 0, { signal: controller.signal })
      .catch((error: Error) => error.message)
      .finally(() => (isOver = true));
    await nextTurn();
    controller.abort(new Error('enough'));
    await nextTurn();
    expect(isOver).toBe(false);
    finish();
    expect(await read).toBe('enough');
  });

  test('a range past the end fails for its caller alone, before anything is asked for', async () => {
    const { store, requests, finishAll } = await watched();
    const reader = await open(withCoalescing(store));
    const wrong = reader.readRanges([{ position: bytes.length - 1, into: new Uint8Array(2) }]);
    const right = reader.read(new Uint8Array(2), bytes.length - 2);
    await expect(wrong).rejects.toEqual(failure('CORRUPT', /^k: ends at byte 307200, expected at least 307201/u));
    await nextTurn();
    expect(requests.length).toBe(1);
    finishAll();
    await right;
    await reader.readRanges([{ position: bytes.length, into: new Uint8Array(0) }]);
    await reader.readRanges([]);
    expect(requests.length).toBe(1);
  });

  test('leaves readSync of a local store as it is', async () => {
    const memory = new MemoryStore();
    await memory.put('k', bytes);
    const into = new Uint8Array(9);
    (await open(withCoalescing(memory))).readSync?.(into, 4);
    expect(into).toEqual(bytes.slice(4, 13));
    const { store } = await watched();
    expect((await open(withCoalescing(store))).readSync).toBeUndefined();
  });

  test.each<[object, RegExp]>([
    [{ gapBytes: -1 }, /gapBytes must be an integer ≥ 0/u],
    [{ maxBytes: 0 }, /maxBytes must be an integer ≥ 1/u],
    [{ parallelReads: 0 }, /parallelReads must be an integer ≥ 1/u],
    [{ parallel: 3 }, /unknown option "parallel"/u],
  ])('refuses %j', (options, message) => {
    expect(() => withCoalescing(new MemoryStore(), options)).toThrow(message);
  });

  test('gives everybody the right bytes, whoever fails or leaves', async () => {
    const seed = announceSeed('coalescing');
    for (let run = 0; run < runs(500); run++) {
      const random = randomOf(seed + run);
      const upTo = (most: number): number => Math.floor(random() * (most + 1));
      const { store, requests } = await watched();
      const reader = await open(
        withCoalescing(store, { gapBytes: upTo(1000), maxBytes: 1 + upTo(20_000), parallelReads: 1 + upTo(5) }),
      );
      const calls = Array.from({ length: 1 + upTo(6) }, () => {
        const controller = new AbortController();
        const ranges = Array.from({ length: upTo(6) }, () => ({
          position: upTo(20_000),
          into: new Uint8Array(upTo(3000)),
        }));
        const done = reader.readRanges(ranges, { signal: controller.signal }).then(
          () => ({ outcome: 'done', held: [] }),
          // What is in the arrays when a call fails, stays.
          (error: Error) => ({ outcome: error.message, held: ranges.map(({ into }) => into.slice()) }),
        );
        return { controller, ranges, done };
      });
      const ended = Promise.all(calls.map(({ done }) => done));
      const isOver = ended.then(() => true);
      for (let next = 0; !(await Promise.race([isOver, nextTurn()]));) {
        if (random() < 0.1) calls[upTo(calls.length - 1)]?.controller.abort(new Error('left'));
        if (next < requests.length) requests[next++]?.finish(random() < 0.05 ? transient() : undefined);
      }
      await nextTurn();
      const outcomes = await ended;
      for (const [i, { ranges }] of calls.entries()) {
        const { outcome, held } = outcomes[i] as { outcome: string; held: Uint8Array[] };
        expect(['done', 'left', 'k: the connection was lost']).toContain(outcome);
        for (const [place, { position, into }] of ranges.entries()) {
          const right = outcome === 'done' ? bytes.subarray(position, position + into.length) : held[place];
          if (into.some((byte, at) => byte !== right?.[at])) throw new Error(`run ${run}: ${outcome}, wrong bytes`);
        }
      }
    }
  });
});
