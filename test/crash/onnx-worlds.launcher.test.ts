import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadCheckpoint, trainingLoop, type TrainedParameters } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';
import { ended, LAUNCHERS, mpirun, type Launcher } from './mpirun.js';
import { BATCH, network, points, rateAt, STREAM, threads } from './onnx-points.mjs';
import { run, script, tempFolder } from './process.js';

const EPOCHS = 4;
const STEPS = EPOCHS * Math.ceil(points.length / BATCH);
const launchers = Object.keys(LAUNCHERS) as Launcher[];
const random = randomOf(announceSeed('crash/onnx-worlds'));
const below = (count: number): number => Math.floor(random() * count);

/** What one process learns. */
let expected: TrainedParameters['parameters'];
beforeAll(async () => {
  const session = await ort.InferenceSession.create(network.trainingGraph, threads);
  const stream = points.stream(STREAM).batch(BATCH);
  const parameters = network.initialState(1);
  const learningRate = ({ step }: { readonly step: number }) => rateAt(step);
  const loop = trainingLoop({ session, ort, stream, parameters, learningRate, epochs: EPOCHS });
  for await (const { loss } of loop) expect(loss).toBeGreaterThan(0);
  expected = loop.parameters();
  await session.release();
});

interface Ended {
  /** Of the state of each rank that came to its end. */
  readonly hashes: readonly string[];
  readonly lastStep: number;
}

/** Runs a job to its end, or until `end` has been called at the step, which is told once. */
async function job(
  launcher: Launcher,
  ranks: number,
  checkpoint: string,
  at = Infinity,
  end: (pids: readonly number[], launcherPid: number) => void = () => undefined,
): Promise<Ended> {
  const pids = new Map<number, number>();
  const hashes: string[] = [];
  let lastStep = 0;
  let isTold = false;
  const args = [script('onnx-rank.mjs'), checkpoint, String(EPOCHS), '3'];
  const { code, errors } = await run(...mpirun(launcher, ranks, args), (line, child) => {
    const [, rank, pid, what, value] = /^rank (\d+) pid (\d+) (step|hash) (\w+)$/u.exec(line) ?? [];
    if (what === 'hash') hashes.push(value as string);
    if (what !== 'step') return;
    pids.set(Number(rank), Number(pid));
    lastStep = Math.max(lastStep, Number(value));
    if (isTold || lastStep < at || pids.size < ranks) return;
    isTold = true;
    end([...pids.values()], child.pid as number);
  });
  await Promise.all([...pids.values()].map(ended));
  if (code !== 0 && !isTold) throw new Error(`${ranks} ranks of ${launcher} ended with ${code}: ${errors}`);
  return { hashes, lastStep };
}

/** A process that has come to its end is none any more. */
function send(signal: NodeJS.Signals, pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Every rank has the same bits, and they are those of one process but for the order of sums. */
async function expectTrained({ hashes }: Ended, ranks: number, checkpoint: string): Promise<void> {
  expect(hashes).toHaveLength(ranks);
  expect(new Set(hashes).size).toBe(1);
  const saved = await loadCheckpoint(checkpoint);
  expect(saved).toMatchObject({ step: STEPS, epoch: EPOCHS });
  for (const [name, { data }] of Object.entries(expected)) {
    const trained = saved?.parameters[name]?.data as Float32Array;
    const away = (data as Float32Array).map((value, i) => Math.abs(value - (trained[i] ?? NaN)));
    expect({ name, worst: Math.max(...away) < 1e-5 }).toEqual({ name, worst: true });
  }
}

describe.each(launchers)('by the mpirun of %s', (launcher) => {
  test.each([1, 2, 3])('%i ranks end with what one process learns, all with the same bits', async (ranks) => {
    const checkpoint = join(tempFolder(), 'run.safetensors');
    await expectTrained(await job(launcher, ranks, checkpoint), ranks, checkpoint);
  });

  test('jobs that are killed whole, and gone on with by another number of ranks, end with what one process learns', async () => {
    let kills = 0;
    for (let i = 0; i < Math.max(2, runs(4)); i++) {
      const checkpoint = join(tempFolder(), 'run.safetensors');
      const worlds = [3, 2, 3, 1, 2].slice(i % 2);
      let step = 0;
      for (const ranks of worlds.slice(0, -1)) {
        const killed = await job(launcher, ranks, checkpoint, step + 1 + below(8), (pids, launcherPid) =>
          send('SIGKILL', [...pids, launcherPid]),
        );
        if (killed.hashes.length === 0) kills++;
        step = (await loadCheckpoint(checkpoint))?.step ?? 0;
        expect(step).toBeLessThanOrEqual(killed.lastStep + 1);
      }
      const ranks = worlds.at(-1) as number;
      await expectTrained(await job(launcher, ranks, checkpoint), ranks, checkpoint);
    }
    expect(kills).toBeGreaterThan(0);
    console.info(`${launcher}: ${kills} jobs were killed`);
  }, 1_200_000);

  test('a signal to one rank stops all after the same step, with a checkpoint, from which others go on', async () => {
    const checkpoint = join(tempFolder(), 'run.safetensors');
    const stopped = await job(launcher, 3, checkpoint, 4, (pids) => send('SIGUSR1', [pids[below(3)] as number]));
    expect(stopped.hashes).toHaveLength(3);
    expect(new Set(stopped.hashes).size).toBe(1);
    expect((await loadCheckpoint(checkpoint))?.step).toBe(stopped.lastStep);
    await expectTrained(await job(launcher, 2, checkpoint), 2, checkpoint);
  });
});
