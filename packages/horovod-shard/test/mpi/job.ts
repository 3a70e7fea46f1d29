import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';

/** Each implementation of MPI with its mpirun, its library and the Debian package that has both. */
export const MPIS = [
  {
    name: 'Open MPI',
    mpirun: 'mpirun.openmpi',
    flags: ['--allow-run-as-root', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'],
    library: 'libmpi.so.40',
    debian: 'openmpi-bin',
  },
  { name: 'MPICH', mpirun: 'mpirun.mpich', flags: [], library: 'libmpich.so.12', debian: 'mpich' },
] as const;
export type Mpi = (typeof MPIS)[number];

export interface Ended {
  /** What ended the job, 0 for a good end. */
  readonly code: number | null;
  /** The lines of JSON that the ranks printed, in the order of their ranks. */
  readonly lines: readonly (Readonly<Record<string, unknown>> & { readonly rank: number })[];
  /** Both streams. */
  readonly output: string;
}

/** Runs a worker of `workers/` on so many ranks of a real mpirun, until the whole job has ended. */
export async function job(
  mpi: Mpi,
  ranks: number,
  [worker, ...args]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return ended(mpi.mpirun, [...mpi.flags, '-np', `${ranks}`, process.execPath, path(worker), ...args], {
    environment,
    missing: `${mpi.mpirun} is not there: apt-get install ${mpi.debian}`,
  });
}

/** Runs a worker without a launcher. @param flags of Node */
export async function alone(
  [worker, ...args]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<Ended> {
  return ended(process.execPath, [...flags, path(worker), ...args], { environment, missing: 'node is not there' });
}

/** A job that ended well. */
export function good({ code, lines, output }: Ended): Ended['lines'] {
  if (code !== 0) expect(output).toBe('of a job that ends well');
  return lines;
}

function path(worker: string): string {
  return fileURLToPath(new URL(`workers/${worker}.mjs`, import.meta.url));
}

async function ended(
  command: string,
  args: readonly string[],
  { environment, missing }: { readonly environment: Readonly<Record<string, string>>; readonly missing: string },
): Promise<Ended> {
  const child = spawn(command, args, {
    env: { ...process.env, ...environment, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (cause) => reject(new Error(missing, { cause })));
  });
  const lines = output.split('\n').filter((line) => line.startsWith('{"rank":'));
  return {
    code,
    lines: lines.map((line) => JSON.parse(line) as Ended['lines'][number]).sort((a, b) => a.rank - b.rank),
    output,
  };
}
