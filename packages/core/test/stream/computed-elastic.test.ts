import { afterAll, describe, expect, jest, test } from '@jest/globals';
import type { Batch, BatchStream, Stream, StreamState } from '@dataref/core';
import * as fc from 'fast-check';
import { announceSeed, runs } from '../scale.js';
import { anyJob, type Batching, type Computed } from './any-computed.js';
import { buildComputed } from './computed-pipelines.js';
import { gather, iterate, through } from './gather.js';
import { removeSamples } from './samples.js';

const seed = announceSeed('stream/computed-elastic');
jest.setTimeout(3_600_000);
afterAll(removeSamples);

const ranks = (shards: number): number[] => Array.from({ length: shards }, (_, rank) => rank);
/** Records long enough to be dealt, short enough for many of them. */
const MOST = 60;

/** A job on one rank of a world. */
async function part<F extends Stream | BatchStream>(
  job: Computed,
  shardRank: number,
  numShards: number,
  batching?: Batching,
): Promise<F> {
  return (await buildComputed({ ...job, world: { shardRank, numShards }, batching })) as F;
}

/** One epoch of all ranks, by turns. */
async function byTurns(job: Computed, shards: number): Promise<unknown[]> {
  const shares = await Promise.all(ranks(shards).map(async (rank) => gather(await part<Stream>(job, rank, shards))));
  const most = Math.max(...shares.map((share) => share.length));
  return Array.from({ length: most }, (_, turn) => shares.flatMap((share) => share.slice(turn, turn + 1))).flat();
}

describe('any pipeline, at any world size', () => {
  test('gives by turns of its ranks what one rank gives', async () => {
    let outputs = 0;
    await fc.assert(
      fc.asyncProperty(anyJob(8), fc.integer({ min: 2, max: 5 }), async (job, shards) => {
        const alone = await gather(await part<Stream>(job, 0, 1));
        outputs += alone.length;
        expect(await byTurns(job, shards)).toEqual(alone);
      }),
      { seed, numRuns: runs(1000), timeout: 60_000 },
    );
    expect(outputs).toBeGreaterThan(0);
  });

  const anyLife = fc.record({
    shards: fc.integer({ min: 1, max: 5 }),
    steps: fc.nat({ max: 3 }),
    survivor: fc.nat({ max: 4 }),
    size: fc.integer({ min: 1, max: 5 }),
  });
  const anyCase = fc.record({
    job: anyJob(8),
    lives: fc.array(anyLife, { minLength: 1, maxLength: 4 }),
    isGlobal: fc.boolean(),
    remainder: fc.constantFrom('keep' as const, 'drop' as const, 'pad' as const),
  });

  test('killed and gone on with at other world sizes, gives every output of an epoch once, and in order', async () => {
    let outputs = 0;
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ job: given, lives, isGlobal, remainder }) => {
        // Batches need records of one structure; and one epoch is looked at.
        const kept = given.steps.filter(({ name }) => name !== 'repeat');
        const job: Computed = { ...given, steps: [...kept, { name: 'map' }] };
        const alone = (await gather(await part<Stream>(job, 0, 1), MOST + 1)) as unknown[];
        if (alone.length > MOST || alone.length === 0) return;
        outputs += alone.length;
        const seen: unknown[] = [];
        let state: StreamState | undefined;
        let isOver = false;
        let largest = 0;
        for (const [number, { shards, steps: most, survivor, size }] of lives.entries()) {
          const isLast = number === lives.length - 1;
          largest = Math.max(largest, isGlobal ? size : size * shards);
          const streams = await Promise.all(
            ranks(shards).map(async (rank) =>
              (await part<BatchStream>(job, rank, shards, { isGlobal, size, remainder })).resume(state),
            ),
          );
          const loops = streams.map((stream) => iterate<Batch>(stream));
          const steps = isLast ? Infinity : most;
          for (let step = 0; !isOver && step < steps; step++) {
            const results = await Promise.all(loops.map((loop) => loop.next()));
            const made = results.flatMap((result): Batch[] => (result.done === true ? [] : [result.value]));
            if (made.some((batch) => batch.epoch > 0)) isOver = true; // what was left made no batch at this world size
            if (isOver || made.length === 0) break;
            const shares = made.map((batch) => batch.records() as unknown[]);
            const rows = Math.max(...shares.map((share) => share.length));
            seen.push(...Array.from({ length: rows }, (_, row) => shares.flatMap((share) => share.slice(row, row + 1))).flat()); // prettier-ignore
            // A step that only some ranks made is the last one of the epoch.
            if (made.length < shards) isOver = true;
            for (const batch of made) expect(batch.state).toEqual(made[0]!.state);
            state = through(made[survivor % made.length]!.state);
            if (state.epoch > 0) isOver = true;
          }
          await Promise.all(streams.map((stream) => stream.close()));
          if (isOver) break;
        }
        if (remainder !== 'drop') expect(seen).toEqual(alone);
        else {
          // Of the last step, ranks that have too few rows drop theirs: what others have of it comes.
          const left = alone.map((output) => JSON.stringify(output));
          for (const output of seen) expect(left.splice(left.indexOf(JSON.stringify(output)) >>> 0, 1)).toHaveLength(1);
          if (isGlobal) expect(seen).toEqual(alone.slice(0, seen.length));
          expect(alone.length - seen.length).toBeLessThan(largest);
        }
      }),
      { seed, numRuns: runs(1000), timeout: 60_000 },
    );
    expect(outputs).toBeGreaterThan(0);
  });
});
