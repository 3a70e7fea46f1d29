import { afterAll, beforeAll, describe, jest, test } from '@jest/globals';
import type { Flow } from '@dataref/core';
import { resumeSuite } from '@dataref/core/testing';
import { MODULE } from './computed-pipelines.js';
import { iterate, range } from './gather.js';

jest.setTimeout(300_000);

/** Holds the threads, which all pipelines share. */
const holder = range(3).stream().map(MODULE, { workers: 2 });
beforeAll(async () => void (await iterate<unknown>(holder).next()));
afterAll(() => holder.close());

const shuffled = (length: number) => range(length).stream({ shuffle: true, shuffleSeed: 1 });
const leftOut = (x: number): number => {
  if (x % 3 === 0) throw new Error('left out');
  return x;
};

describe.each(
  Object.entries<() => Flow<unknown>>({
    'map in worker threads': () => shuffled(7).map(MODULE, { workers: 2, batchSize: 2 }),
    'map in worker threads, in batches': () => shuffled(7).map(MODULE, { workers: 2, batchSize: 2 }).batch(2),
    'map in worker threads, of what a filter leaves': () =>
      shuffled(9)
        .filter((x) => x % 3 > 0)
        .map(MODULE, { workers: 2, batchSize: 1 })
        .prefetch(),
    'map that leaves out what fails': () => shuffled(9).map(leftOut, { onError: 'skip' }),
  }),
)('%s', (_, pipeline) => {
  for (const { name, run } of resumeSuite({ pipeline })) test(name, run);
});
