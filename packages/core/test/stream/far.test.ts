import { describe, expect, jest, test } from '@jest/globals';
import { DataRefError, concat, fromColumns, ndarray, type DataRef, type Flow, type Stream } from '@dataref/core';
import { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { some } from '../scale.js';
import { FarStore } from './far-store.js';
import { storageOver, storeInParts } from './store-in-parts.js';

jest.setTimeout(600_000);

const PARTS = 12;
const PART_RECORDS = 50;
const COUNT = PARTS * PART_RECORDS;
const RECORD_BYTES = 100;
const SHUFFLED = { shuffle: true, shuffleSeed: 5 } as const;

const x = ndarray(
  Uint8Array.from({ length: COUNT * RECORD_BYTES }, (_, i) => (i * 7 + Math.floor(i / RECORD_BYTES)) % 256),
  [COUNT, RECORD_BYTES],
);
const near: DataRef = fromColumns({ x, label: Int32Array.from({ length: COUNT }, (_, i) => i) });

/** The dataset far away, read by position alone. */
async function far(store = new FarStore()): Promise<{ readonly store: FarStore; readonly dataref: DataRef }> {
  await storeInParts(store, near, 'a', '1', PART_RECORDS);
  return { store, dataref: await storageWith(store, 'ranges').fetch('a', '1') };
}

function storageWith(store: FarStore, read: 'ranges' | 'parts' | 'auto' | undefined): DatasetStorage {
  return new DatasetStorage({
    store,
    identity: { self: () => 'test', isRunning: () => true },
    budget: { limitBytes: 2 ** 28, isExplicit: true, usedBytes: 0 },
    verifyReads: true,
    read,
    nonce: () => '0123456789abcdef',
  });
}

async function elements(stream: AsyncIterable<any>, limit = Infinity): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const element of stream) {
    seen.push(
      element.indices === undefined
        ? { record: element, state: (stream as Stream).state }
        : { indices: [...element.indices], records: element.records(), state: element.state },
    );
    if (seen.length >= limit) break;
  }
  return seen;
}

const iterate = <T>(stream: AsyncIterable<T>): AsyncIterator<T> => stream[Symbol.asyncIterator]();

/** What is left under way a turn later. */
async function left(store: FarStore): Promise<object> {
  await new Promise((resolve) => setImmediate(resolve));
  return { pending: store.pending, openReaders: store.openReaders, forecasts: store.forecasts.length };
}
const NOTHING = { pending: 0, openReaders: 0, forecasts: 0 };

