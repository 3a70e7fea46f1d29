import { expect, test } from '@jest/globals';
import { mpi, send } from '@dataref/catalog';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed } from '../../../core/test/scale.js';
import { hardwareSuite } from './hardware-suite.js';
import { MODULE as module } from './sent.js';

const seed = announceSeed('catalog/send/mpi');
const openMpi = ['--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'];

hardwareSuite('mpirun of Open MPI', (np) => mpi({ np, mpirun: 'mpirun.openmpi', args: openMpi }), seed);
hardwareSuite('mpirun of MPICH', (np) => mpi({ np, mpirun: 'mpirun.mpich' }), seed);

test('mpi refuses no ranks, and tells where there is no mpirun, or one that fails', async () => {
  expect(() => mpi({ np: 0 })).toThrow(failure('INVALID_ARGUMENT', /mpi: np must be/));
  expect(() => mpi({ np: 1, args: [1] as never })).toThrow(failure('INVALID_ARGUMENT', /mpi: args must be a list/));
  const none = send({ module, export: 'add', hardware: mpi({ np: 1, mpirun: 'mpirun.none' }) });
  await expect(none(1)).rejects.toEqual(failure('WORKER_DIED', /mpirun\.none could not be started.*install Open MPI/));
  const hardware = mpi({ np: 1, mpirun: 'mpirun.openmpi', args: ['--no-such-flag'] });
  await expect(send({ module, export: 'add', hardware })(1)).rejects.toEqual(
    failure('WORKER_DIED', /mpirun\.openmpi ended with exit code/),
  );
});
