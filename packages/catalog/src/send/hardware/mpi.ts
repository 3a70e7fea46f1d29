import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { DataRefError } from '@dataref/core';
import { countOf, describeValue, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type { Hardware, Workforce, WorkforceOptions } from '../hardware.js';
import { startChild, type Child } from './child.js';
import { ADDRESSES, openDoorway, TOKEN } from './connect-back.js';
import { Link } from './link.js';
import { Links } from './links.js';

const WORKER_MAIN = fileURLToPath(new URL('./worker-main.js', import.meta.url));
/** A rank that dies ends Open MPI's mpirun, after a moment. */
const CUT_MS = 2000;

export interface MpiOptions {
  /** Workers, one a rank. */
  readonly np: number;
  /** Names the machines, as mpirun has it. Default: this one. */
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
  const launch = { mpirun, np: workers, hostfile, args };
  return { kind: 'mpi', workers, isInProcess: false, open: (given) => openMpi(launch, given) };
}

interface Launch {
  readonly mpirun: string;
  readonly np: number;
  readonly hostfile: string | undefined;
  readonly args: readonly string[];
}

async function openMpi({ mpirun, np, hostfile, args }: Launch, { env }: WorkforceOptions): Promise<Workforce> {
  const isOpenMpi = await isOpenMpiThere(mpirun);
  const hosts = hostfile === undefined ? [] : [isOpenMpi ? '--hostfile' : '-f', hostfile];
  // MPICH passes the environment on to other machines by itself.
  const passed = isOpenMpi ? ['-x', ADDRESSES, '-x', TOKEN] : [];
  const command = ['-np', String(np), ...args, ...hosts, ...passed, process.execPath, WORKER_MAIN, '--connect'];
  const links = new Links();
  const sockets = new Set<Socket>();
  let isClosing = false;
  let running: Child;
  let ready = 0;
  let onFirst = (): void => undefined;
  const doorway = await openDoorway(hostfile !== undefined, (socket) => {
    const child = running;
    sockets.add(socket);
    const onReady = (): void => {
      ready++;
      child.showErrors();
      links.add(link);
      onFirst();
    };
    const link: Link = new Link(socket, socket, env, onReady, () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      // Where it does not end by itself, it is ended: so are all ranks, and their tasks run again.
      const timer = setTimeout(() => child.process.kill(), CUT_MS);
      void child.ended.then((why) => {
        clearTimeout(timer);
        link.ended(`mpi: ${why}`);
      });
    });
  });
  const start = (): void => {
    ready = 0;
    running = startChild(mpirun, command, { ...process.env, ...doorway.env });
    running.process.stdin?.end();
    running.process.stdout?.pipe(process.stderr, { end: false });
    void running.ended.then((why) => {
      if (isClosing) return;
      if (ready > 0) start();
      else links.fail(new DataRefError('WORKER_DIED', `mpi: ${why}`));
    });
  };
  const close = async (): Promise<void> => {
    isClosing = true;
    doorway.close();
    // Ranks end with their connections, and mpirun with its ranks; before all are there it is ended itself.
    if (ready < np) running.process.kill();
    for (const socket of sockets) socket.destroy();
    await running.ended;
  };
  const first = new Promise<void>((resolve) => (onFirst = resolve));
  start();
  const failed = await Promise.race([first, running!.ended]);
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
