import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from '@jest/globals';
import { fromColumns } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import type { World } from '@dataref/horovod-shard';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { Guard } from './guard.js';

const WORKER = fileURLToPath(new URL('world-worker.mjs', import.meta.url));
const RECORDS = 103;
/** Debian's packages, by the tools that the tests run. */
const PACKAGES: Record<string, string> = {
  'mpirun.openmpi': 'openmpi-bin',
  'mpirun.mpich': 'mpich',
  torchrun: 'python3-torch',
  munged: 'munge',
};

const running = new Set<Tool>();
/** Where this process is killed, `afterAll` is not called. */
export const guard = new Guard();
afterAll(() => running.forEach((tool) => tool.signal('SIGKILL')));

export interface Ended {
  readonly code: number | null;
  /** What it said on both of its outputs. */
  readonly output: string;
}

/** A running tool, in a process group of its own. */
export interface Tool {
  readonly ended: Promise<Ended>;
  /** Signals the whole group. */
  signal(signal: NodeJS.Signals): void;
}

/** Starts a tool that the caller ends. */
export function start(tool: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Tool {
  const child = spawn(tool, args, {
    detached: true,
    env: { ...process.env, ...env, ...guard.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', (cause) => {
      const name = PACKAGES[tool] ?? 'slurm-wlm';
      reject(new Error(`${tool} cannot be run: apt-get install ${name}, or bash .ci/launchers.sh`, { cause }));
    });
    child.on('close', (code) => resolve({ code, output }));
  });
  return { ended, signal: (signal) => signalGroup(child, signal) };
}

/** Runs a tool to its end, which comes with the test file at the latest. @returns its end, whatever its exit code */
export async function run(tool: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> {
  const started = start(tool, args, env);
  running.add(started);
  return started.ended.finally(() => running.delete(started));
}

/** A stored dataset of the numbers 0 to 102, and a folder for what the workers of one job say. */
export interface Job {
  /** The worker's command line. */
  readonly command: readonly [string, ...string[]];
  /** What workers said, by rank. */
  reports(): Report[];
}

interface Report {
  readonly world: World;
  /** Of `stream()`. */
  readonly records: readonly number[];
  /** Of `globalBatch(10)`. */
  readonly steps: readonly (readonly number[])[];
}

export async function newJob(): Promise<Job> {
  const folder = tempFolder();
  const [storage, out] = [join(folder, 'storage'), join(folder, 'out')];
  mkdirSync(out);
  const data = fromColumns({ id: Int32Array.from({ length: RECORDS }, (_, i) => i) });
  await new FileStorage(storage).submit(data, 'records', '1');
  const reports = () =>
    readdirSync(out)
      .map((name) => JSON.parse(readFileSync(join(out, name), 'utf8')) as Report)
      .sort((a, b) => a.world.rank - b.world.rank);
  return { command: [process.execPath, WORKER, storage, out], reports };
}

/** Each rank is there once, all on this machine, and the shares make up every epoch and every global batch. */
export function expectWholeWorld(job: Job, size: number, launcher: string): void {
  const reports = job.reports();
  expect(reports.map(({ world }) => world)).toEqual(
    Array.from({ length: size }, (_, rank) => ({
      rank,
      size,
      localRank: rank,
      localSize: size,
      launcher,
      shard: { shardRank: rank, numShards: size },
    })),
  );
  const every = Array.from({ length: RECORDS }, (_, i) => i);
  expect(sorted(reports.flatMap(({ records }) => records))).toEqual(every);
  expect(sorted(reports.flatMap(({ steps }) => steps.flat()))).toEqual(every);
  const steps = Math.ceil(RECORDS / 10);
  for (const report of reports) expect(report.steps).toHaveLength(steps);
  for (let step = 0; step < steps; step++)
    expect(reports.flatMap((report) => report.steps[step])).toHaveLength(Math.min(10, RECORDS - step * 10));
}

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
