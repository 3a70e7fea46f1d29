import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { describe, expect, jest, test } from '@jest/globals';
import { field, fromRecords, ndarray, type Batch, type StreamState } from '@dataref/core';
import * as fc from 'fast-check';
import { announceSeed, runs } from '../scale.js';
import { failure } from '../expect-error.js';
import { anyJob, anyLife, indicesOf, type Job, largestStep, live } from './elastic-job.js';
import { gather, range, through } from './gather.js';

const seed = announceSeed('stream/elastic');
jest.setTimeout(600_000);
const ORDER = { shuffle: true, shuffleSeed: 11 } as const;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const positions = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** The records that a job has seen of 0, 1, … in its order. */
const recordsSeen = async (job: Job): Promise<number[]> =>
  indicesOf(await live(job, { open: () => range(job.length), order: ORDER }));

describe('a job that is killed and goes on with another number of shards', () => {
  test('sees every record of the epoch exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(anyJob, async (job) => {
        const seen = sorted(await recordsSeen(job));
        if (job.remainder !== 'drop') {
          expect(seen).toEqual(positions(job.length));
          return;
        }
        // Dropped: no record twice, and fewer left out than one step of some life takes.
        expect(new Set(seen).size).toBe(seen.length);
        expect(job.length - seen.length).toBeLessThan(largestStep(job));
      }),
      { seed, numRuns: runs(1500) },
    );
  });

  test('sees each step’s records in the order that one shard alone would', async () => {
    const anyGlobal = anyJob.map((job) => ({ ...job, isGlobal: true, remainder: 'keep' as const }));
    const order = await gather<number>(range(60).stream(ORDER));
    expect(new Set(order).size).toBe(60);
    await fc.assert(
      fc.asyncProperty(anyGlobal, async (given) => {
        const lives = given.lives.map((life) => ({ ...life, size: 6 }));
        const job = { ...given, length: 60, lives };
        const seen = await recordsSeen(job);
        for (let start = 0; start < 60; start += 6)
          expect(sorted(seen.slice(start, start + 6))).toEqual(sorted(order.slice(start, start + 6)));
      }),
      { seed, numRuns: runs(300) },
    );
  });

  test('leaves out at most numShards − 1 records of the epoch where shards are made equal', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5, max: 40 }),
        fc.array(anyLife, { minLength: 1, maxLength: 4 }),
        async (length, lives) => {
          const seen: number[] = [];
          let state: StreamState | undefined;
          for (const [number, { shards, steps }] of lives.entries()) {
            const isLast = number === lives.length - 1;
            const before = state;
            const streams = positions(shards).map((shardRank) =>
              range(length)
                .stream({ ...ORDER, shardRank, numShards: shards, dropShardRemainder: true })
                .resume(before),
            );
            if (streams.every((stream) => stream.epoch === 0)) {
              const records = await Promise.all(
                streams.map((stream) => gather<number>(stream, isLast ? Infinity : steps)),
              );
              expect(new Set(records.map((share) => share.length)).size).toBe(1);
              seen.push(...records.flat());
              state = through(streams[0]?.state);
            }
            if ((streams[0]?.epoch ?? 0) > 0) {
              expect(new Set(seen).size).toBe(seen.length);
              expect(length - seen.length).toBeLessThan(shards);
              return;
            }
          }
        },
      ),
      { seed, numRuns: runs(500) },
    );
  });
});

describe('globalBatch', () => {
  const anyCase = fc.record({
    length: fc.integer({ min: 0, max: 50 }),
    shards: fc.integer({ min: 1, max: 6 }),
    size: fc.integer({ min: 1, max: 12 }),
    remainder: fc.constantFrom('keep' as const, 'drop' as const, 'pad' as const),
    isMapped: fc.boolean(),
    passes: fc.integer({ min: 1, max: 2 }),
  });

  test('gives the same global batches, and as many steps on every rank, at any world size', async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ length, shards, size, remainder, isMapped, passes }) => {
        const read = async (shardRank: number, numShards: number): Promise<Batch[]> => {
          const stream = range(length).stream({ ...ORDER, shardRank, numShards });
          const records = isMapped
            ? stream.map((value: number) => ({ value: value + 1 }))
            : stream.map((value: number) => ({ value: value + 1 }), { schema: { value: field('float64') } });
          const batched = records.repeat(passes).globalBatch(size, { remainder });
          const all = await gather(batched);
          strictEqual(all.length, batched.length);
          return all;
        };
        const alone = await read(0, 1);
        const ranks = await Promise.all(positions(shards).map((rank) => read(rank, shards)));
        for (const rank of ranks) strictEqual(rank.length, alone.length);
        for (const [t, batch] of alone.entries()) {
          const shares = ranks.map((rank) => rank[t] as Batch);
          const dealt = positions(batch.validLength).map((i) => shares[i % shards]?.indices[Math.floor(i / shards)]);
          deepStrictEqual(dealt, [...(batch.indices as Uint32Array)]);
          for (const share of shares) {
            strictEqual(share.globalLength, batch.validLength);
            strictEqual(share.epoch, batch.epoch);
            deepStrictEqual(share.columns.value.shape, [share.length]);
            const values: number[] = [...share.columns.value.data];
            const real = Array.from(share.indices, (index) => index + 1);
            deepStrictEqual(values, [...real, ...positions(share.length - share.validLength).fill(0)]);
          }
          const full = shares.map((_, rank) => Math.ceil(Math.max(0, size - rank) / shards));
          if (remainder === 'pad')
            deepStrictEqual(
              shares.map((share) => share.length),
              full,
            );
          else
            deepStrictEqual(
              shares.map((share) => share.length),
              shares.map((share) => share.validLength),
            );
        }
      }),
      { seed, numRuns: runs(1500) },
    );
  });

  test('refuses what would deal otherwise on each world, and says what to do', () => {
    const shard = { shardRank: 0, numShards: 2 };
    expect(() =>
      range(9)
        .stream({ ...ORDER, ...shard, shardBeforeShuffle: true })
        .globalBatch(4),
    ).toThrow(failure('INVALID_ARGUMENT', /shardBeforeShuffle/));
    expect(() =>
      range(9)
        .stream({ ...shard, dropShardRemainder: true })
        .globalBatch(4),
    ).toThrow(failure('INVALID_ARGUMENT', /dropShardRemainder.*remainder: 'drop'/));
  });
});

