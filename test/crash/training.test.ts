import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fromColumns, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const EPOCHS = 3;
const KILLS = runs(30);
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataref-training-'));
  const x = Float32Array.from({ length: 600 * 16 }, (_, i) => Math.sin(i * 12.9898) * 0.5 + (i % 4) / 4);
  const y = Uint8Array.from({ length: 600 }, (_, i) => i % 4);
  await new FileStorage(folder).submit(fromColumns({ x: ndarray(x, [600, 16]), y }), 'points', '1.0');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ending {
  readonly hash: string | undefined;
  /** From the first step that could be killed to the end. */
  readonly trainingMs: number;
}

/** Runs the trainer; kills it so many ms after it has begun to train. */
function train(trainer: string, checkpoint: string, killAfterMs: number | undefined): Promise<Ending> {
  const child = fork(script(trainer), [folder, join(folder, checkpoint), String(EPOCHS)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let output = '';
  let startedMs = performance.now();
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.on('message', () => {
    startedMs = performance.now();
    if (killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  });
  return new Promise((resolve, reject) => {
    // Not at its exit: what it printed may come after that.
    child.on('close', (code, signal) => {
      const trainingMs = performance.now() - startedMs;
      if (signal === 'SIGKILL') resolve({ hash: undefined, trainingMs });
      else if (code === 0) resolve({ hash: /[0-9a-f]{64}/u.exec(output)?.[0], trainingMs });
      else reject(new Error(`the trainer ended with ${signal ?? String(code)}`));
    });
  });
}

test.each([
  ['with tfjs', './trainer.mjs'],
  ['on a pipeline with filter, mix, a map in worker threads and prefetch', './pipeline-trainer.mjs'],
])(
  `training %s, killed ${KILLS} times at random moments, ends with the weights of a run that nobody killed`,
  async (_, trainer) => {
    const random = randomOf(announceSeed('crash/training'));
    const { hash: whole, trainingMs } = await train(trainer, `whole-${trainer.slice(2)}.ckpt`, undefined);
    expect(whole).toMatch(/^[0-9a-f]{64}$/u);
    let kills = 0;
    for (let job = 0; kills < KILLS; job++) {
      const checkpoint = `job-${job}-${trainer.slice(2)}.ckpt`;
      let ending: Ending = { hash: undefined, trainingMs: 0 };
      // Up to six kills a job, each within a fifth of the training, so that the job gets on between them.
      for (let k = 0; k < 6 && kills < KILLS; k++) {
        ending = await train(trainer, checkpoint, random() * trainingMs * 0.2);
        if (ending.hash !== undefined) break;
        kills++;
      }
      if (ending.hash === undefined) ending = await train(trainer, checkpoint, undefined);
      expect(ending.hash).toBe(whole);
    }
  },
  600_000,
);
