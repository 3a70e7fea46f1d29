import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fromColumns, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { loadCheckpoint } from '@dataref/onnx/pure';
import { announceSeed, randomOf, runs } from '../../packages/core/test/scale.js';
import { script } from './process.js';

const EPOCHS = 4;
const KILLS = runs(20);
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataref-onnx-training-'));
  const x = Float32Array.from({ length: 600 * 64 }, (_, i) => Math.sin(i * 12.9898) * 0.5 + (i % 4) / 4);
  const y = Uint8Array.from({ length: 600 }, (_, i) => i % 4);
  await new FileStorage(folder).submit(fromColumns({ x: ndarray(x, [600, 1, 8, 8]), y }), 'points', '1.0');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ending {
  /** The state's hash; undefined where the training was stopped. */
  readonly hash: string | undefined;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  /** From the first step that could be killed to the end. */
  readonly trainingMs: number;
}

/** Runs the trainer; sends it a signal so many ms after it has begun to train. */
function train(
  model: string,
  checkpoint: string,
  sent: { readonly signal: NodeJS.Signals; readonly afterMs: number } | undefined,
): Promise<Ending> {
  const child = fork(script('onnx-trainer.mjs'), [folder, checkpoint, String(EPOCHS), model], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let output = '';
  let startedMs = performance.now();
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.on('message', () => {
    startedMs = performance.now();
    if (sent !== undefined) setTimeout(() => child.kill(sent.signal), sent.afterMs);
  });
  return new Promise((resolve, reject) => {
    // Not at its exit: what it printed may come after that.
    child.on('close', (code, signal) => {
      const trainingMs = performance.now() - startedMs;
      const hash = /^[0-9a-f]{64}$/mu.exec(output)?.[0];
      if (code === 0 || signal === sent?.signal) resolve({ hash, signal, output, trainingMs });
      else reject(new Error(`the trainer ended with ${signal ?? String(code)}`));
    });
  });
}

describe.each(['mlp', 'cnn'])('training of the %s', (model) => {
  let whole: Ending;
  beforeAll(async () => {
    whole = await train(model, join(folder, `whole-${model}.ckpt`), undefined);
    expect(whole.hash).toMatch(/^[0-9a-f]{64}$/u);
  });

  test(`killed ${KILLS} times at random moments, ends with the bits of a run that nobody killed`, async () => {
    const random = randomOf(announceSeed(`crash/onnx-training ${model}`));
    let kills = 0;
    for (let job = 0; kills < KILLS; job++) {
      const checkpoint = join(folder, `job-${job}-${model}.ckpt`);
      let hash: string | undefined;
      // Up to six kills a job, each within a fifth of the training, so that the job gets on between them.
      for (let k = 0; k < 6 && kills < KILLS && hash === undefined; k++) {
        const ending = await train(model, checkpoint, {
          signal: 'SIGKILL',
          afterMs: random() * whole.trainingMs * 0.2,
        });
        hash = ending.hash;
        if (ending.signal === 'SIGKILL') kills++;
      }
      hash ??= (await train(model, checkpoint, undefined)).hash;
      expect(hash).toBe(whole.hash);
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  }, 600_000);

  test('asked to stop by SIGTERM, saves the step that it was at, and ends with the same bits when started again', async () => {
    const checkpoint = join(folder, `term-${model}.ckpt`);
    const stopped = await train(model, checkpoint, { signal: 'SIGTERM', afterMs: whole.trainingMs * 0.4 });
    const step = Number(/^stopped by SIGTERM after (\d+) steps$/mu.exec(stopped.output)?.[1]);
    expect(step).toBeGreaterThan(0);
    expect((await loadCheckpoint(checkpoint))?.step).toBe(step);
    expect((await train(model, checkpoint, undefined)).hash).toBe(whole.hash);
  });
});
