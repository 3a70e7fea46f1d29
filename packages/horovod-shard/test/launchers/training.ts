import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { proveCoverage, readCoverageLogs } from '@dataref/horovod-shard';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { run, type Ended } from './jobs.js';

const WORKER = fileURLToPath(new URL('training-worker.mjs', import.meta.url));
const RECORDS = 200;
const EPOCHS = 2;
const STEPS = EPOCHS * 9;

interface Trained {
  readonly rank: number;
  readonly size: number;
  readonly launcher: string;
  /** What its collective goes through: `mpi` or `tcp`. */
  readonly engine: string;
  readonly steps: number;
  readonly weights: readonly number[];
}

let alone: Promise<Trained> | undefined;

/** What one process learns. */
function trainedAlone(): Promise<Trained> {
  alone ??= (async () => {
    const folder = tempFolder();
    expect(await run(process.execPath, [WORKER, folder])).toMatchObject({ code: 0 });
    return reportOf(folder, 0);
  })();
  return alone;
}

/**
 * Trains by so many ranks that `start` starts: they end with the same bits and the weights of one process, and see each
 * record once an epoch.
 * @param start runs a worker's command line under the launcher
 */
export async function expectOneModel(
  expected: Pick<Trained, 'size' | 'launcher' | 'engine'>,
  start: (...command: readonly string[]) => Promise<Ended>,
): Promise<void> {
  const folder = tempFolder();
  expect(await start(process.execPath, WORKER, folder)).toMatchObject({ code: 0 });
  const [first, ...others] = Array.from({ length: expected.size }, (_, rank) => reportOf(folder, rank)) as [
    Trained,
    ...Trained[],
  ];
  expect(first).toMatchObject({ ...expected, rank: 0, steps: STEPS });
  others.forEach((other, i) => expect(other).toEqual({ ...first, rank: i + 1 }));
  const proven = await proveCoverage(await readCoverageLogs(join(folder, 'coverage')), {
    length: RECORDS,
    epochs: EPOCHS,
  });
  expect(proven).toEqual({ runs: 1, steps: STEPS, voidSteps: 0 });
  const { weights } = await trainedAlone();
  const away = weights.map((weight, i) => Math.abs(weight - (first.weights[i] ?? NaN)));
  expect(Math.max(...away)).toBeLessThan(1e-5);
}

function reportOf(folder: string, rank: number): Trained {
  return JSON.parse(readFileSync(join(folder, `rank-${rank}.json`), 'utf8')) as Trained;
}
