import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { proveCoverage, readCoverageLogs, type RankLog } from '@dataref/horovod-shard';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';
import { ended, LAUNCHERS, mpirun, type Launcher } from './mpirun.js';
import { run, script, tempFolder } from './process.js';

const JOBS = runs(20);
const LENGTH = 50;
const EPOCHS = 4;
const ENDINGS = [
  { signal: 'SIGUSR1', to: 'rank' },
  { signal: 'SIGTERM', to: 'rank' },
  { signal: 'SIGUSR1', to: 'launcher' },
  { signal: 'SIGKILL', to: 'rank' },
  { signal: 'SIGKILL', to: 'launcher' },
] as const;

/** One start of a job, and what ends it. */
interface Segment {
  readonly launcher: Launcher;
  readonly size: number;
  /** None: it runs to its end. */
  readonly ending?: (typeof ENDINGS)[number] & {
    readonly rank: number;
    /** Steps that this rank makes first. */
    readonly steps: number;
    readonly afterMs: number;
  };
}

const random = randomOf(announceSeed('crash/preempted-worlds'));
const below = (count: number) => Math.floor(random() * count);

/** Two to four worlds, none as large as the one before it, that are ended at random, and a last one. */
function anySchedule(): Segment[] {
  const segments: Segment[] = [];
  let size = 1 + below(4);
  const most = 2 + below(3);
  for (let i = 0; i <= most; i++) {
    const launcher = Object.keys(LAUNCHERS)[below(2)] as Launcher;
    const ending = ENDINGS[below(ENDINGS.length)] as (typeof ENDINGS)[number];
    const when = { rank: below(size), steps: below(9), afterMs: below(20) };
    segments.push(i === most ? { launcher, size } : { launcher, size, ending: { ...ending, ...when } });
    size = 1 + ((size + below(3)) % 4);
  }
  return segments;
}

const describe = ({ launcher, size, ending }: Segment) =>
  `${size} of ${launcher}` +
  (ending === undefined
    ? ''
    : ` (${ending.signal} to ${ending.to} ${ending.rank} after ${ending.steps}+${ending.afterMs}ms)`);

/** The files of one job. */
function jobIn(folder: string) {
  const [checkpoint, logs, weights] = ['run.ckpt', 'coverage', 'weights.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  return {
    logs,
    args: [script('distributed-trainer.mjs'), checkpoint, logs, weights, String(EPOCHS), '3'],
    isDone: () => existsSync(weights),
    weights: () => JSON.parse(readFileSync(weights, 'utf8')) as number[],
  };
}

/** Runs a segment until nothing of it is left. */
async function runSegment({ launcher, size, ending }: Segment, args: readonly string[]) {
  const pids = new Map<number, number>();
  let first: number | undefined;
  let isSent = false;
  const result = await run(...mpirun(launcher, size, args), (line, child) => {
    const [rank, pid, step] = (/^rank (\d+) pid (\d+) step (\d+)$/u.exec(line) ?? []).slice(1).map(Number);
    if (rank === undefined || pid === undefined || step === undefined) return;
    pids.set(rank, pid);
    if (ending === undefined || rank !== ending.rank) return;
    first ??= step;
    if (isSent || step < first + ending.steps || pids.size < size) return;
    isSent = true;
    const target = ending.to === 'launcher' ? (child.pid as number) : pid;
    setTimeout(() => sendTo(target, ending.signal), ending.afterMs);
  });
  await Promise.all(Array.from(pids.values(), ended));
  return { ...result, isSent };
}

async function stepsOf({ entries }: RankLog): Promise<number> {
  let steps = 0;
  for await (const _ of entries) steps++;
  return steps;
}

function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // the job had come to its end
  }
}

test(`${JOBS} jobs, preempted and killed at random and gone on with by other numbers of ranks, see each record once and end with the weights of one process`, async () => {
  const whole = jobIn(tempFolder());
  const alone = await run(process.execPath, whole.args);
  expect({ code: alone.code, errors: alone.code === 0 ? '' : alone.errors }).toEqual({ code: 0, errors: '' });
  const expected = whole.weights();
  const endings: Record<string, number> = {};
  for (let i = 0; i < JOBS; i++) {
    const job = jobIn(tempFolder());
    const schedule = anySchedule();
    const told = schedule.map(describe).join(' → ');
    /** Runs that were asked to stop. */
    const stopped: number[] = [];
    for (const [k, segment] of schedule.entries()) {
      const { code, signal, errors, isSent } = await runSegment(segment, job.args);
      const isKilled = isSent && segment.ending?.signal === 'SIGKILL';
      // A signal may also find a job that is done, and ending.
      if (!isKilled && !job.isDone() && code !== 0)
        throw new Error(`${told}: ${describe(segment)} ended with ${code ?? signal}: ${errors}`);
      if (!isKilled) stopped.push(k + 1);
      const name =
        segment.ending === undefined || !isSent ? 'its end' : `${segment.ending.signal} to ${segment.ending.to}`;
      endings[name] = (endings[name] ?? 0) + 1;
    }
    const logs = await readCoverageLogs(job.logs);
    for (const run of stopped) {
      const steps = await Promise.all(logs.filter((log) => log.run === run).map(stepsOf));
      expect({ told, run, steps: new Set(steps).size }).toEqual({ told, run, steps: 1 });
    }
    const proven = await proveCoverage(logs, { length: LENGTH, epochs: EPOCHS });
    expect({ told, ...proven }).toMatchObject({ told, runs: schedule.length, steps: EPOCHS * Math.ceil(LENGTH / 7) });
    const worst = Math.max(...job.weights().map((weight, k) => Math.abs(weight - (expected[k] as number))));
    expect({ told, worst: worst < 1e-5 ? 'below 1e-5' : worst }).toEqual({ told, worst: 'below 1e-5' });
  }
  console.info(`segments ended by: ${JSON.stringify(endings)}`);
}, 1_800_000);
