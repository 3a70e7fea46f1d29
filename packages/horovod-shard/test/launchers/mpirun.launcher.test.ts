import { describe, expect, test } from '@jest/globals';
import { expectWholeWorld, newJob, run } from './jobs.js';
import { expectOneModel } from './training.js';

const LAUNCHERS = [
  { mpi: 'Open MPI', launcher: 'openmpi', tool: 'mpirun.openmpi', options: ['--allow-run-as-root', '--oversubscribe'] },
  { mpi: 'MPICH', launcher: 'pmi', tool: 'mpirun.mpich', options: [] },
];

describe.each(LAUNCHERS)("$mpi's mpirun", ({ launcher, tool, options }) => {
  const start =
    (size: number) =>
    (...command: readonly string[]) =>
      run(tool, [...options, '-np', `${size}`, ...command]);

  test.each([1, 2, 3, 4])('%i ranks share a dataset', async (size) => {
    const job = await newJob();
    expect(await start(size)(...job.command)).toMatchObject({ code: 0 });
    expectWholeWorld(job, size, launcher);
  });

  test.each([2, 3, 4])('%i ranks train the model of one process through MPI', async (size) => {
    await expectOneModel({ size, launcher, engine: 'mpi' }, start(size));
  });
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
