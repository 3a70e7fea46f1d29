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
/** Sums of 1 MB and of 25 MB in a turn. */
const TIMES = ['100', '7'];

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
  const program = join(folder, mpi.suffix);
  await tool(mpi, `mpicc.${mpi.suffix}`, ['-O2', '-o', program, contestant('mpi-allreduce.c')]);
  const contestants = {
    C: [program, ...TIMES],
    sync: [process.execPath, contestant('mpi-allreduce.mjs'), 'sync', ...TIMES],
    async: [process.execPath, contestant('mpi-allreduce.mjs'), 'async', ...TIMES],
  };
  const lines = { C: [], sync: [], async: [] };
  for (let i = 0; i < Number(rounds); i++)
    for (const [name, args] of Object.entries(contestants)) lines[name].push(await ranks(mpi, 2, args));
  const summary = [];
  for (const bytes of ['1 MB', '25 MB']) {
    const ms = (name) => median(lines[name].map((line) => line[bytes].median));
    const leastMs = (name) => Math.min(...lines[name].map((line) => line[bytes].least));
    for (const mode of ['C', 'sync', 'async'])
      print({ mpi: mpi.name, mode, allreduce: bytes, ranks: 2, ms: round(ms(mode)), leastMs: round(leastMs(mode)) });
    for (const mode of ['sync', 'async'])
      summary.push({
        what: `allreduce of ${bytes} on 2 ranks of ${mpi.name}, ${mode}, times the speed of C`,
        ratio: round(ms('C') / ms(mode)),
        ratioOfLeast: round(leastMs('C') / leastMs(mode)),
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
