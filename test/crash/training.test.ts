import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fromColumns, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { announceSeed, randomOf, runs, scale } from '../../packages/core/test/scale.js';
import { killedJobs, train, type Sent } from './killed-training.js';

const RECORDS = scale < 1 ? 240 : 600;
const EPOCHS = scale < 1 ? 2 : 3;
const KILLS = runs(30);
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataref-training-'));
  const x = Float32Array.from({ length: RECORDS * 16 }, (_, i) => Math.sin(i * 12.9898) * 0.5 + (i % 4) / 4);
  const y = Uint8Array.from({ length: RECORDS }, (_, i) => i % 4);
  await new FileStorage(folder).submit(fromColumns({ x: ndarray(x, [RECORDS, 16]), y }), 'points', '1.0');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['with tfjs', 'trainer.mjs'],
  ['on a pipeline with filter, mix, a map in worker threads and prefetch', 'pipeline-trainer.mjs'],
])(
  `training %s, killed ${KILLS} times at random moments, ends with the weights of a run that nobody killed`,
  async (_, trainer) => {
    const random = randomOf(announceSeed('crash/training'));
    const start = (job: number | string, sent?: Sent) =>
      train(trainer, [folder, join(folder, `job-${job}-${trainer}.ckpt`), String(EPOCHS)], sent);
    const { hash: whole, trainingMs } = await start('whole');
    expect(whole).toMatch(/^[0-9a-f]{64}$/u);
    const hashes = await killedJobs(start, { kills: KILLS, trainingMs, random });
    expect(new Set(hashes)).toEqual(new Set([whole]));
  },
  600_000,
);
