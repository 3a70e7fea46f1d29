import { describe, expect, jest, test } from '@jest/globals';
import { resumeSuite } from '@dataref/core/testing';
import * as fc from 'fast-check';
import { announceSeed, runs } from '../../../core/test/scale.js';
import { anyJob, indicesOf, largestStep, live } from '../../../core/test/stream/elastic-job.js';
import { gather } from '../../../core/test/stream/gather.js';
import { windows } from '../../dist/windows/token-files.js';
import { tokenFile, WAYS } from './token-samples.js';

const seed = announceSeed('text/windows-resume');
jest.setTimeout(600_000);
const file = tokenFile(80);
const ORDER = { shuffle: true, shuffleSeed: 11 } as const;

describe.each(WAYS)('windows $name, shuffled', (way) => {
  const open = (path: string) => windows(path, { sequenceLength: 6, fingerprint: 'x', ...way });

  for (const shards of [1, 3])
    for (const { name, run } of resumeSuite({
      pipeline: async () => {
        const data = await open(await file);
        return data.stream({ ...ORDER, shardRank: shards - 1, numShards: shards }).batch(3);
      },
      isUneven: shards > 1,
    }))
      test(`${name} (of ${shards} shards)`, run);

  test('are seen once an epoch by a job that goes on with other numbers of shards', async () => {
    await fc.assert(
      fc.asyncProperty(anyJob, async (job) => {
        const jobFile = await tokenFile(job.length * 6 + 1);
        const seen = indicesOf(await live(job, { open: () => open(jobFile), order: ORDER }));
        expect(new Set(seen).size).toBe(seen.length);
        const missing = job.length - seen.length;
        if (job.remainder === 'drop') expect(missing).toBeLessThan(largestStep(job));
        else expect(missing).toBe(0);
      }),
      { seed, numRuns: runs(300) },
    );
  });
});

test('a state is refused by windows of another length, another stride and other tokens', async () => {
  const open = async (options: object) => windows(await file, { sequenceLength: 6, fingerprint: 'x', ...options });
  const { state } = (await open({})).stream(ORDER).batch(3);
  for (const options of [{ sequenceLength: 5 }, { stride: 5 }, { fingerprint: 'y' }]) {
    const data = await open(options);
    await expect(gather(data.resume(state).batch(3))).rejects.toMatchObject({ code: 'STATE_MISMATCH' });
  }
});
