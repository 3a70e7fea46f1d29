import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { mpi, send, type MpiOptions } from '@dataref/catalog';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed } from '../../../core/test/scale.js';
import { hardwareSuite } from './hardware-suite.js';
import { MODULE as module, recordsOf, storedRecords, theSent } from './sent.js';

const JOB = fileURLToPath(new URL('./modules/mpi-job.mjs', import.meta.url));
const seed = announceSeed('catalog/send/mpi');
const openMpi = ['--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'];

hardwareSuite('mpirun of Open MPI', (np) => mpi({ np, mpirun: 'mpirun.openmpi', args: openMpi }), seed);
hardwareSuite('mpirun of MPICH', (np) => mpi({ np, mpirun: 'mpirun.mpich' }), seed);

test.each<[string, MpiOptions]>([
  ['Open MPI', { np: 2, mpirun: 'mpirun.openmpi', args: openMpi }],
  ['MPICH', { np: 2, mpirun: 'mpirun.mpich' }],
])('a job under %s that is killed leaves no ranks, and goes on where it was', async (_, options) => {
  const length = 160;
  const { folder, storage, data } = await storedRecords(length);
  const job = spawn(process.execPath, [JOB, folder, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, DATAREF_TEST_JOB: folder },
  });
  let done = 0;
  for await (const line of createInterface({ input: job.stdout })) {
    done = Number(line);
    if (done > 0) job.kill('SIGKILL');
  }
  while (processesOf(folder).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const told: number[] = [];
  const double = send({ module, export: 'double', hardware: mpi(options), recordsPerShare: 16 });
  const made = await double.with({ onProgress: (progress) => told.push(progress.done) })(data);
  expect(told[0]).toBeGreaterThanOrEqual(Math.min(done, length));
  expect((await recordsOf(made)).map(({ n }) => n)).toEqual(Array.from({ length }, (__, n) => 2 * n));
  const { id, version } = await theSent(storage);
  expect(await storage.verify(id, version)).toEqual({ ok: true, problems: [] });
});

/** Ids of processes whose environment names a job, mpirun and its ranks among them. */
function processesOf(job: string): string[] {
  return readdirSync('/proc').filter((id) => {
    try {
      return readFileSync(`/proc/${id}/environ`, 'utf8').includes(`DATAREF_TEST_JOB=${job}\0`);
    } catch {
      return false; // no process, or one that has ended
    }
  });
}

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
