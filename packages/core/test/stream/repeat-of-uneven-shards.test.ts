import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { fromColumns } from '@dataref/core';
import { announceSeed, runs } from '../scale.js';

const SEED = announceSeed('repeat of uneven shards');
const datasetOf = (length: number) => fromColumns(Int32Array.from({ length }, (_, i) => i));

test('batch then repeat gives every record once a pass, though the last batch is not for all shards', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      async (length, numShards, size, passes) => {
        const seen = new Array<number>(length).fill(0);
        for (let shardRank = 0; shardRank < numShards; shardRank++) {
          const stream = datasetOf(length).stream({ shuffle: true, shuffleSeed: 1, shardRank, numShards });
          const batches = stream.batch(size).repeat(passes);
          let count = 0;
          for await (const { indices } of batches) {
            count++;
            for (const index of Array.from(indices)) seen[index]!++;
          }
          expect(count).toBe(batches.length);
        }
        expect(seen).toEqual(new Array<number>(length).fill(passes));
      },
    ),
    { seed: SEED, numRuns: runs(300) },
  );
});

test('an endless repeat that never has a batch for its shard says so', async () => {
  const stream = datasetOf(2).stream({ shardRank: 2, numShards: 3 }).batch(1).repeat();
  await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'EMPTY' });
});
