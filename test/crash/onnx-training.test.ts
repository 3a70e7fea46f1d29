import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fromColumns, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { loadCheckpoint } from '@dataref/onnx/pure';
import { announceSeed, randomOf, runs, scale } from '../../packages/core/test/scale.js';
import { killedJobs, train as runTrainer, type Ending, type Sent } from './killed-training.js';

const RECORDS = scale < 1 ? 240 : 600;
/** Where SIGTERM comes: in the second epoch. */
const STOP_AT = RECORDS / 6;
const EPOCHS = scale < 1 ? 2 : 4;
const KILLS = runs(20);
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataref-onnx-training-'));
  const x = Float32Array.from({ length: RECORDS * 64 }, (_, i) => Math.sin(i * 12.9898) * 0.5 + (i % 4) / 4);
  const y = Uint8Array.from({ length: RECORDS }, (_, i) => i % 4);
  await new FileStorage(folder).submit(fromColumns({ x: ndarray(x, [RECORDS, 1, 8, 8]), y }), 'points', '1.0');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (model: string, job: number | string, sent?: Sent, waitAt?: number): Promise<Ending> =>
  runTrainer(
    'onnx-trainer.mjs',
    [folder, checkpointOf(model, job), String(EPOCHS), model, ...(waitAt === undefined ? [] : [String(waitAt)])],
    sent,
  );
const checkpointOf = (model: string, job: number | string): string => join(folder, `job-${job}-${model}.ckpt`);

describe.each(['mlp', 'cnn'])('training of the %s', (model) => {
  let whole: Ending;
  beforeAll(async () => {
    whole = await train(model, 'whole');
    expect(whole.hash).toMatch(/^[0-9a-f]{64}$/u);
  });

  test(`killed ${KILLS} times at random moments, ends with the bits of a run that nobody killed`, async () => {
    const random = randomOf(announceSeed(`crash/onnx-training ${model}`));
    const start = (job: number, sent?: Sent) => train(model, job, sent);
    const hashes = await killedJobs(start, { kills: KILLS, trainingMs: whole.trainingMs, random });
    expect(new Set(hashes)).toEqual(new Set([whole.hash]));
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  }, 600_000);

  test('asked to stop by SIGTERM, saves the step that it was at, and ends with the same bits when started again', async () => {
    const stopped = await train(model, 'term', { signal: 'SIGTERM', afterMs: 0 }, STOP_AT);
    expect(stopped.output).toMatch(new RegExp(`^stopped by SIGTERM after ${STOP_AT} steps$`, 'mu'));
    expect((await loadCheckpoint(checkpointOf(model, 'term')))?.step).toBe(STOP_AT);
    expect((await train(model, 'term')).hash).toBe(whole.hash);
  });
});
