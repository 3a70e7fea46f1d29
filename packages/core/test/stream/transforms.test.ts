// Each transform on its own: what it gives, what it refuses, and the resume suite over it.
import { describe, expect, test } from '@jest/globals';
import { resumeSuite } from '@dataref/core/testing';
import { ndarray, type BatchStream, type Flow, type Stream } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather, range } from './gather.js';

const SHUFFLED = { shuffle: true, shuffleSeed: 4 } as const;
const records = (): Stream => range(11).stream(SHUFFLED);
const batches = (): BatchStream => records().batch(3);
const double = (x: number): number => x * 2;
const values = async (flow: Flow<unknown>): Promise<unknown[]> =>
  (await gather(flow)).map((element) => (typeof element === 'object' ? (element as { step: number }).step : element));

const pipelines: Record<string, () => Flow<unknown>> = {
  'a plain stream': records,
  'a stream with an offset': () => range(11).stream({ ...SHUFFLED, startOffset: 17 }),
  'an order that is kept': () => range(11).stream({ ...SHUFFLED, skipShuffleAtEpochEnd: true }),
  'the permutation order': () => range(11).stream({ ...SHUFFLED, shuffleAlgorithm: 'permutation' }),
  'a shard made equal': () => range(11).stream({ ...SHUFFLED, shardRank: 1, numShards: 3, dropShardRemainder: true }),
  'a shard made before the shuffle': () => range(11).stream({ ...SHUFFLED, shardRank: 1, numShards: 3, shardBeforeShuffle: true }), // prettier-ignore
  map: () => records().map(double),
  'map with an id': () => records().map(double, { id: 'double' }),
  take: () => records().take(5),
  skip: () => records().skip(4),
  repeat: () => records().repeat(2),
  prefetch: () => records().prefetch({ batches: 3 }),
  batch: batches,
  'batch, dropping': () => records().batch(3, { remainder: 'drop' }),
  'batch, padded': () => records().batch(3, { remainder: 'pad' }),
  'batch, padded, of a shard': () => range(11).stream({ ...SHUFFLED, shardRank: 2, numShards: 3 }).batch(2, { remainder: 'pad' }), // prettier-ignore
  'batch with reuse': () => records().batch(3, { reuse: true }),
  'batch with reuse, checked': () => records().batch(3, { reuse: 'checked' }),
  globalBatch: () =>
    range(11)
      .stream({ ...SHUFFLED, shardRank: 1, numShards: 3 })
      .globalBatch(4),
  'globalBatch, mapped, fewer records than shards': () => range(4).stream({ ...SHUFFLED, shardRank: 2, numShards: 3 }).map(double).globalBatch(2), // prettier-ignore
  'batch, map': () => batches().map(({ columns }) => columns),
  'batch, take': () => batches().take(2),
  'batch, skip': () => batches().skip(1),
  'batch, repeat': () => batches().repeat(2),
  'batch, prefetch': () => batches().prefetch(),
  'repeat, skip of all that the first pass has, repeat': () => range(4).stream({ startOffset: 3, shardRank: 0, numShards: 2 }).repeat(2).skip(3).repeat(2), // prettier-ignore
  'repeat, batch: dealt on across the edge of epochs': () => records().repeat(3).batch(4),
  'take, repeat, skip, map, batch, skip, repeat, take, map, prefetch': () =>
    records().take(9).repeat(3).skip(2).map(double).batch(4).skip(1).repeat(2).take(9)
      .map(({ columns, length }) => ({ x: columns, y: ndarray(new Int8Array(length), [length]) })).prefetch(), // prettier-ignore
};
describe.each(Object.entries(pipelines))('%s', (_name, pipeline) => {
  for (const { name, run } of resumeSuite({ pipeline, iterations: 3 })) test(name, run);
});

