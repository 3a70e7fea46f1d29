// What collectives from Node cost, and loading by ranks: node bench/run.mjs --only mpi. Lines of JSON; see README.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './child.mjs';
import { median, round } from './statistics.mjs';

const [store, rounds] = process.argv.slice(2);
const contestant = (name) => join(import.meta.dirname, 'contestants', name);
const print = (line) => console.log(JSON.stringify({ workload: 'mpi', ...line }));
const OPEN_MPI = {
  name: 'Open MPI',
  suffix: 'openmpi',
  // Ranks that wait for a core that others have are of no use to either.
  flags: ['--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'],
  debian: 'openmpi-bin libopenmpi-dev',
};
const MPICH = { name: 'MPICH', suffix: 'mpich', flags: [], debian: 'mpich libmpich-dev' };

/** @throws Error naming the Debian packages where the command is not there */
async function tool({ debian }, command, args) {
  return run(command, args).catch((error) => {
    throw error.code === 'ENOENT' ? new Error(`${command} is not there: apt-get install gcc ${debian}`) : error;
  });
}

async function ranks(mpi, size, args) {
  const [line] = await tool(mpi, `mpirun.${mpi.suffix}`, [...mpi.flags, '-np', String(size), ...args]);
  return line;
}

async function measureAllreduce(mpi, folder) {
  const [program, library] = [join(folder, mpi.suffix), join(folder, `${mpi.suffix}.so`)];
  const source = contestant('mpi-allreduce.c');
  await tool(mpi, `mpicc.${mpi.suffix}`, ['-O2', '-o', program, source]);
  await tool(mpi, `mpicc.${mpi.suffix}`, ['-O2', '-shared', '-fPIC', '-o', library, source]);
  const alone = [];
  const lines = [];
  for (let i = 0; i < Number(rounds); i++) {
    alone.push((await ranks(mpi, 2, [program, '400'])).ms);
    lines.push(await ranks(mpi, 2, [process.execPath, contestant('mpi-allreduce.mjs'), library]));
  }
  print({ mpi: mpi.name, mode: 'a program in C', allreduce: '1 MB', ranks: 2, ms: round(median(alone)) });
  const summary = [];
  for (const bytes of ['1 MB', '25 MB']) {
    const turnsOf = (mode) => lines.flatMap((line) => line[bytes][mode]);
    for (const mode of ['C', 'sync', 'async'])
      print({ mpi: mpi.name, mode, allreduce: bytes, ranks: 2, ms: round(median(turnsOf(mode))) });
    const theirs = turnsOf('C');
    for (const mode of ['sync', 'async'])
      summary.push({
        what: `allreduce of ${bytes} on 2 ranks of ${mpi.name}, ${mode}, times the speed of C`,
        ratio: round(median(turnsOf(mode).map((ms, turn) => theirs[turn] / ms))),
        target: 0.9,
      });
  }
  return summary;
}

async function measureLoading(mpi) {
  const speeds = { 1: [], 2: [], 4: [] };
  for (let i = 0; i < Number(rounds); i++)
    for (const size of [1, 2, 4])
      speeds[size].push(
        (await ranks(mpi, size, [process.execPath, contestant('mpi-load.mjs'), store, '50'])).recordsPerS,
      );
  for (const size of [1, 2, 4])
    print({ mpi: mpi.name, mode: 'loading', ranks: size, recordsPerS: median(speeds[size]) });
  return [2, 4].map((size) => ({
    what: `records a second of ${size} ranks together, times those of one`,
    ratio: round(median(speeds[size]) / median(speeds[1])),
  }));
}

const folder = mkdtempSync(join(tmpdir(), 'dataref-mpi-'));
try {
  const summary = [
    ...(await measureAllreduce(OPEN_MPI, folder)),
    ...(await measureAllreduce(MPICH, folder)),
    ...(await measureLoading(OPEN_MPI)),
  ];
  for (const line of summary) print(line);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
