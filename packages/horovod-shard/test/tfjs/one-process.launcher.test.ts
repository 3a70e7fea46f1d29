import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const PROGRAM = fileURLToPath(new URL('./programs/train.mjs', import.meta.url));
const LAUNCHERS = [
  { command: 'mpirun.openmpi', options: ['--allow-run-as-root', '--oversubscribe'], debian: 'openmpi-bin' },
  { command: 'mpirun.mpich', options: [], debian: 'mpich' },
];

interface Trained {
  readonly rank: number;
  readonly size: number;
  readonly steps: number;
  readonly weights: readonly number[];
}

let root: string;
let alone: Trained;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dataref-ranks-'));
  [alone] = (await trainedBy(process.execPath, [], 'node itself')) as [Trained];
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** What each rank ended with. */
async function trainedBy(command: string, args: readonly string[], debian: string): Promise<Trained[]> {
  const folder = await mkdtemp(join(root, 'run-'));
  await run(command, [...args, PROGRAM, folder], debian);
  const names = (await readdir(folder)).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Trained));
}

function run(command: string, args: readonly string[], debian: string): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => (said += String(text)));
  return new Promise((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new Error(`${command} could not be started: apt-get install ${debian}`, { cause })),
    );
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}: ${said}`))));
  });
}

describe.each(LAUNCHERS)('under $command', ({ command, options, debian }) => {
  test.each([2, 3, 4])('%i ranks end with the same bits, and the weights of one process', async (size) => {
    const trained = await trainedBy(command, [...options, '-np', String(size), process.execPath], debian);
    expect(trained.map(({ rank }) => rank)).toEqual(Array.from({ length: size }, (_, rank) => rank));
    for (const each of trained) expect(each).toEqual({ ...trained[0], rank: each.rank, size });
    expect(trained[0]?.steps).toBe(17);
    const away = alone.weights.map((weight, i) => Math.abs(weight - (trained[0]?.weights[i] ?? NaN)));
    expect(Math.max(...away)).toBeLessThan(1e-5);
  });
});