describe.each(
  Object.entries({
    repeat: () => records().repeat(),
    'repeat, batch': () => records().repeat().batch(4).prefetch(),
    'batch, repeat': () => batches().repeat(),
    'repeat of a shard, batch, repeat': () => range(11).stream({ ...SHUFFLED, shardRank: 1, numShards: 3 }).batch(2).repeat(), // prettier-ignore
  }),
)('%s without end', (_name, pipeline: () => Flow<unknown>) => {
  for (const { name, run } of resumeSuite({ pipeline, limit: 30 })) test(name, run);
  test('has the length Infinity', () => expect(pipeline().length).toBe(Infinity));
});

describe('the suite itself', () => {
  const broken: Record<string, () => Flow<unknown>> = {
    'a pipeline that is not the same each time': () => range(5 + (Math.random() > 0.5 ? 1 : 0)).stream(),
    'a map that depends on what ran before': () => {
      let calls = 0;
      return range(6).stream().map(() => calls++); // prettier-ignore
    },
    'a state that stays behind': () => behind(records()),
  };
  test.each(Object.entries(broken))('finds %s', async (_name, pipeline) => {
    const checks = Array.from({ length: 12 }, () => resumeSuite({ pipeline })).flat();
    const results = await Promise.allSettled(checks.map(({ run }) => run()));
    expect(results.some(({ status }) => status === 'rejected')).toBe(true);
  });

  /** A flow whose state is always that of its beginning. */
  function behind(flow: Flow<unknown>): Flow<unknown> {
    const { state } = flow;
    return new Proxy(flow, {
      get(target, name) {
        if (name === 'state') return state;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
});

describe('take', () => {
  test('gives at most so many of each iteration', async () => {
    const stream = range(5).stream().take(3);
    expect([await values(stream), await values(stream), stream.length]).toEqual([[0, 1, 2], [0, 1, 2], 3]);
    expect(await values(range(5).stream().take(9))).toEqual([0, 1, 2, 3, 4]);
    expect(await values(range(5).stream().batch(2).take(2))).toEqual([0, 1]);
    expect(await values(range(5).stream().take(0))).toEqual([]);
  });

  test('counts records of the shard', async () => {
    expect(await values(range(10).stream({ shardRank: 1, numShards: 3 }).take(2))).toEqual([1, 4]);
  });
});

describe('skip', () => {
  test('leaves out so many of each iteration', async () => {
    const stream = range(5).stream().skip(3);
    expect([await values(stream), await values(stream), stream.length]).toEqual([[3, 4], [3, 4], 2]);
    expect(await values(range(5).stream().skip(9))).toEqual([]);
    expect(await values(range(5).stream().batch(2).skip(1))).toEqual([1, 2]);
  });
});

describe('repeat', () => {
  test('makes so many epochs one iteration, and the iteration after it goes on behind them', async () => {
    const stream = range(4).stream(SHUFFLED).repeat(2);
    const plain = range(4).stream(SHUFFLED);
    const epochs: unknown[][] = [];
    for (let i = 0; i < 4; i++) epochs.push(await values(plain));
    expect(await values(stream)).toEqual([...(epochs[0] ?? []), ...(epochs[1] ?? [])]);
    expect(stream.epoch).toBe(2);
    expect(await values(stream)).toEqual([...(epochs[2] ?? []), ...(epochs[3] ?? [])]);
  });

  test('before batch deals on across the edge of epochs, after it begins each epoch with a full batch', async () => {
    const lengths = async (flow: BatchStream): Promise<number[]> => (await gather(flow)).map(({ length }) => length);
    expect(await lengths(range(5).stream().repeat(2).batch(3))).toEqual([3, 3, 3, 1]);
    expect(await lengths(range(5).stream().batch(3).repeat(2))).toEqual([3, 2, 3, 2]);
  });
});

describe('batch', () => {
  test('carries its records’ indices, its number and its epoch', async () => {
    const order = await gather<number>(range(11).stream(SHUFFLED));
    const stream = batches();
    const [first, second, third, last] = await gather(stream);
    expect([first, second, third, last].map((batch) => batch?.step)).toEqual([0, 1, 2, 3]);
    expect(Array.from(second?.indices ?? [])).toEqual(order.slice(3, 6));
    expect(second?.records()).toEqual(order.slice(3, 6));
    expect([last?.length, last?.validLength, last?.globalLength]).toEqual([2, 2, 2]);
    const [next] = await gather(stream);
    expect([next?.epoch, next?.step]).toEqual([1, 0]);
  });

  test('knows its size, its number of batches and its schema', () => {
    const stream = batches();
    expect([stream.batchSize, stream.length, stream.schema.dtype]).toEqual([3, 4, 'float64']);
  });
});

const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['a rank beyond the shards', () => range(9).stream({ shardRank: 2, numShards: 2 }), /shardRank must be below numShards \(2\), got 2/],
  ['a rank without shards', () => range(9).stream({ shardRank: 0 } as never), /numShards is missing/],
  ['shards without a rank', () => range(9).stream({ numShards: 3 } as never), /shardRank is missing/],
  ['no shards', () => range(9).stream({ shardRank: 0, numShards: 0 }), /numShards.*got 0/],
  ['a negative offset', () => range(9).stream({ startOffset: -1 }), /startOffset.*got -1/],
  ['half an offset', () => range(9).stream({ startOffset: 0.5 }), /startOffset.*got 0\.5/],
  ['an offset as text', () => range(9).stream({ startOffset: '1' } as never), /startOffset.*got "1"/],
  ['an offset into nothing', () => gather(range(0).stream({ startOffset: 1 })), /empty/],
  ['a negative seed', () => range(9).stream({ shuffle: true, shuffleSeed: -1 }), /shuffleSeed.*got -1/],
  ['half a seed', () => range(9).stream({ shuffle: true, shuffleSeed: 1.5 }), /shuffleSeed.*1\.5/],
  ['a seed above 2^52', () => range(9).stream({ shuffle: true, shuffleSeed: 2 ** 52 + 1 }), /2\^52/],
  ['a shuffle without a seed', () => range(9).stream({ shuffle: true } as never), /needs a shuffleSeed/],
  ['a shuffle that is no boolean', () => range(9).stream({ shuffle: 1, shuffleSeed: 1 } as never), /shuffle must be true or false/],
  ['an algorithm that there is not', () => range(9).stream({ ...SHUFFLED, shuffleAlgorithm: 'xor' } as never), /"xor"/],
  ['an option that there is not', () => range(9).stream({ shufle: true } as never), /"shufle".*shuffle,/],
  ['options that are none', () => range(9).stream(5 as never), /object, got 5/],
  ['a batch of none', () => range(9).stream().batch(0), /batch: size.*got 0/],
  ['half a batch', () => range(9).stream().batch(1.5), /batch: size.*1\.5/],
  ['a global batch of none', () => range(9).stream().globalBatch(0), /globalBatch: size/],
  ['a remainder that there is not', () => range(9).stream().batch(2, { remainder: 'dropp' } as never), /remainder.*"keep", "drop", "pad", got "dropp"/],
  ['a batch option that there is not', () => range(9).stream().batch(2, { dropRemainder: true } as never), /"dropRemainder"/],
  ['a reuse that there is not', () => range(9).stream().batch(2, { reuse: 'yes' } as never), /reuse.*"yes"/],
  ['a negative take', () => range(9).stream().take(-1), /take: count.*-1/],
  ['half a skip', () => range(9).stream().skip(0.5), /skip: count.*0\.5/],
  ['a repeat of NaN', () => range(9).stream().repeat(NaN), /repeat: count.*NaN/],
]; // prettier-ignore
test.each(refused)('%s is refused by name', async (_name, make, message) => {
  const attempt = async (): Promise<unknown> => make();
  await expect(attempt()).rejects.toEqual(failure('INVALID_ARGUMENT', message));
});

test.each(['toTfDataset', 'toOrtFeeds'])('%s says which package it comes with', (method) => {
  for (const stream of [records(), batches()]) {
    const call = (stream as unknown as Record<string, () => void>)[method] as () => void;
    expect(() => call()).toThrow(failure('MISSING_PACKAGE', /npm i @dataref\//));
  }
});
