import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { mpi, send } from '@dataref/catalog';
import { openMpi } from '../../dist/send/hardware/mpi.js';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed } from '../../../core/test/scale.js';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { hardwareSuite, largeSuite } from './hardware-suite.js';
import { launchedSuite } from './launched-suite.js';
import { MODULE as module } from './sent.js';

const seed = announceSeed('catalog/send/mpi');
const forOpenMpi = ['--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'];

hardwareSuite('mpirun of Open MPI', (np) => mpi({ np, mpirun: 'mpirun.openmpi', args: forOpenMpi }), seed);
hardwareSuite('mpirun of MPICH', (np) => mpi({ np, mpirun: 'mpirun.mpich' }), seed);

largeSuite('mpirun of MPICH', mpi({ np: 1, mpirun: 'mpirun.mpich' }));
launchedSuite(
  'mpirun of Open MPI',
  { kind: 'mpi', options: { np: 2, mpirun: 'mpirun.openmpi', args: forOpenMpi } },
  seed,
);
launchedSuite('mpirun of MPICH', { kind: 'mpi', options: { np: 2, mpirun: 'mpirun.mpich' } }, seed);

test.each([
  ['Open MPI', 'mpirun.openmpi', forOpenMpi],
  ['MPICH', 'mpirun.mpich', []], // which would wait for ever
])('a hostfile of a host that is not there is told of by %s', async (_, mpirun, args) => {
  const hostfile = join(tempFolder(), 'hosts');
  writeFileSync(hostfile, 'no-such-host.invalid\n');
  await expect(openMpi({ mpirun, np: 1, hostfile, args, startMs: 5000 }, { env: {} })).rejects.toEqual(
    failure('WORKER_DIED', /mpi: .*mpirun\.\w+ ended with .*no-such-host/),
  );
});

test('an mpirun that starts nothing, and does not end when it is told, is killed and told of', async () => {
  const mpirun = join(tempFolder(), 'mpirun');
  const lines = ['#!/bin/sh', 'if [ "$1" = --version ]; then echo MPICH; exit; fi', "trap '' TERM", 'exec sleep 1000'];
  writeFileSync(mpirun, `${lines.join('\n')}\n`, { mode: 0o755 });
  await expect(openMpi({ mpirun, np: 1, hostfile: undefined, args: [], startMs: 100 }, { env: {} })).rejects.toEqual(
    failure('WORKER_DIED', /mpi: no rank started in 0\.1 s; .*mpirun ended with SIGKILL/),
  );
});

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
