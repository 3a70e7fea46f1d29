// Transforms whose outputs only reading can tell: what each gives, and the resume suite over it.
import { describe, expect, test } from '@jest/globals';
import {
  concatStreams,
  field,
  fromRecords,
  mix,
  ndarray,
  zip,
  type DataRef,
  type Flow,
  type Stream,
} from '@dataref/core';
import { resumeSuite } from '@dataref/core/testing';
import { failure } from '../expect-error.js';
import { scale } from '../scale.js';
import { gather, range } from './gather.js';

const SHUFFLED = { shuffle: true, shuffleSeed: 4 } as const;
const records = (n = 11): Stream => range(n).stream(SHUFFLED);
const shard = (n: number, shardRank: number, numShards: number): Stream =>
  range(n).stream({ ...SHUFFLED, shardRank, numShards });
const odd = (x: number): boolean => x % 2 === 1;
const twice = (x: number): number[] => Array.from({ length: x % 3 }, (_, i) => x + i / 10);
const documents: DataRef = await fromRecords(
  Array.from({ length: 9 }, (_, i) => ({ tokens: ndarray(new Int32Array((i * 5) % 7).fill(i + 1), [(i * 5) % 7]) })),
  { schema: { tokens: field('int32', [null]) } },
);
const texts = (): Stream => documents.stream(SHUFFLED);

const pipelines: Record<string, () => Flow<unknown>> = {
  filter: () => records().filter(odd),
  'a filter that drops everything': () => records().filter(() => false),
  'a filter that drops the end': () =>
    range(9)
      .stream()
      .filter((x: number) => x < 4),
  'filter, batch': () => records().filter(odd).batch(2),
  'filter, batch, dropping': () => records().filter(odd).batch(2, { remainder: 'drop' }),
  'filter, batch, padded, of a shard': () => shard(11, 2, 3).filter(odd).batch(2, { remainder: 'pad' }),
  'filter, globalBatch of a shard': () => shard(11, 1, 3).filter(odd).globalBatch(4),
  'map, filter, map': () =>
    records()
      .map((x: number) => x * 3)
      .filter(odd)
      .map((x: number, c) => x + c.random()),
  'filter, take': () => records().filter(odd).take(3),
  'filter, skip': () => records().filter(odd).skip(2),
  'filter, repeat': () => records().filter(odd).repeat(2),
  'filter, batch, repeat': () => records().filter(odd).batch(2).repeat(2),
  'filter, batch, take, skip': () => records().filter(odd).batch(2).take(2).skip(1),
  'repeat, filter, batch: across the edge of epochs': () => records().repeat(3).filter(odd).batch(4),
  flatMap: () => records().flatMap(twice),
  'flatMap of a generator, batch': () => records().flatMap(async function* (x: number) { yield* twice(x); }).batch(3), // prettier-ignore
  'flatMap, flatMap': () =>
    records()
      .flatMap(twice)
      .flatMap((x: number) => [x, x]),
  window: () => records().window(3),
  'window, overlapping': () => records().window(4, { shift: 2 }),
  'window, with gaps': () => records().window(2, { shift: 3, remainder: 'drop' }),
  'pack, concatenate': () => texts().pack(8),
  'pack, concatenate, dropping': () => texts().pack(8, { remainder: 'drop' }),
  'pack, best-fit': () => texts().pack(8, { strategy: 'best-fit', blockSize: 4 }),
  'pack, best-fit, of records longer than a row': () => texts().pack(4, { strategy: 'best-fit', blockSize: 5 }),
  'pack, batch': () => texts().pack(8).batch(2),
  bucketByLength: () => texts().bucketByLength(2, { blockSize: 6 }),
  'bucketByLength, batch': () => texts().bucketByLength(2, { blockSize: 6 }).batch(2, { ragged: 'pad' }),
  unbatch: () => records().batch(3).unbatch(),
  'batch, map, unbatch, of a shard': () => shard(11, 1, 2).batch(2).map(({ columns }) => ({ x: columns, y: ndarray(new Int8Array(columns.shape[0]), [columns.shape[0]]) })).unbatch(), // prettier-ignore
  'batch, take, unbatch, filter': () => records().batch(3).take(2).unbatch().filter(odd),
  zip: () => zip([records(), range(8).stream()]),
  concatStreams: () => concatStreams([records(4), records(3).filter(odd), range(2).stream()]),
  'mix, first ends': () => mix([records(5), records(9)], { weights: [1, 2], until: 'firstEnds' }),
  'mix, all end': () => mix([records(3), records(9), records(5)], { weights: [3, 1, 2], until: 'allEnd' }),
  'mix at random': () => mix([records(5), records(9)], { weights: [1, 2], seed: 6, until: 'allEnd' }),
  'mix, never, take': () => mix([records(2), records(3)], { weights: [1, 1], until: 'never' }).take(12),
  'mix with weights by epoch': () =>
    mix([records(5), records(5)], { weights: (epoch) => [1, epoch + 1], until: 'allEnd' }),
  'mix of pipelines, batch': () => mix([records().filter(odd), range(6).stream({ startOffset: 3 }).map((x: number) => x + 0.5)], { weights: [2, 1], until: 'allEnd' }).batch(3), // prettier-ignore
  'mix, of a shard': () => mix([records(5), records(9)], { weights: [1, 2], until: 'allEnd', shardRank: 1, numShards: 2 }).globalBatch(4), // prettier-ignore
  'mix, filter, batch, repeat': () => mix([records(4), records(3)], { weights: [1, 1], until: 'allEnd' }).filter(odd).batch(2).repeat(2), // prettier-ignore
  'prefetch of all of it': () => mix([records(), records(5)], { weights: [1, 1], until: 'allEnd' }).flatMap(twice).filter((x: number) => x > 2).batch(2).prefetch({ batches: 5 }), // prettier-ignore
};
describe.each(Object.entries(pipelines))('%s', (name, pipeline) => {
  const iterations = scale < 1 ? 2 : 3;
  const isUneven = name.endsWith('of a shard');
  for (const { name: claim, run } of resumeSuite({ pipeline, iterations, isUneven })) test(claim, run);
});

