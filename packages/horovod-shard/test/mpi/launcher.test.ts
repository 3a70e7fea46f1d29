import { expect, test } from '@jest/globals';
import { librariesFor } from '../../dist/mpi/launcher.js';

test.each([
  ['Open MPI', { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '4' }, ['libmpi.so.40']],
  ['PMI', { PMI_RANK: '1', PMI_SIZE: '4' }, ['libmpich.so.12', 'libmpi.so.12']],
  ['MVAPICH', { MV2_COMM_WORLD_RANK: '1', MV2_COMM_WORLD_SIZE: '4' }, ['libmpich.so.12', 'libmpi.so.12']],
  ['torchrun', { RANK: '1', WORLD_SIZE: '4' }, ['libmpi.so.40', 'libmpich.so.12', 'libmpi.so.12']],
])('the libraries for ranks of %s are known by what it sets', (_, environment, libraries) => {
  expect(librariesFor(environment)).toEqual(libraries);
});
