import { closeSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataRefError, type Batch } from '@dataref/core';
import { checkPath, countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { Collective } from '../collective/types.js';
import { faultOfEntry } from './checks.js';
import { FORMAT, nameOf, runOfName, VERSION } from './log-file.js';

/** Writes down what this rank consumes. */
export interface CoverageLog {
  /** Number of this run, from 1. */
  readonly run: number;
  /** The step that the next batch is written down for. */
  readonly step: number;
  /**
   * One step more. To be called on every rank for each of its batches, those without records too, before the step's
   * first collective: a checkpoint then never has a step that is not written down, however processes are killed. It is not
   * synced to the disk: a machine that loses its power may lose the last lines, and the proof then fails.
   * @throws DataRefError DISK_FULL, STORE_FAILED, STREAM_CLOSED after `close`
   */
  add(batch: Pick<Batch, 'epoch' | 'indices'>): void;
  close(): void;
  [Symbol.dispose](): void;
}

export interface CoverageLogOptions {
  /** Of the job. Rank 0 counts the runs, and tells the others. */
  readonly collective: Collective;
  /** The step that the job goes on with: the checkpoint's, 0 where there is none. */
  readonly step: number;
}

/**
 * A log of what this rank consumes in this run, in a file of its own: `run-3.rank-0.jsonl`. All ranks call it at once.
 * @param folder one for the whole job, the same in all runs; made where there is none
 * @throws DataRefError INVALID_ARGUMENT, DISK_FULL, STORE_FAILED, COLLECTIVE_FAILED
 */
export async function coverageLog(folder: string | URL, options: CoverageLogOptions): Promise<CoverageLog> {
  const checked = checkPath('coverageLog', folder);
  const path = typeof checked === 'string' ? checked : fileURLToPath(checked);
  const { collective, step, ...unknown } = optionsOf('coverageLog', options);
  refuseUnknown('coverageLog', unknown, ['collective', 'step']);
  countOf('coverageLog: step', step, 0);
  const { rank, size } = collective;
  const begin = (run: number) => LogFile.begin(path, { run, rank, size, step });
  if (rank !== 0) {
    const [run = 0] = await collective.broadcast(Float64Array.of(0));
    if (run > 0) return begin(run);
    throw new DataRefError(
      'COLLECTIVE_FAILED',
      `coverageLog: rank 0 could not begin a log in ${path}; its error says why`,
    );
  }
  let log: LogFile | undefined;
  try {
    return (log = beginNext(path, begin));
  } finally {
    // The others wait for it, whatever became of it.
    await collective.broadcast(Float64Array.of(log?.run ?? 0));
  }
}

/** The number after the last run's. A file that is there already is another's: never written to. */
function beginNext(folder: string, begin: (run: number) => LogFile): LogFile {
  const names = stored(folder, () => {
    mkdirSync(folder, { recursive: true });
    return readdirSync(folder);
  });
  const runs = names.map((name) => runOfName(name) ?? 0);
  const next = runs.reduce((last, run) => Math.max(last, run), 0) + 1;
  if (runOfName(nameOf(next, 0)) !== next)
    throw new DataRefError(
      'STORE_FAILED',
      `coverageLog: ${folder} has a log of run ${next - 1}, after which there is no number: take it away`,
    );
  return begin(next);
}

interface Start {
  readonly run: number;
  readonly rank: number;
  readonly size: number;
  readonly step: number;
}

class LogFile implements CoverageLog {
  readonly run: number;
  readonly #path: string;
  #step: number;
  #file: number | undefined;

  /** @throws DataRefError */
  static begin(folder: string, start: Start): LogFile {
    const path = join(folder, nameOf(start.run, start.rank));
    return stored(path, () => {
      mkdirSync(folder, { recursive: true }); // another machine's may be another folder
      const log = new LogFile(path, start, openSync(path, 'wx'));
      log.#write({ format: FORMAT, version: VERSION, ...start });
      return log;
    });
  }

  constructor(path: string, { run, step }: Start, file: number) {
    this.run = run;
    this.#path = path;
    this.#step = step;
    this.#file = file;
  }

  get step(): number {
    return this.#step;
  }

  add({ epoch, indices }: Pick<Batch, 'epoch' | 'indices'>): void {
    const entry = { step: this.#step, epoch, indices: Array.from(indices) };
    const fault = faultOfEntry(entry);
    if (fault !== undefined) throw new DataRefError('INVALID_ARGUMENT', `CoverageLog.add: expected a batch; ${fault}`);
    stored(this.#path, () => this.#write(entry));
    this.#step++;
  }

  close(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A line that could not be written whole is the last one: it closes the log. */
  #write(value: object): void {
    if (this.#file === undefined) throw new DataRefError('STREAM_CLOSED', `coverage log ${this.#path} is closed`);
    const line = Buffer.from(`${JSON.stringify(value)}\n`);
    try {
      for (let at = 0; at < line.length;) at += writeSync(this.#file, line, at);
    } catch (error) {
      this.close();
      throw error;
    }
  }
}

function stored<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof DataRefError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const isFull = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String(code));
    const why =
      code === 'EEXIST'
        ? 'is there already: two jobs begin in one folder, or processes that are no job together. Give each job a folder of its own'
        : `could not be written: ${message}`;
    throw new DataRefError(isFull ? 'DISK_FULL' : 'STORE_FAILED', `coverage log ${path} ${why}`, {
      cause,
      details: { path, code },
    });
  }
}
