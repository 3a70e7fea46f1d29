import { deepStrictEqual } from 'node:assert/strict';
import type { Batch, BatchStream, DataRef, StreamOptions, StreamState } from '@dataref/core';
import * as fc from 'fast-check';
import { iterate, through } from './gather.js';

/** One life of a job: `steps` steps on all ranks of a world, then killed; the state of one of its ranks survives. */
export interface Life {
  readonly shards: number;
  readonly steps: number;
  readonly survivor: number;
  readonly size: number;
}
export const anyLife: fc.Arbitrary<Life> = fc.record({
  shards: fc.integer({ min: 1, max: 5 }),
  steps: fc.nat({ max: 4 }),
  survivor: fc.nat({ max: 4 }),
  size: fc.integer({ min: 1, max: 7 }),
});

/** A job that is killed and goes on with another number of shards. */
export interface Job {
  readonly length: number;
  readonly isGlobal: boolean;
  readonly remainder: 'keep' | 'drop' | 'pad';
  readonly lives: readonly Life[];
}
export const anyJob: fc.Arbitrary<Job> = fc.record({
  length: fc.integer({ min: 1, max: 60 }),
  isGlobal: fc.boolean(),
  remainder: fc.constantFrom('keep', 'drop', 'pad'),
  lives: fc.array(anyLife, { minLength: 1, maxLength: 5 }),
});

/** Where each life of a job has its records from, and their order. */
export interface Source {
  readonly open: () => DataRef | Promise<DataRef>;
  readonly order: StreamOptions;
}

export const ranksOf = (shards: number): number[] => Array.from({ length: shards }, (_, rank) => rank);

export const indicesOf = (steps: readonly (readonly Batch[])[]): number[] =>
  steps.flatMap((made) => made.flatMap(({ indices }) => Array.from(indices)));

/** Most records that one step of any life takes: as many can be left out where remainders are dropped, less one. */
export const largestStep = ({ isGlobal, lives }: Job): number =>
  Math.max(...lives.map(({ size, shards }) => (isGlobal ? size : size * shards)));

/**
 * Runs a job through all its lives, the last one to the end of the epoch. What a killed job did after the last step that
 * all ranks made is lost with it. @returns the batches of each step
 */
export async function live(job: Job, source: Source): Promise<readonly (readonly Batch[])[]> {
  const seen: Batch[][] = [];
  let state: StreamState | undefined;
  for (const [number, life] of job.lives.entries()) {
    const isLast = number === job.lives.length - 1;
    const dataref = await source.open();
    const streams = ranksOf(life.shards).map((rank) => batches(job, life, rank, dataref, source.order).resume(state));
    const loops = streams.map((stream) => iterate(stream));
    const steps = isLast ? Infinity : life.steps;
    try {
      if (streams.every((stream) => stream.epoch > 0)) return seen; // too few are left for this world
      for (let step = 0; step < steps; step++) {
        const results = await Promise.all(loops.map((loop) => loop.next()));
        const made = results.flatMap((result): Batch[] => (result.done === true ? [] : [result.value]));
        if (made.length === 0 || (!isLast && made.length < life.shards)) break;
        seen.push(made);
        if (made.length < life.shards) continue;
        for (const batch of made) deepStrictEqual(batch.state, made[0]?.state);
        state = through(made[life.survivor % life.shards]?.state);
        if ((state?.epoch ?? 0) > 0) return seen;
      }
    } finally {
      await Promise.all(streams.map((stream) => stream.close()));
    }
  }
  return seen;
}

function batches(
  job: Job,
  { shards, size }: Life,
  shardRank: number,
  data: DataRef,
  order: StreamOptions,
): BatchStream {
  const stream = data.stream({ ...order, shardRank, numShards: shards });
  const { remainder } = job;
  return job.isGlobal ? stream.globalBatch(size, { remainder }) : stream.batch(size, { remainder });
}