describe('the first batch of a shuffled dataset far away', () => {
  test.each(['numpy', 'permutation', 'parts'] as const)(
    '%s: waits for the heads of its parts, all asked for at once, then for the ranges of its records, and nothing else',
    async (shuffleAlgorithm) => {
      const { store, dataref } = await far();
      const [batch] = (await elements(
        dataref
          .stream({ ...SHUFFLED, shuffleAlgorithm })
          .batch(16)
          .take(1),
      )) as {
        indices: number[];
      }[];
      const { indices } = batch!;
      const parts = new Set(indices.map((index) => Math.floor(index / PART_RECORDS)));
      const heads = store.requests.filter(({ key }) => key.endsWith('.head'));
      const ranges = store.requests.filter(({ key }) => key.endsWith('.arrow'));
      expect(heads.length).toBe(parts.size);
      expect(new Set(heads.map(({ turn }) => turn)).size).toBe(1);
      const runs = indices.filter((index, i) => i === 0 || index !== indices[i - 1]! + 1);
      expect(ranges.length).toBeGreaterThanOrEqual(runs.length);
      expect(ranges.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(indices.length * RECORD_BYTES);
      expect(new Set(ranges.map(({ turn }) => turn)).size).toBe(1);
      expect(store.requests.length).toBe(heads.length + ranges.length);
      expect(store.answers).toBe(2);
      expect(await left(store)).toEqual(NOTHING);
    },
  );

  test('waits for nothing that later batches need', async () => {
    const { store, dataref } = await far();
    const iterator = iterate(dataref.stream(SHUFFLED).batch(16));
    let first: readonly number[] | undefined;
    let answersThen = 0;
    const pulled = iterator.next().then(({ value }) => {
      first = [...value.indices];
      answersThen = store.answers;
    });
    await pulled;
    expect([first?.length, answersThen]).toEqual([16, 2]);
    await iterator.return?.(undefined);
    expect(await left(store)).toEqual(NOTHING);
  });
});

describe('reading ahead', () => {
  test.each([
    ['batches', (dataref: DataRef) => dataref.stream(SHUFFLED).batch(8)],
    [
      'batches by parts',
      (dataref: DataRef) => dataref.stream({ ...SHUFFLED, shuffleAlgorithm: 'parts', shuffleWindow: 2 }).batch(8),
    ],
    [
      'batches of one of three shards',
      (dataref: DataRef) => dataref.stream({ ...SHUFFLED, shardRank: 1, numShards: 3 }).batch(8),
    ],
    ['batches over two epochs', (dataref: DataRef) => dataref.stream(SHUFFLED).repeat(2).batch(8)],
    [
      'mapped records in batches',
      (dataref: DataRef) =>
        dataref
          .stream(SHUFFLED)
          .map(({ label }, { random }) => ({ label, drawn: random() }))
          .batch(8),
    ],
    [
      'mapped batches',
      (dataref: DataRef) =>
        dataref
          .stream(SHUFFLED)
          .batch(8)
          .map(({ columns }, { random }) => ({
            label: columns.label,
            drawn: columns.label.data.map((value: number) => value + random()),
          })),
    ],
    ['records', (dataref: DataRef) => dataref.stream(SHUFFLED)],
    ['mapped records', (dataref: DataRef) => dataref.stream(SHUFFLED).map(({ label }) => ({ label }))],
    ['a slice', (dataref: DataRef) => dataref.slice(70, 400).stream(SHUFFLED).batch(8)],
    ['selected columns', (dataref: DataRef) => dataref.select('x').stream(SHUFFLED).batch(8)],
  ] as const)(
    '%s: the same as from a store that answers at once, at every step, in a fraction of the answers',
    async (_name, build) => {
      // prettier-ignore
      const { store, dataref } = await far();
      const atOnce = await elements(build(await nearby()) as AsyncIterable<unknown>);
      const stream = build(dataref) as AsyncIterable<any> & { prefetch(o: object): AsyncIterable<any> };
      expect(await elements(stream)).toEqual(atOnce);
      expect(await left(store)).toEqual(NOTHING);
      const batches = Math.ceil(atOnce.length / (_name.endsWith('records') ? 64 : 1));
      expect(store.answers).toBeLessThan(Math.max(14, batches / 4));
    },
  );

  test('asks in one turn for the ranges of several batches, so that they can be merged', async () => {
    const { store, dataref } = await far();
    await elements(dataref.stream(SHUFFLED).batch(8));
    const byTurn = new Map<number, number>();
    for (const { turn, key, byteLength } of store.requests) {
      if (key.endsWith('.arrow')) byTurn.set(turn, (byTurn.get(turn) ?? 0) + byteLength / RECORD_BYTES);
    }
    const batchesATurn = [...byTurn.values()].map((records) => records / 8);
    expect(batchesATurn.reduce((sum, batches) => sum + batches, 0)).toBeCloseTo(COUNT / 8);
    expect(batchesATurn.filter((batches) => batches < 4).length).toBeLessThanOrEqual(2); // the first, and the last
  });

  test('goes as far as the user’s prefetch says, and one batch at a time without any', async () => {
    const { store, dataref } = await far();
    await elements(dataref.stream(SHUFFLED).batch(8).prefetch({ batches: 1 }));
    expect(store.answers).toBeGreaterThanOrEqual(COUNT / 8);
    const ahead = await far();
    let handed = 0;
    let most = 0;
    for await (const batch of ahead.dataref.stream(SHUFFLED).batch(8).prefetch({ batches: 5 })) {
      handed += batch.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
      most = Math.max(most, ahead.store.bytes('.arrow') / RECORD_BYTES - handed);
    }
    expect(most).toBe(5 * 8);
    expect(await left(ahead.store)).toEqual(NOTHING);
  });

  test('stays within the bytes that prefetch allows', async () => {
    const { store, dataref } = await far();
    const byteLimit = 3 * 8 * 110;
    let handed = 0;
    let most = 0;
    for await (const batch of dataref.stream(SHUFFLED).batch(8).prefetch({ batches: 50, byteLimit })) {
      handed += batch.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
      most = Math.max(most, store.bytes('.arrow') / RECORD_BYTES - handed);
    }
    expect(most).toBeGreaterThan(8);
    expect(most).toBeLessThanOrEqual(4 * 8); // one is always allowed
  });

  test.each([
    [
      'filtered records in batches',
      (dataref: DataRef) =>
        dataref
          .stream(SHUFFLED)
          .filter(() => true)
          .batch(8),
    ],
    ['records', (dataref: DataRef) => dataref.stream(SHUFFLED)],
    ['mapped records', (dataref: DataRef) => dataref.stream(SHUFFLED).map((record) => record)],
  ] as const)('stays within the bytes that prefetch allows: %s', async (_name, build) => {
    const { store, dataref } = await far();
    const stream = build(dataref) as Flow<any>;
    let handed = 0;
    let most = 0;
    for await (const element of stream.prefetch({ batches: 1000, byteLimit: 40 * RECORD_BYTES })) {
      handed += _name.endsWith('batches') ? element.length : 1;
      await new Promise((resolve) => setTimeout(resolve, 3));
      // What was read in the first small blocks is past by then.
      if (handed > 90) most = Math.max(most, store.bytes('.arrow') / RECORD_BYTES - handed);
    }
    expect(handed).toBe(COUNT);
    // A block of records is read at once; what is ready, and what is under way, are within the limit each.
    expect(most).toBeLessThanOrEqual(256 + 2 * 40);
  });

  test('single records are read in blocks', async () => {
    const { store, dataref } = await far();
    expect((await elements(dataref.stream(SHUFFLED))).length).toBe(COUNT);
    expect(store.answers).toBeLessThan(12);
  });

  test('is nothing to a store that is near: no read is begun before it is asked for', async () => {
    const dataref = await nearby();
    const stream = dataref.stream(SHUFFLED).batch(8);
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    expect((stream as any).recipe.source.rows.farRecordBytes()).toBeUndefined();
    await iterator.return?.(undefined);
  });

  test('a failure is told at the element that it is of, after all before it', async () => {
    const { store, dataref } = await far();
    const wanted = (await elements((await nearby()).stream(SHUFFLED).batch(8))) as { indices: number[] }[];
    const failing = wanted[9]!.indices[3]!;
    const { position, key } = await placeOf(failing);
    store.hinder = async (at, from) => {
      if (at === key && from === position) throw new DataRefError('STORE_FAILED', 'gone for good');
    };
    const seen: number[][] = [];
    const stream = dataref.stream(SHUFFLED).batch(8);
    await expect(
      (async () => {
        for await (const batch of stream) seen.push(Array.from(batch.indices));
      })(),
    ).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(seen).toEqual(wanted.slice(0, 9).map(({ indices }) => indices));
    expect(await left(store)).toEqual(NOTHING);
    store.hinder = undefined;
    const resumed = await elements(dataref.stream(SHUFFLED).batch(8).resume(stream.state), 1);
    expect((resumed[0] as { indices: number[] }).indices).toEqual(wanted[9]!.indices);
  });
});

describe('interrupted', () => {
  const builds: [string, (dataref: DataRef) => AsyncIterable<any>][] = [
    ['batches', (dataref) => dataref.stream(SHUFFLED).batch(25)],
    ['prefetched batches', (dataref) => dataref.stream(SHUFFLED).batch(25).prefetch({ batches: 4 })],
    ['mapped batches', (dataref) => dataref.stream(SHUFFLED).map(({ label }) => ({ label })).batch(25)],
    ['records', (dataref) => dataref.stream({ ...SHUFFLED, shuffleAlgorithm: 'parts' })],
  ]; // prettier-ignore

  test.each(builds)('%s: a loop left after any step leaves nothing under way', async (_name, build) => {
    const { store, dataref } = await far();
    for (const steps of some(Array.from({ length: 26 }, (_, i) => i + 1))) {
      await elements(build(dataref), steps);
      expect(await left(store)).toEqual(NOTHING);
    }
  });

  test.each(builds)('%s: closed while an element is waited for, all that waits ends', async (_name, build) => {
    const { store, dataref } = await far();
    for (const steps of some(Array.from({ length: 13 }, (_, i) => i))) {
      const stream = build(dataref) as Stream;
      const iterator = stream[Symbol.asyncIterator]();
      for (let i = 0; i < steps; i++) await iterator.next();
      const waiting = iterator.next().catch((error: unknown) => error);
      await stream.close();
      const outcome = (await waiting) as { code?: string; done?: boolean };
      if (outcome.code !== undefined) expect(outcome.code).toBe('STREAM_CLOSED');
      expect(await left(store)).toEqual(NOTHING);
    }
  });

  test('superseded by a newer loop, the older one’s reads end and the newer one gets the next epoch', async () => {
    const { store, dataref } = await far();
    const stream = dataref.stream(SHUFFLED).batch(25);
    const older = stream[Symbol.asyncIterator]();
    await older.next();
    const epoch = await elements(stream);
    expect(epoch.length).toBe(COUNT / 25);
    await expect(older.next()).rejects.toMatchObject({ code: 'SUPERSEDED' });
    expect(await left(store)).toEqual(NOTHING);
  });
});

describe('loading into memory from afar', () => {
  test("never happens with read: 'ranges'", async () => {
    const { store } = await far();
    const dataref = await storageWith(store, 'ranges').fetch('a', '1');
    for (let epoch = 1; epoch <= 3; epoch++) {
      await elements(dataref.stream(SHUFFLED).batch(8));
      expect(store.bytes('.arrow')).toBe(epoch * COUNT * RECORD_BYTES);
    }
    expect(await left(store)).toEqual(NOTHING);
  });

  test.each(['parts', 'auto', undefined] as const)('ends the reading of ranges with read: %j', async (read) => {
    const { store } = await far();
    const dataref = await storageWith(store, read).fetch('a', '1');
    const stream = dataref.stream(SHUFFLED).batch(8);
    const wanted = await elements((await nearby()).stream(SHUFFLED).batch(8));
    expect(await elements(stream)).toEqual(wanted);
    for (let epoch = 0; epoch < 3; epoch++) await elements(stream);
    const before = store.requests.length;
    await elements(stream);
    expect(store.requests.length).toBe(before);
    expect(await left(store)).toEqual(NOTHING);
  });

  test('a loop left in the middle of it leaves nothing under way, and the next one goes on', async () => {
    const { store } = await far();
    const dataref = await storageWith(store, 'auto').fetch('a', '1');
    for (let steps = 1; steps < 30; steps++) {
      await elements(dataref.stream(SHUFFLED).batch(8), steps);
      expect(await left(store)).toEqual(NOTHING);
    }
    const before = store.requests.length;
    await elements(dataref.stream(SHUFFLED).batch(8));
    expect(store.requests.length).toBe(before);
  });
});

describe('a store that keeps copies is told', () => {
  /** Names of what comes next, `3h` the head and `3` the body of part 3. */
  const told = (store: FarStore, which = 0): string[] =>
    Array.from(store.forecasts[which]!.upcoming(), ({ key }) => {
      const [, number, kind] = /(\d+)\.(arrow|head)$/.exec(key)!;
      return `${Number(number)}${kind === 'head' ? 'h' : ''}`;
    });
  const bodies = (names: readonly string[]): number[] => names.filter((name) => !name.endsWith('h')).map(Number);
  const parts = (first: number, end: number): number[] => Array.from({ length: end - first }, (_, i) => first + i);

  test('in order: the parts from the place on, then those of the next epoch, each once', async () => {
    const { store, dataref } = await far();
    const iterator = iterate(
      dataref
        .stream({ startOffset: 4 * PART_RECORDS })
        .batch(PART_RECORDS)
        .prefetch({ batches: 1 }),
    );
    const pulled = iterator.next();
    const names = told(store);
    expect(names.slice(0, 4)).toEqual(['4h', '4', '5h', '5']);
    expect(bodies(names)).toEqual([...parts(4, 12), ...parts(0, 4)]);
    await pulled;
    await iterator.next();
    expect(bodies(told(store))[0]).toBeGreaterThan(4);
    expect(told(store)).not.toContain('4h'); // in memory
    await iterator.return?.(undefined);
    expect(store.forecasts).toEqual([]);
  });

  test('with sizes and checksums of the files', async () => {
    const { store, dataref } = await far();
    const iterator = iterate(dataref.stream().batch(4));
    const pulled = iterator.next();
    for (const { key, byteLength, crc32 } of store.forecasts[0]!.upcoming()) {
      const reader = (await store.open(key, { byteLength, crc32 }))!;
      expect(reader.byteLength).toBe(byteLength);
      await reader.close();
    }
    await pulled;
    await iterator.return?.(undefined);
  });

  test('by parts: the rest of the window, then the later ones, then the next epoch’s, as they are read', async () => {
    const { store, dataref } = await far();
    const options = { ...SHUFFLED, shuffleAlgorithm: 'parts', shuffleWindow: 3 } as const;
    const read: number[] = [];
    for (const { indices } of (await elements(dataref.stream(options).batch(PART_RECORDS))) as { indices: number[] }[])
      for (const index of indices) {
        const part = Math.floor(index / PART_RECORDS);
        if (!read.includes(part)) read.push(part);
      }
    const windowsOf = (list: readonly number[]) => parts(0, 4).map((w) => list.slice(3 * w, 3 * w + 3).toSorted((a, b) => a - b)); // prettier-ignore
    const iterator = iterate(dataref.stream(options).batch(PART_RECORDS).prefetch({ batches: 1 }));
    await iterator.next();
    expect(windowsOf(bodies(told(store)))).toEqual(windowsOf(read));
    for (let i = 0; i < 4; i++) await iterator.next();
    // In the second window: the first one's parts come again only in the next epoch.
    const names = bodies(told(store));
    expect(names.length).toBe(12);
    expect(new Set(names.slice(0, 9))).toEqual(new Set(read.slice(3)));
    await iterator.return?.(undefined);
  });

  test.each(['numpy', 'permutation'] as const)('%s: all parts in a fixed order, at any place', async (algorithm) => {
    const { store, dataref } = await far();
    const iterator = iterate(dataref.stream({ ...SHUFFLED, shuffleAlgorithm: algorithm }).batch(16));
    for (let i = 0; i < 20; i++) {
      await iterator.next();
      expect(bodies(told(store))).toEqual(parts(0, 12));
    }
    await iterator.return?.(undefined);
  });

  test('of what slices, selections, splits and concatenations need of their sources', async () => {
    const { store, dataref } = await far();
    const of = async (data: DataRef, options = {}): Promise<number[][]> => {
      const iterator = iterate(data.stream(options).batch(4).prefetch({ batches: 1 }));
      const pulled = iterator.next();
      const names = store.forecasts.map((_, i) => bodies(told(store, i)));
      await pulled;
      await iterator.return?.(undefined);
      expect(store.forecasts).toEqual([]);
      return names;
    };
    expect(await of(dataref.slice(120, 260))).toEqual([[2, 3, 4, 5]]);
    expect(await of(dataref.select('x'), { startOffset: 500 })).toEqual([[10, 11, ...parts(0, 10)]]);
    expect(await of(dataref.split({ all: 0.5 }, { seed: 1 }).all)).toEqual([parts(0, 12)]);
    const other = await storageWith(store, 'ranges').fetch('a', '1');
    expect(await of(concat(dataref.slice(0, 100), near, other), { startOffset: 50 })).toEqual([[1, 0], parts(0, 12)]);
  });
});

/** The same dataset in a store that answers at once. */
async function nearby(): Promise<DataRef> {
  const store = new MemoryStore();
  await storeInParts(store, near, 'a', '1', PART_RECORDS);
  return storageOver(store, 'positional').fetch('a', '1');
}

/** Where the bytes of a record lie. */
async function placeOf(index: number): Promise<{ readonly key: string; readonly position: number }> {
  const { store, dataref } = await far();
  await dataref.at(index);
  const { key, position } = store.requests.find((request) => request.key.endsWith('.arrow'))!;
  return { key, position };
}
