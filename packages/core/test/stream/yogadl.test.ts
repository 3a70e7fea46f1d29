// Every case of YogaDL's own tests, and the arithmetic that they rest on, as claims about streams.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { failure } from '../expect-error.js';
import { gather, range } from './gather.js';

const SHUFFLED = { shuffle: true, shuffleSeed: 23 } as const;
const whole = Array.from({ length: 10 }, (_, i) => i);

async function epochs(stream: AsyncIterable<number>, count: number): Promise<number[][]> {
  const all: number[][] = [];
  for (let i = 0; i < count; i++) all.push(await gather(stream));
  return all;
}

describe('a stream of 0 to 9, as YogaDL has it', () => {
  test('gives three epochs in order', async () => {
    expect(await epochs(range(10).stream(), 3)).toEqual([whole, whole, whole]);
  });

  test('applies an offset of 5 to the first epoch only', async () => {
    expect(await epochs(range(10).stream({ startOffset: 5 }), 3)).toEqual([whole.slice(5), whole, whole]);
  });

  test('an offset of 15 starts epoch 1 at 5', async () => {
    const stream = range(10).stream({ startOffset: 15, ...SHUFFLED });
    expect(stream.epoch).toBe(1);
    const [, second, third] = await epochs(range(10).stream(SHUFFLED), 3);
    expect(await epochs(stream, 2)).toEqual([second?.slice(5), third]);
  });

  test('shuffles each epoch anew, and gives each record once', async () => {
    const all = await epochs(range(10).stream(SHUFFLED), 3);
    expect(new Set(all.map(String)).size).toBe(3);
    for (const epoch of all) expect(epoch.toSorted((a, b) => a - b)).toEqual(whole);
  });

  test('gives the same order in each epoch under skipShuffleAtEpochEnd', async () => {
    const [first, ...more] = await epochs(range(10).stream({ ...SHUFFLED, skipShuffleAtEpochEnd: true }), 3);
    expect(more).toEqual([first, first]);
    expect(first).toEqual((await epochs(range(10).stream(SHUFFLED), 1))[0]);
  });

  test('takes seed 0 for a seed', async () => {
    const [first] = await epochs(range(10).stream({ shuffle: true, shuffleSeed: 0 }), 1);
    expect(first).toEqual([2, 8, 4, 9, 1, 6, 7, 3, 0, 5]); // numpy 1.x and 2.x, RandomState(0).shuffle(arange(10))
  });

  test('refuses to shuffle without a seed, and with an order that is kept too', () => {
    for (const skipShuffleAtEpochEnd of [false, true]) {
      expect(() => range(10).stream({ shuffle: true, skipShuffleAtEpochEnd } as never)).toThrow(
        failure('INVALID_ARGUMENT', /shuffleSeed/),
      );
    }
  });

  test.each([2, 3, 4, 7, 10])('its %d strided shards interleave to the whole', async (numShards) => {
    const shards = await Promise.all(
      Array.from({ length: numShards }, (_, shardRank) => gather(range(10).stream({ shardRank, numShards }))),
    );
    shards.forEach((shard, rank) => expect(shard).toEqual(whole.filter((i) => i % numShards === rank)));
    expect(whole.map((i) => shards[i % numShards]?.[Math.floor(i / numShards)])).toEqual(whole);
  });

  test('shuffled shards interleave to the shuffled whole', async () => {
    const [order] = await epochs(range(10).stream(SHUFFLED), 1);
    for (const numShards of [2, 3, 4]) {
      for (let shardRank = 0; shardRank < numShards; shardRank++) {
        const shard = await gather(range(10).stream({ ...SHUFFLED, shardRank, numShards }));
        expect(shard).toEqual(order?.filter((_, i) => i % numShards === shardRank));
      }
    }
  });

  test('dropShardRemainder makes shards equal', async () => {
    for (const numShards of [3, 4, 7]) {
      for (let shardRank = 0; shardRank < numShards; shardRank++) {
        const stream = range(10).stream({ shardRank, numShards, dropShardRemainder: true });
        expect(stream.length).toBe(Math.floor(10 / numShards));
        expect((await gather(stream)).length).toBe(Math.floor(10 / numShards));
      }
    }
    expect(() => range(10).stream({ shardRank: 0, numShards: 11, dropShardRemainder: true })).toThrow(
      failure('INVALID_ARGUMENT', /numShards is 11.*10 records/),
    );
  });

  test('an offset counts records of the shard', async () => {
    // Shards of ceil(10 / 3) = 4: offset 5 is epoch 1 from the shard's second record on.
    expect(await gather(range(10).stream({ startOffset: 5, shardRank: 0, numShards: 3 }))).toEqual([3, 6, 9]);
    // Dropped to 3 each: offset 5 is epoch 1 from the third on.
    const dropped = range(10).stream({ startOffset: 5, shardRank: 1, numShards: 3, dropShardRemainder: true });
    expect([dropped.epoch, await gather(dropped)]).toEqual([1, [7]]);
  });

  test('a new iteration is the next epoch, though the last was abandoned', async () => {
    const [, second, third] = await epochs(range(10).stream(SHUFFLED), 3);
    const stream = range(10).stream(SHUFFLED);
    await gather(stream, 3);
    expect(await gather(stream, 4)).toEqual(second?.slice(0, 4));
    expect(await gather(stream)).toEqual(third);
  });

  test('prints what the walkthrough prints', async () => {
    const stream = range(10).stream({ startOffset: 5, shuffle: true, shuffleSeed: 777 });
    const lines: string[] = [];
    for await (const batch of stream.repeat(3).batch(5)) lines.push(`[${[...batch.columns.data].join(' ')}]`);
    expect(lines.join(' ')).toBe('[5 1 9 6 7] [1 7 3 9 8] [2 6 0 4 5] [9 5 3 0 8] [6 7 4 1 2]');
  });
});

