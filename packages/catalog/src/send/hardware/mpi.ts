import { fileURLToPath } from 'node:url';
import { DataRefError } from '@dataref/core';
import { countOf, describeValue, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { Hardware, Workforce, WorkforceOptions } from '../hardware.js';
import { startChild } from './child.js';
import { ADDRESSES, TOKEN } from './connect-back.js';
import { Links } from './links.js';
import { startRun, type Launch, type Run } from './mpi-run.js';

const WORKER_MAIN = fileURLToPath(new URL('./worker-main.js', import.meta.url));
/** For the first rank to start. MPICH's mpirun waits for ever for a machine that cannot be reached. */
const START_MS = 120_000;

export interface MpiOptions {
  /** Workers, one a rank. */
  readonly np: number;
  /** Names the machines, as mpirun has it. They reach this one over TCP, at a port that the system gives out. Default: this one. */
  readonly hostfile?: string | undefined;
  /** Default: `mpirun`. */
  readonly mpirun?: string | undefined;
  /** Arguments of mpirun besides: `['--oversubscribe']`. */
  readonly args?: readonly string[] | undefined;
}

/**
 * Processes that `mpirun` of Open MPI or MPICH starts, `np` of them, on the machines of a hostfile. They connect back to
 * this process, and see its files at the same paths: Node, this package, the module, and what is stored in folders. For
 * buckets they have credentials of their own, from their environment. Where one dies, mpirun ends all, and is started again.
 * @throws DataRefError INVALID_ARGUMENT
 */
export function mpi(options: MpiOptions): Hardware {
  const { np, hostfile, mpirun = 'mpirun', args = [], ...unknown } = optionsOf('mpi', options);
  refuseUnknown('mpi', unknown, ['np', 'hostfile', 'mpirun', 'args']);
  if (!Array.isArray(args) || args.some((arg) => typeof arg !== 'string'))
    throw new DataRefError('INVALID_ARGUMENT', `mpi: args must be a list of strings, got ${describeValue(args)}`);
  const workers = countOf('mpi: np', np, 1);
  const launch = { mpirun, np: workers, hostfile, args, startMs: START_MS };
  return { kind: 'mpi', workers, isInProcess: false, open: (given) => openMpi(launch, given) };
}

/** @throws DataRefError WORKER_DIED */
export async function openMpi(launch: Launch, { env }: WorkforceOptions): Promise<Workforce> {
  const { mpirun, np, hostfile, args } = launch;
  const isOpenMpi = await isOpenMpiThere(mpirun);
  const hosts = hostfile === undefined ? [] : [isOpenMpi ? '--hostfile' : '-f', hostfile];
  // MPICH passes the environment on to other machines by itself.
  const passed = isOpenMpi ? ['-x', ADDRESSES, '-x', TOKEN] : [];
  const command = ['-np', String(np), ...args, ...hosts, ...passed, process.execPath, WORKER_MAIN, '--connect'];
  const links = new Links();
  let isClosing = false;
  const start = async (): Promise<Run> => {
    const run = await startRun(launch, command, env, links);
    void run.ended.then((why) => {
      if (isClosing) return;
      if (run.isReady()) (running = start()).catch((error: unknown) => links.fail(error));
      else links.fail(new DataRefError('WORKER_DIED', `mpi: ${why}`));
    });
    return run;
  };
  let running = start();
  const close = async (): Promise<void> => {
    isClosing = true;
    await (await running).close();
  };
  const { ready, ended } = await running;
  const failed = await Promise.race([ready, ended]);
  if (failed === undefined) return { run: (task, signal) => links.run(task, signal), close };
  await close();
  throw new DataRefError('WORKER_DIED', `mpi: ${failed}`);
}

/** Whether it is Open MPI's. @throws DataRefError WORKER_DIED where there is none */
async function isOpenMpiThere(mpirun: string): Promise<boolean> {
  const version = startChild(mpirun, ['--version']);
  let about = '';
  version.process.stdout?.setEncoding('utf8').on('data', (text: string) => (about += text));
  const why = await version.ended;
  if (about !== '') return /open ?mpi|openrte/iu.test(about);
  throw new DataRefError('WORKER_DIED', `mpi: ${why}; install Open MPI or MPICH, or name its mpirun`);
}
