import { expect, test } from '@jest/globals';
import { launchOf } from '../../dist/mpi/launcher.js';

test.each([
  ['Open MPI', { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4' }, ['libmpi.so.40']],
  ['PMI', { PMI_RANK: '1', PMI_SIZE: '4' }, ['libmpich.so.12', 'libmpi.so.12']],
  ['horovodrun', { HOROVOD_RANK: '1', HOROVOD_SIZE: '4' }, undefined],
  ['torchrun', { RANK: '1', WORLD_SIZE: '4' }, undefined],
  ['srun', { SLURM_STEP_ID: '0', SLURM_PROCID: '1', SLURM_STEP_NUM_TASKS: '4' }, undefined],
])('ranks of %s are known by what it sets', (name, environment, libraries) => {
  const launch = launchOf(environment);
  expect(launch).toMatchObject({ launcher: expect.stringContaining(name), world: { rank: 1, size: 4 } });
  expect(launch.libraries).toEqual(libraries ?? ['libmpi.so.40', 'libmpich.so.12', 'libmpi.so.12']);
});

test('mpirun within an allocation of SLURM counts, and a script of a batch is no rank of it', () => {
  const batch = { SLURM_PROCID: '0', SLURM_STEP_NUM_TASKS: '2' };
  expect(launchOf({ ...batch, SLURM_STEP_ID: '0', PMI_RANK: '3', PMI_SIZE: '4' }).world).toEqual({ rank: 3, size: 4 });
  expect(launchOf(batch).world).toBeUndefined();
  expect(launchOf({ RANK: 'first', WORLD_SIZE: '2' }).world).toBeUndefined();
});
