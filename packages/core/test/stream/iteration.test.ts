import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { defineDataRef, field, fromColumns, ndarray, type DataRef } from '@dataref/core';
import { FileStore } from '../../dist/store/file-store.js';
import { failure } from '../expect-error.js';
import { gather, iterate, range } from './gather.js';
import { storageOver, storeInParts } from './store-in-parts.js';

const SHUFFLED = { shuffle: true, shuffleSeed: 3 } as const;
const superseded = failure('SUPERSEDED', /newer iteration/);
const closed = failure('STREAM_CLOSED', /closed/);

/** Records 0 to length − 1 whose reads can be watched, and held up. */
function watched(length: number) {
  const reads: number[][] = [];
  let gate: Promise<void> = Promise.resolve();
  let open: (() => void) | undefined;
  const dataref = defineDataRef({
    length,
    schema: field('float64'),
    fingerprint: 'watched',
    read: async (indices) => {
      reads.push([...indices]);
      await gate;
      return [...indices];
    },
  });
  const hold = (): void => void (gate = new Promise((resolve) => (open = resolve)));
  return { dataref, reads, hold, letGo: () => open?.() };
}

/** Lets everything go on that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('an iteration', () => {
  test('does nothing before its first next()', async () => {
    const { dataref, reads } = watched(5);
    const stream = dataref.stream().batch(2);
    const idle = [iterate(stream), iterate(stream), iterate(stream)];
    await Promise.resolve();
    expect(reads).toEqual([]);
    expect(stream.epoch).toBe(0);
    expect((await idle[2]?.next())?.value?.epoch).toBe(0);
  });

  test('claims an epoch at its first next(), so that iterators which are never pulled count for nothing', async () => {
    const stream = range(4).stream(SHUFFLED).batch(4);
    const epochs: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      iterate(stream);
      const loop = iterate(stream);
      iterate(stream);
      for (let result = await loop.next(); result.done !== true; result = await loop.next())
        epochs.push(result.value.epoch);
    }
    expect(epochs).toEqual([0, 1, 2]);
  });

  test('supersedes an older one that has not ended, whose next next() says so, every time', async () => {
    const stream = range(4).stream();
    const older = iterate(stream);
    await older.next();
    const newer = iterate(stream);
    expect(await newer.next()).toEqual({ value: 0, done: false });
    for (let i = 0; i < 2; i++) await expect(older.next()).rejects.toEqual(superseded);
    expect(await newer.next()).toEqual({ value: 1, done: false });
    expect(await older.return?.()).toEqual({ value: undefined, done: true });
    expect(await newer.next()).toEqual({ value: 2, done: false });
  });

  test('that has ended is done, whoever comes after it', async () => {
    const stream = range(2).stream();
    const first = iterate(stream);
    for (let i = 0; i < 3; i++) await first.next();
    await gather(stream);
    expect(await first.next()).toEqual({ value: undefined, done: true });
  });

  test('superseded in the middle of a read throws, and leaves the state to its successor', async () => {
    const { dataref, hold, letGo } = watched(4);
    const stream = dataref.stream();
    const older = iterate(stream);
    await older.next();
    hold();
    const late = older.next();
    const newer = iterate(stream);
    const first = newer.next();
    letGo();
    await expect(late).rejects.toEqual(superseded);
    expect(await first).toEqual({ value: 0, done: false });
    expect(stream.state.node).toMatchObject({ epoch: 1, position: 1 });
  });

  test('is superseded by resume', async () => {
    const stream = range(4).stream();
    const loop = iterate(stream);
    await loop.next();
    stream.resume(undefined);
    await expect(loop.next()).rejects.toEqual(superseded);
  });

  test('serves concurrent next() calls in turn', async () => {
    for (const stream of [range(5).stream(), range(5).stream().prefetch(), watched(5).dataref.stream().batch(1)]) {
      const loop = iterate<unknown>(stream as never);
      const results = await Promise.all(Array.from({ length: 7 }, () => loop.next()));
      const values = results.map(({ value }) => (typeof value === 'object' ? (value as { step: number }).step : value));
      expect(values).toEqual([0, 1, 2, 3, 4, undefined, undefined]);
    }
  });

  test('gives a derived stream its own cursor', async () => {
    const stream = range(6).stream();
    await gather(stream, 3);
    const batches = stream.batch(2);
    expect((await gather(batches))[0]?.records()).toEqual([0, 1]);
    expect(stream.state.node).toMatchObject({ position: 3 });
  });

  test('abandoned within repeat is followed by the epoch after its last record', async () => {
    const stream = range(4).stream().repeat(3);
    expect(await gather(stream, 5)).toEqual([0, 1, 2, 3, 0]);
    expect(stream.state.node).toMatchObject({ count: 1, input: { epoch: 1, position: 1 } });
    await gather(stream, 1);
    expect(stream.state.node).toMatchObject({ count: 0, input: { epoch: 2, position: 1 } });
    // Just at the edge the last record is of epoch 3, and the next one would have been of epoch 4.
    const edge = range(4).stream().repeat(3);
    await gather(edge, 4);
    expect(edge.epoch).toBe(1);
    await gather(edge, 1);
    expect(edge.state.node).toMatchObject({ input: { epoch: 1, position: 1 } });
  });

  test('cut by take at the edge of an epoch within repeat is followed by the next epoch', async () => {
    const stream = range(4).stream(SHUFFLED).repeat(3).take(4);
    const epochs = range(4).stream(SHUFFLED);
    for (let i = 0; i < 3; i++) expect(await gather(stream)).toEqual(await gather(epochs));
  });

  test('over nothing ends at once, and repeat() over nothing refuses to go on', async () => {
    const empty = range(0).stream();
    expect(await gather(empty)).toEqual([]);
    expect(await gather(empty.repeat(3))).toEqual([]);
    expect(await gather(range(3).stream().take(2).repeat(0))).toEqual([]);
    const nothing = failure('EMPTY', /never end/);
    for (const stream of [
      empty.repeat(),
      empty.batch(2).repeat(),
      range(3).stream().take(0).repeat(),
      range(3).stream().skip(3).repeat().batch(2).prefetch(),
      range(3).stream().batch(4, { remainder: 'drop' }).repeat(),
      range(2).stream({ shardRank: 2, numShards: 3 }).batch(1).repeat(),
    ]) {
      await expect(gather<unknown>(stream as never)).rejects.toEqual(nothing);
    }
    // A shard without a record in each pass has one in some: records are dealt on across the edge of epochs.
    expect(await gather(range(2).stream({ shardRank: 2, numShards: 3 }).repeat(), 3)).toEqual([0, 1, 0]);
  });
});

describe('close', () => {
  test('ends the loop under way with STREAM_CLOSED, and refuses new ones', async () => {
    const stream = range(4).stream();
    const loop = iterate(stream);
    await loop.next();
    await stream.close();
    await expect(loop.next()).rejects.toEqual(closed);
    await expect(gather(stream)).rejects.toEqual(closed);
    expect(stream.state.node).toMatchObject({ position: 1 });
  });

  test('is idempotent, and is what `await using` calls', async () => {
    const stream = range(4).stream();
    await gather(stream, 1);
    await Promise.all([stream.close(), stream.close(), stream[Symbol.asyncDispose]()]);
    await stream.close();
  });

  test('ends a next() that is under way', async () => {
    const { dataref, hold, letGo } = watched(4);
    for (const stream of [dataref.stream(), dataref.stream().prefetch()]) {
      hold();
      const pending = iterate(stream).next();
      const closing = stream.close();
      letGo();
      await expect(pending).rejects.toEqual(closed);
      await closing;
    }
  });

  test('leaves streams derived from it alone', async () => {
    const stream = range(4).stream();
    const batches = stream.batch(2);
    await stream.close();
    expect((await gather(batches)).length).toBe(2);
  });
});

describe('prefetch', () => {
  test('reads ahead as far as it may, and no further', async () => {
    const { dataref, reads } = watched(40);
    const stream = dataref.stream().batch(1).prefetch({ batches: 3 });
    const loop = iterate(stream);
    for (let taken = 1; taken <= 5; taken++) {
      await loop.next();
      await settle();
      expect(reads.length).toBe(taken + 3);
    }
    await stream.close();
    await settle();
    expect(reads.length).toBe(8);
  });

  test('is bounded by bytes too, with one element always allowed', async () => {
    const { dataref, reads } = watched(40);
    const loop = iterate(dataref.stream().batch(1).prefetch({ batches: 10, byteLimit: 1 }));
    await loop.next();
    await settle();
    expect(reads.length).toBe(2);
  });

  test('has the state of what was handed out, not of what was read', async () => {
    const plain = range(9).stream(SHUFFLED).batch(2);
    const ahead = range(9).stream(SHUFFLED).batch(2).prefetch({ batches: 4 });
    const states: unknown[] = [];
    for await (const _ of plain) states.push(plain.state);
    for await (const batch of ahead) {
      await settle();
      expect(ahead.state).toEqual(states[batch.step]);
    }
  });

  test('brings a failure when its turn has come', async () => {
    const stream = range(9)
      .stream()
      .map((x: number) => {
        if (x === 3) throw new Error('three');
        return x;
      })
      .prefetch({ batches: 5 });
    const loop = iterate(stream);
    for (const value of [0, 1, 2]) expect(await loop.next()).toEqual({ value, done: false });
    await expect(loop.next()).rejects.toEqual(failure('MAP_FAILED', /three/));
    expect(stream.state.node).toMatchObject({ input: { position: 3 } });
  });

  test('refuses limits that make no sense, and options that there are not', () => {
    const stream = range(3).stream();
    for (const options of [{ batches: -1 }, { batches: 1.5 }, { byteLimit: 0 }])
      expect(() => stream.prefetch(options)).toThrow(failure('INVALID_ARGUMENT', /prefetch/));
    expect(() => stream.prefetch({ batch: 1 } as never)).toThrow(failure('INVALID_ARGUMENT', /"batch".*batches/));
  });
});

/** How many files below a folder this process has open. */
function openFiles(folder: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;
}

