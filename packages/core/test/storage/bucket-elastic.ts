import { deepStrictEqual } from 'node:assert/strict';
import { describe, expect, test } from '@jest/globals';
import { type DataRef, fromColumns, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import * as fc from 'fast-check';
import { FileStore } from '../../dist/store/file-store.js';
import { announceSeed, runs } from '../scale.js';
import { anyJob, type Job, largestStep, live, ranksOf } from '../stream/elastic-job.js';
import { storeInParts } from '../stream/store-in-parts.js';
import { tempFolder } from '../temp-folder.js';
import type { BucketOptions, Buckets } from './bucket-storage.js';

const LENGTH = 47;
const PART_RECORDS = 7;

const small = (): DataRef =>
  fromColumns({
    id: Int32Array.from({ length: LENGTH }, (_, i) => i),
    image: ndarray(
      Uint8Array.from({ length: LENGTH * 40 }, (_, i) => (i * 7) & 255),
      [LENGTH, 40],
    ),
    name: Array.from({ length: LENGTH }, (_, i) => 'n'.repeat(i % 5) + i),
  });

type Steps = Awaited<ReturnType<typeof live>>;
const contents = (steps: Steps) => steps.map((made) => made.map((batch) => [batch.records(), batch.state]));
const idsOf = (steps: Steps): number[] =>
  steps.flatMap((made) => made.flatMap((batch) => (batch.records() as { id: number }[]).map(({ id }) => id)));

/** A job whose data is in a bucket goes on with another number of shards, as it would from the disk. */
export function bucketElasticSuite({ scheme, newBucket, storageIn, storeOf }: Buckets): void {
  const seed = announceSeed(`storage/elastic in ${scheme}`);
  const store = async () => {
    const [bucket, directory] = [await newBucket(), tempFolder()];
    await storeInParts(storeOf(bucket), small(), 'small', '1', PART_RECORDS);
    await storeInParts(new FileStore(directory), small(), 'small', '1', PART_RECORDS);
    return { bucket, disk: () => new FileStorage(directory).fetch('small', '1') };
  };
  let stored: ReturnType<typeof store> | undefined;
  const anyOrder = fc.constantFrom('numpy' as const, 'permutation' as const, 'parts' as const);
  // Steps of few records, so that an epoch has several lives, of several worlds.
  const anyLives = anyJob
    .filter(({ lives }) => new Set(lives.map(({ shards }) => shards)).size > 1)
    .map((job): Job => ({
      ...job,
      length: LENGTH,
      lives: job.lives.map((life) => ({ ...life, size: (life.size % 3) + 1 })),
    }));

  describe('killed and gone on with at other world sizes, gives every record of the epoch once, as from the disk', () => {
    test.each([
      ['batch', false],
      ['globalBatch', true],
    ])('%s', async (_, isGlobal) => {
      const { bucket, disk } = await (stored ??= store());
      const cache = { directory: tempFolder(), limitBytes: 2 ** 24 };
      const anyReading = fc.constantFrom<BucketOptions>({}, { memoryLimitBytes: 0 }, { memoryLimitBytes: 0, cache });
      await fc.assert(
        fc.asyncProperty(anyLives, anyOrder, anyReading, async (given, shuffleAlgorithm, reading) => {
          const job = { ...given, isGlobal };
          const order = { shuffle: true, shuffleSeed: 11, shuffleAlgorithm } as const;
          const steps = await live(job, { open: () => storageIn(bucket, reading).fetch('small', '1'), order });
          deepStrictEqual(contents(steps), contents(await live(job, { open: disk, order })));
          const seen = idsOf(steps).toSorted((a, b) => a - b);
          if (job.remainder !== 'drop') expect(seen).toEqual(ranksOf(LENGTH));
          else {
            expect(new Set(seen).size).toBe(seen.length);
            expect(LENGTH - seen.length).toBeLessThan(largestStep(job));
          }
        }),
        { seed, numRuns: runs(40), timeout: 60_000 },
      );
    });
  });
}
