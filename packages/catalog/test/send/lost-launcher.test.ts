// Without MPI: a launcher that starts ranks as mpirun does, and knows as little as one that is killed of what becomes of them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { mpi, send } from '@dataref/catalog';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { MODULE as module } from './sent.js';

const LAUNCHER = `#!/bin/sh
if [ "$1" = --version ]; then echo MPICH; exit; fi
shift
n=$1
shift
while [ "$n" -gt 0 ]; do "$@" </dev/null >/dev/null 2>&1 & n=$((n - 1)); done
wait
`;

test('a launcher that is killed once costs a task one of its lives, however many ranks were idle', async () => {
  const folder = tempFolder();
  const mpirun = join(folder, 'mpirun');
  writeFileSync(mpirun, LAUNCHER, { mode: 0o755 });
  const log = join(folder, 'log');
  writeFileSync(log, '');
  const hardware = mpi({ np: 4, mpirun });
  const calls = [false, false, false, true].map((isLast) => [log, isLast]);
  const sent = send({ module, export: 'killsLauncherOnce', hardware });
  expect(await sent.starmap(calls)).toEqual([true, true, true, true]);
});
