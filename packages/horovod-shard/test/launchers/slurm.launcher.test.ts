import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectWholeWorld, newJob } from './jobs.js';
import { LocalSlurm } from './local-slurm.js';
import { freePort } from '../../../core/test/free-port.js';
import { expectOneModel } from './training.js';

let slurm: LocalSlurm;
beforeAll(async () => {
  slurm = await LocalSlurm.start();
}, 300_000);
afterAll(() => slurm?.close(), 300_000);

test.each([1, 2, 3, 4])('srun: %i ranks share a dataset', async (size) => {
  const job = await newJob();
  expect(await slurm.run('srun', '-n', `${size}`, ...job.command)).toMatchObject({ code: 0 });
  expectWholeWorld(job, size, 'slurm');
});

test('srun: 3 ranks train the model of one process, over TCP at an address that they are told', async () => {
  await expectOneModel({ size: 3, launcher: 'slurm', engine: 'tcp' }, async (...command) => {
    const address = `DATAREF_ADDRESS=127.0.0.1:${await freePort()}`;
    return slurm.run('srun', '-n', '3', `--export=ALL,${address}`, ...command);
  });
});

describe('a batch script of three tasks', () => {
  test.each([
    ['srun', ['srun'], 'slurm'],
    ['srun --mpi=pmix', ['srun', '--mpi=pmix'], 'slurm'],
    ['srun --mpi=pmi2, which does not tell the place on the machine', ['srun', '--mpi=pmi2'], 'pmi'],
    ["Open MPI's mpirun", ['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe', '-np', '3'], 'openmpi'],
    ["MPICH's mpirun, whose proxy is a step of one task", ['mpirun.mpich', '-np', '3'], 'pmi'],
  ])('shares a dataset by %s', async (_, launcher, name) => {
    const job = await newJob();
    expect(await slurm.batch(3, ...launcher, ...job.command)).toMatchObject({ code: 0 });
    expectWholeWorld(job, 3, name);
  });
});

test('srun --mpi=pmix: ranks find the MPI that it starts them for', async () => {
  const command = [process.execPath, fileURLToPath(new URL('collective-worker.mjs', import.meta.url))];
  const { code, output } = await slurm.run('srun', '--mpi=pmix', '-n', '2', ...command);
  expect({ code, lines: output.trim().split('\n').toSorted() }).toEqual({
    code: 0,
    lines: [
      expect.stringMatching(/^rank 0 of 2: sum 3 by Open MPI/u),
      expect.stringMatching(/^rank 1 of 2: sum 3 by Open MPI/u),
    ],
  });
}, 300_000);

describe('a process that srun did not start is refused, and takes no share', () => {
  const REFUSAL = /SLURM_NTASKS="2" in a SLURM allocation, but this process was not started by srun/u;

  test('in a batch script of two tasks', async () => {
    const job = await newJob();
    const { code, output } = await slurm.batch(2, ...job.command);
    expect(code).toBe(1);
    expect(output).toMatch(REFUSAL);
    expect(job.reports()).toEqual([]);
  });

  test('in an allocation of two tasks', async () => {
    const job = await newJob();
    const { code, output } = await slurm.run('salloc', '-n', '2', ...job.command);
    expect(code).toBe(1);
    expect(output).toMatch(REFUSAL);
    expect(job.reports()).toEqual([]);
  });

  test('but a batch script of one task is one worker', async () => {
    const job = await newJob();
    expect(await slurm.batch(1, ...job.command)).toMatchObject({ code: 0 });
    expectWholeWorld(job, 1, 'single');
  });
});