describe.each(
  Object.entries({
    'filter, repeat': () => records().filter(odd).repeat(),
    'mix, never': () => mix([records(2), records(3).filter(odd)], { weights: [1, 1], until: 'never' }),
    'mix, never, batch': () => mix([records(2), records(3)], { weights: [1, 1], seed: 2, until: 'never' }).batch(4),
  }),
)('%s without end', (_name, pipeline: () => Flow<unknown>) => {
  for (const { name, run } of resumeSuite({ pipeline, limit: 30 })) test(name, run);
});

describe('under sharding', () => {
  const outputs = async (make: (rank: number, shards: number) => Stream, shards: number): Promise<unknown[]> => {
    const ranks = await Promise.all(Array.from({ length: shards }, (_, rank) => gather(make(rank, shards))));
    return Array.from({ length: Math.max(...ranks.map((all) => all.length)) }, (_, i) => ranks.map((all) => all[i])).flat().filter((x) => x !== undefined); // prettier-ignore
  };
  test.each([1, 2, 3, 5])('the outputs of %i ranks, by turns, are those of one', async (shards) => {
    const make = (rank: number, of: number): Stream =>
      shard(23, rank, of)
        .filter((x: number) => x % 4 !== 1)
        .flatMap(twice);
    expect(await outputs(make, shards)).toEqual(await gather(make(0, 1)));
  });

  test('a state of any rank restarts the job at another world size: the counter-example of the naive way', async () => {
    const make = (shardRank: number, numShards: number) =>
      range(20)
        .stream({ shardRank, numShards })
        .filter((p: number) => p % 4 !== 1)
        .batch(2);
    const states = await Promise.all([0, 1].map(async (rank) => {
      for await (const batch of make(rank, 2)) return JSON.stringify(batch.state);
      throw new Error('no batch');
    })); // prettier-ignore
    expect(states[0]!.replaceAll('"numShards":2', '')).toBe(states[1]!.replaceAll('"numShards":2', ''));
    for (const shards of [1, 2, 3]) {
      const rest = await Promise.all(Array.from({ length: shards }, (_, rank) => gather(make(rank, shards).resume(JSON.parse(states[1]!))))); // prettier-ignore
      const seen = rest
        .flat()
        .flatMap((batch) => batch.records() as number[])
        .sort((a, b) => a - b);
      expect(seen).toEqual([6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19]);
    }
  });
});

describe('mix', () => {
  test.each([[[3, 1]], [[1, 1, 1]], [[0.7, 0.2, 0.1]], [[5, 3, 2, 1, 1]], [[1, 0, 9]]])(
    'weights %j are met within one record at every prefix',
    async (weights) => {
      const sum = weights.reduce((a, b) => a + b);
      const inputs = weights.map((_, i) =>
        range(400)
          .stream()
          .map(() => i),
      );
      const counts = weights.map(() => 0);
      let step = 0;
      let farthest = 0;
      for await (const i of mix(inputs, { weights, until: 'never' }).take(300)) {
        counts[i]!++;
        step++;
        for (const [k, count] of counts.entries())
          farthest = Math.max(farthest, Math.abs(count - (step * weights[k]!) / sum));
      }
      expect(farthest).toBeLessThan(1);
    },
  );
  test('keeps the order of each input', async () => {
    const all = await gather(
      mix([records(9), records(20).map((x: number) => x + 100)], { weights: [1, 3], seed: 1, until: 'allEnd' }),
    );
    expect(all.filter((x) => (x as number) < 100)).toEqual(await gather(records(9)));
    expect(all.filter((x) => (x as number) >= 100)).toEqual(
      (await gather(records(20))).map((x) => (x as number) + 100),
    );
  });
  test('refuses what cannot be meant', () => {
    failure('INVALID_ARGUMENT', /weights must be 2 numbers/);
    expect(() => mix([records(), records()], { weights: [1], until: 'allEnd' })).toThrow(
      failure('INVALID_ARGUMENT', /weights must be 2 numbers/),
    );
    expect(() => mix([shard(9, 0, 2)], { weights: [1], until: 'allEnd' })).toThrow(
      failure('INVALID_ARGUMENT', /give them here/),
    );
    expect(() => mix([records()], { weights: [1], until: 'sometimes' as never })).toThrow(
      failure('INVALID_ARGUMENT', /until/),
    );
  });
});