describe('batch, padded', () => {
  test('gives every rank ceil(L / (n W)) batches, real rows first, the others zero', async () => {
    for (const [length, shards, size] of [
      [10, 3, 2],
      [7, 4, 2],
      [12, 3, 4],
      [1, 5, 3],
      [9, 2, 5],
    ] as const) {
      // prettier-ignore
      const seen: number[] = [];
      for (const shardRank of positions(shards)) {
        const stream = range(length).stream({ shardRank, numShards: shards }).batch(size, { remainder: 'pad' });
        const all = await gather(stream);
        expect(all.length).toBe(Math.ceil(length / (size * shards)));
        expect(stream.length).toBe(all.length);
        for (const batch of all) {
          const values: number[] = [...batch.columns.data];
          expect([batch.length, values.length]).toEqual([size, size]);
          expect(values.slice(batch.validLength)).toEqual(positions(size - batch.validLength).fill(0));
          expect(batch.records()).toEqual(values.slice(0, batch.validLength));
          seen.push(...batch.records());
        }
      }
      expect(sorted(seen)).toEqual(positions(length));
    }
  });

  test('pads strings, bytes and ragged columns with nothing', async () => {
    const data = await fromRecords(
      [{ name: 'a', raw: new Uint8Array([1]), tokens: ndarray(new Int32Array([1, 2]), [2]) }],
      {
        schema: { name: field('string'), raw: field('bytes'), tokens: field('int32', [null]) },
      },
    );
    const [list] = await gather(data.stream().batch(2, { remainder: 'pad' }));
    expect(list?.columns.name).toEqual(['a', '']);
    expect(list?.columns.raw.map((bytes) => bytes.length)).toEqual([1, 0]);
    expect(list?.columns.tokens.map(({ shape }) => shape)).toEqual([[2], [0]]);
    const [padded] = await gather(data.stream().batch(2, { remainder: 'pad', ragged: 'pad' }));
    expect(padded?.columns.tokens).toMatchObject({ shape: [2, 2], data: Int32Array.from([1, 2, 0, 0]) });
  });
});

test('the number of batches of each shard is known beforehand', async () => {
  const anyCase = fc.record({
    length: fc.integer({ min: 0, max: 30 }),
    shards: fc.integer({ min: 1, max: 5 }),
    size: fc.integer({ min: 1, max: 5 }),
    remainder: fc.constantFrom('keep' as const, 'drop' as const, 'pad' as const),
    passes: fc.integer({ min: 0, max: 3 }),
    takes: fc.nat({ max: 5 }),
    skips: fc.nat({ max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ length, shards, size, remainder, passes, takes, skips }) => {
      for (const shardRank of positions(shards)) {
        const records = range(length).stream({ shardRank, numShards: shards });
        const one = records.batch(size, { remainder });
        const many = [one, one.repeat(passes), one.skip(skips).repeat(passes), one.repeat(passes).skip(skips), one.take(takes).repeat(passes), records.repeat(passes).batch(size, { remainder }), records.skip(skips).take(takes).repeat(passes)]; // prettier-ignore
        for (const flow of many)
          expect((await gather<unknown>(flow as AsyncIterable<unknown>)).length).toBe(flow.length);
      }
    }),
    { seed, numRuns: runs(500) },
  );
});

test('repeated batches go through all passes on a shard that has fewer of them', async () => {
  const lengths = positions(3).map(async (shardRank) =>
    (await gather(range(13).stream({ shardRank, numShards: 3 }).batch(4).repeat(3))).map((batch) => batch.epoch),
  );
  expect(await Promise.all(lengths)).toEqual([
    [0, 0, 1, 1, 2, 2],
    [0, 1, 2],
    [0, 1, 2],
  ]);
});

test('a sum of lengths over the ranks is the global length', async () => {
  for (const isGlobal of [true, false]) {
    const ranks = await Promise.all(
      positions(3).map((shardRank) => {
        const records = range(20).stream({ shardRank, numShards: 3 });
        return gather(isGlobal ? records.globalBatch(7) : records.batch(2, { remainder: 'pad' }));
      }),
    );
    for (const t of ranks[0]?.keys() ?? [])
      expect(sum(ranks.map((rank) => rank[t]?.validLength ?? 0))).toBe(ranks[0]?.[t]?.globalLength);
  }
});