describe('shardBeforeShuffle is YogaDL’s arithmetic: strided keys, shuffled by numpy inside the shard', () => {
  interface Case {
    readonly n: number;
    readonly seed: number;
    readonly epoch: number;
    readonly order?: readonly number[];
  }
  const golden = JSON.parse(readFileSync(new URL('../order/golden/numpy.json', import.meta.url), 'utf8')) as {
    cases: readonly Case[];
  };
  const cases = golden.cases.filter(
    ({ n, epoch, order }) => n >= 1 && n <= 100 && epoch <= 1000 && order !== undefined,
  );

  /** What YogaDL gives: `keys[rank::size]`, `RandomState(seed + epoch).shuffle(keys)`, from the offset on. */
  function yogadl({ order = [] }: Case, length: number, rank: number, size: number): number[] {
    const keys = Array.from({ length }, (_, i) => i).filter((i) => i % size === rank);
    return order.map((k) => keys[k] as number);
  }

  test('enough cases of numpy are there', () => expect(cases.length).toBeGreaterThan(100));

  test.each([1, 2, 3])('for each numpy order, as one of %d shards', async (numShards) => {
    for (const one of cases) {
      const length = one.n * numShards;
      for (const shardRank of new Set([0, numShards - 1])) {
        const position = one.n >> 1;
        const stream = range(length).stream({
          shuffle: true,
          shuffleSeed: one.seed,
          shuffleAlgorithm: 'numpy',
          shardBeforeShuffle: true,
          shardRank,
          numShards,
          startOffset: one.epoch * one.n + position,
        });
        const wanted = yogadl(one, length, shardRank, numShards).slice(position);
        expect([one, stream.epoch, await gather(stream)]).toEqual([one, one.epoch, wanted]);
      }
    }
  });

  test('shards of unequal length, and cut to the same length', async () => {
    const one = cases.find(({ n, seed, epoch }) => n === 10 && seed === 777 && epoch === 0) as Case;
    const options = { shuffle: true, shuffleSeed: 777, shardBeforeShuffle: true, numShards: 3 } as const;
    const kept = range(28).stream({ ...options, shardRank: 0 });
    expect(await gather(kept)).toEqual(yogadl(one, 28, 0, 3));
    const shorter = range(29).stream({ ...options, shardRank: 2 });
    expect([shorter.length, (await gather(shorter)).length]).toEqual([9, 9]);
    const dropped = range(32).stream({ ...options, shardRank: 1, dropShardRemainder: true });
    expect(await gather(dropped)).toEqual(yogadl(one, 30, 1, 3));
  });

  test('its order depends on the number of shards; ours, sharded after the shuffle, does not', async () => {
    const union = async (numShards: number, shardBeforeShuffle: boolean): Promise<number[]> => {
      const shards = await Promise.all(
        Array.from({ length: numShards }, (_, shardRank) =>
          gather(range(30).stream({ ...SHUFFLED, shardBeforeShuffle, shardRank, numShards })),
        ),
      );
      return Array.from({ length: 30 }, (_, i) => shards[i % numShards]?.[Math.floor(i / numShards)] as number);
    };
    expect(await union(3, false)).toEqual(await union(2, false));
    expect(await union(3, true)).not.toEqual(await union(2, true));
  });
});
