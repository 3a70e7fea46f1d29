import type { Socket } from 'node:net';
import { startChild } from './child.js';
import { openDoorway } from './connect-back.js';
import { Link } from './link.js';
import type { Links } from './links.js';

/** A rank that dies ends Open MPI's mpirun, after a moment. */
const CUT_MS = 2000;
/** For mpirun to end everywhere what it has started. */
const END_MS = 10_000;

/** How mpirun is started. */
export interface Launch {
  readonly mpirun: string;
  readonly np: number;
  readonly hostfile: string | undefined;
  readonly args: readonly string[];
  /** For the first rank to start. */
  readonly startMs: number;
}

/** An mpirun that was started. */
export interface Run {
  /** Resolves once a first rank is ready. */
  readonly ready: Promise<void>;
  isReady(): boolean;
  /** Why it ended. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/** Starts mpirun, whose ranks become links when they have connected. */
export async function startRun(
  { mpirun, np, hostfile, startMs }: Launch,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  links: Links,
): Promise<Run> {
  const sockets = new Set<Socket>();
  const started: Link[] = [];
  let ranks = 0;
  let isCut = false;
  let onFirst = (): void => undefined;
  const ready = new Promise<void>((resolve) => (onFirst = resolve));
  const doorway = await openDoorway(hostfile !== undefined, (socket) => {
    if (isCut) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    const onReady = (): void => {
      ranks++;
      clearTimeout(starting);
      child.showErrors();
      links.add(link);
      onFirst();
    };
    const link: Link = new Link(socket, socket, env, onReady, () => socket.destroy());
    started.push(link);
    socket.on('close', () => {
      sockets.delete(socket);
      // Where it does not end by itself, it is ended: so are all ranks, and their tasks run again.
      const timer = setTimeout(end, CUT_MS);
      void ended.then(() => clearTimeout(timer));
    });
  });
  const child = startChild(mpirun, command, { ...process.env, ...doorway.env });
  child.process.stdin?.end();
  child.process.stdout?.pipe(process.stderr, { end: false });
  let ending: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.process.kill();
    ending ??= setTimeout(() => child.process.kill('SIGKILL'), END_MS);
  };
  let late = '';
  const starting = setTimeout(() => {
    late = `no rank started in ${startMs / 1000} s; `;
    end();
  }, startMs);
  // Ranks end with their connections, and mpirun with its ranks; ranks may outlive one that was killed.
  const cut = (): void => {
    isCut = true;
    doorway.close();
    for (const socket of sockets) socket.destroy();
  };
  const ended = child.ended.then((why) => {
    clearTimeout(starting);
    clearTimeout(ending);
    cut();
    // All at once: a task that was on one of them, and is run again, must not meet another that is about to end.
    for (const link of started) link.ended(`mpi: ${late}${why}`);
    return late + why;
  });
  const close = async (): Promise<void> => {
    if (ranks < np) end(); // the others may not know yet whom they are to connect to
    cut();
    await ended;
  };
  return { ready, isReady: () => ranks > 0, ended, close };
}
