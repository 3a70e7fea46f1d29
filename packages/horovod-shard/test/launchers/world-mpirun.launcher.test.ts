import { expect, test } from '@jest/globals';
import { expectWholeWorld, newJob, run } from './jobs.js';

const SIZES = [1, 2, 3, 4];

test.each(SIZES)("Open MPI's mpirun: %i ranks share a dataset", async (size) => {
  const job = await newJob();
  const ended = await run('mpirun.openmpi', [
    '--allow-run-as-root',
    '--oversubscribe',
    '-np',
    `${size}`,
    ...job.command,
  ]);
  expect(ended).toMatchObject({ code: 0 });
  expectWholeWorld(job, size, 'openmpi');
});

test.each(SIZES)("MPICH's mpirun: %i ranks share a dataset", async (size) => {
  const job = await newJob();
  expect(await run('mpirun.mpich', ['-np', `${size}`, ...job.command])).toMatchObject({ code: 0 });
  expectWholeWorld(job, size, 'pmi');
});

test('one mpirun within another is refused by the names of both', async () => {
  const job = await newJob();
  const { code, output } = await run('mpirun.mpich', ['-np', '2', ...job.command], {
    OMPI_COMM_WORLD_RANK: '0',
    OMPI_COMM_WORLD_SIZE: '3',
  });
  expect(code).not.toBe(0);
  expect(output).toContain(
    'openmpi says rank 0 of 3 (OMPI_COMM_WORLD_RANK="0", OMPI_COMM_WORLD_SIZE="3"), but pmi says',
  );
  expect(job.reports()).toEqual([]);
});
