import { DataRefError } from '@dataref/core';
import type { RankLog, Seen } from './types.js';

/** What is wrong with the beginning of a log, in a few words; undefined where nothing is. */
export function faultOfStart({
  run,
  rank,
  size,
  step,
}: Record<keyof Omit<RankLog, 'entries'>, unknown>): string | undefined {
  if (!isCount(run) || run < 1) return `run must be an integer from 1, got ${JSON.stringify(run)}`;
  if (!isCount(size) || size < 1 || size > MOST_RANKS)
    return `size must be an integer from 1 to ${MOST_RANKS}, got ${JSON.stringify(size)}`;
  if (!isCount(rank) || rank >= size)
    return `rank must be an integer from 0 to ${size - 1}, got ${JSON.stringify(rank)}`;
  if (!isCount(step)) return `step must be an integer from 0, got ${JSON.stringify(step)}`;
  return undefined;
}

export function faultOfEntry({ step, epoch, indices }: Record<keyof Seen, unknown>): string | undefined {
  if (!isCount(step)) return 'its step is no integer from 0';
  if (!isCount(epoch)) return 'its epoch is no integer from 0';
  if (!Array.isArray(indices) || !indices.every(isCount)) return 'its indices are no list of integers from 0';
  return undefined;
}

/** @throws DataRefError INVALID_ARGUMENT */
export function checkLogs(what: string, logs: readonly RankLog[]): readonly RankLog[] {
  if (!Array.isArray(logs) || logs.length === 0)
    throw invalid(`${what}: expected logs of one rank or more, as readCoverageLogs gives them`);
  logs.forEach((log: RankLog, i) => {
    const fault = faultOfStart(Object(log) as RankLog);
    if (fault !== undefined) throw invalid(`${what}: log ${i}: ${fault}`);
  });
  return logs;
}

const MOST_RANKS = 2 ** 20;

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function invalid(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', message);
}