describe('files', () => {
  const onDisk = async (use: (dataref: DataRef, open: () => number) => Promise<void>): Promise<void> => {
    const folder = mkdtempSync(join(tmpdir(), 'dataref-files-'));
    try {
      const store = new FileStore(folder);
      // Wide enough to be read from the files, whatever small columns are kept in memory.
      const wide = fromColumns(ndarray(new Float64Array(800), [100, 8]));
      await storeInParts(store, wide, 'wide', '1', 10);
      for (const reading of ['positional', 'resident'] as const) {
        await use(await storageOver(store, reading).fetch('wide', '1'), () => openFiles(folder));
        expect(openFiles(folder)).toBe(0);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const shuffled = (dataref: DataRef) => dataref.stream(SHUFFLED);

  test('are open while a loop goes on, and closed when it breaks', async () => {
    await onDisk(async (dataref, open) => {
      for (const stream of [shuffled(dataref).batch(20), shuffled(dataref).batch(20).prefetch()]) {
        for await (const _ of stream) {
          expect(open()).toBeGreaterThan(0);
          break;
        }
        expect(open()).toBe(0);
      }
    });
  });

  test('are closed at the end of an iteration, after an error in the loop, and by close', async () => {
    await onDisk(async (dataref, open) => {
      await gather(shuffled(dataref));
      expect(open()).toBe(0);
      const failing = shuffled(dataref).batch(20).prefetch();
      const run = async (): Promise<void> => {
        for await (const _ of failing) throw new Error('mine');
      };
      await expect(run()).rejects.toThrow('mine');
      expect(open()).toBe(0);
      const stream = shuffled(dataref).batch(20).prefetch();
      await iterate(stream).next();
      await stream.close();
      expect(open()).toBe(0);
    });
  });

  test('are closed after a map has failed', async () => {
    await onDisk(async (dataref, open) => {
      const stream = shuffled(dataref).map(() => {
        throw new Error('mine');
      });
      await expect(gather(stream)).rejects.toEqual(failure('MAP_FAILED', /mine/));
      expect(open()).toBe(0);
    });
  });

  test('are closed when a loop is superseded', async () => {
    await onDisk(async (dataref, open) => {
      const stream = shuffled(dataref).batch(10);
      const older = iterate(stream);
      await older.next();
      await gather(stream);
      await expect(older.next()).rejects.toEqual(superseded);
      expect(open()).toBe(0);
    });
  });
});
