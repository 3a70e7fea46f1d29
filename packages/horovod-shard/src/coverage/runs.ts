import { DataRefError } from '@dataref/core';
import type { RankLog } from './types.js';

/** One start of the job, with the steps of it that count. */
export interface Run {
  readonly run: number;
  readonly size: number;
  /** The first step. */
  readonly start: number;
  /** Steps from here on are void: a later run made them again, or no checkpoint has them. Infinity where all count. */
  readonly end: number;
  /** By rank; a rank that was ended before it wrote anything has none. */
  readonly ranks: readonly (RankLog | undefined)[];
}

/**
 * The runs in their order. A run that goes on with step s has forgotten whatever earlier runs made of s and later steps.
 * @throws DataRefError INVALID_ARGUMENT for a rank that a run has twice; NOT_COVERED where its ranks disagree on world or step
 */
export function runsOf(logs: readonly RankLog[], committed = Infinity): readonly Run[] {
  const byRun = new Map<number, RankLog[]>();
  for (const log of logs) {
    const ranks = byRun.get(log.run) ?? [];
    if (ranks[log.rank] !== undefined)
      throw new DataRefError('INVALID_ARGUMENT', `coverage: there are two logs of rank ${log.rank} of run ${log.run}`);
    ranks[log.rank] = log;
    byRun.set(log.run, ranks);
  }
  const runs: Run[] = [];
  let end = committed;
  for (const [run, ranks] of [...byRun].sort(([a], [b]) => b - a)) {
    const { size, step } = commonStart(run, ranks);
    runs.unshift({ run, size, start: step, end, ranks });
    end = Math.min(end, step);
  }
  return runs;
}

function commonStart(run: number, ranks: readonly (RankLog | undefined)[]): RankLog {
  const [first, ...others] = ranks.filter((log) => log !== undefined) as [RankLog, ...RankLog[]];
  const other = others.find(({ size, step }) => size !== first.size || step !== first.step);
  if (other === undefined) return first;
  const told = [first, other].map(({ rank, size, step }) => `rank ${rank} of ${size} began with step ${step}`);
  throw new DataRefError(
    'NOT_COVERED',
    `run ${run}: ${told.join(', and ')}. All ranks must resume from one checkpoint`,
    { details: { run, ranks: [first.rank, other.rank] } },
  );
}
