import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./train.js', import.meta.url));

/** How to start a job on this machine: the options of `mpirun`, or undefined for plain processes that meet over TCP. */
export type Mpirun = readonly string[] | undefined;

/** Where there is one: Open MPI refuses root and more ranks than cores unless it is told. */
export function mpirunHere(): Mpirun {
  const { error, stdout } = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  return stdout.includes('Open MPI')
    ? ['--oversubscribe', ...(process.getuid?.() === 0 ? ['--allow-run-as-root'] : [])]
    : [];
}

/** What ends a job before its time. */
export interface Interruption {
  /** SIGUSR1 is sent to mpirun, which hands it on, or to one of the processes; SIGKILL to the last rank. */
  readonly signal: 'SIGUSR1' | 'SIGKILL';
  /** Sent once this step was made. */
  readonly step: number;
}

/** Runs `train.js` on so many ranks on this machine. Done when it has come to its end, or was interrupted. */
export async function runJob(
  mpirun: Mpirun,
  size: number,
  args: readonly string[],
  interruption?: Interruption,
): Promise<void> {
  const processes =
    size > 1 && mpirun !== undefined
      ? [start('mpirun', [...mpirun, '-np', String(size), process.execPath, PROGRAM, ...args])]
      : await startRanks(size, args);
  const [first] = processes as [ChildProcess];
  let pids: readonly number[] = [];
  let isSent = false;
  createInterface({ input: first.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    console.log(`  ${line}`);
    const [, told] = /\(pid ([\d, ]+)\)/u.exec(line) ?? [];
    if (told !== undefined) pids = told.split(', ').map(Number);
    if (interruption === undefined || isSent || Number(/^step (\d+)/u.exec(line)?.[1] ?? 0) < interruption.step) return;
    isSent = true;
    console.log(`  ${interruption.signal} …`);
    if (interruption.signal === 'SIGKILL') process.kill(pids.at(-1) as number, 'SIGKILL');
    else processes.at(-1)?.kill(interruption.signal);
  });
  const [failure] = (await Promise.all(processes.map(ended))).filter((said) => said !== undefined);
  const isKilled = isSent && interruption?.signal === 'SIGKILL';
  if (isKilled ? failure === undefined : failure !== undefined)
    throw new Error(failure ?? 'a rank was killed, and the job went on as if nothing had happened');
}

async function startRanks(size: number, args: readonly string[]): Promise<ChildProcess[]> {
  const shared = { DATAREF_SIZE: String(size), DATAREF_ADDRESS: await freeAddress(), DATAREF_SECRET: randomUUID() };
  return Array.from({ length: size }, (_, rank) =>
    start(process.execPath, [PROGRAM, ...args], { ...shared, DATAREF_RANK: String(rank) }),
  );
}

function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
}

/** @returns how it ended, where that was not well */
function ended(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve(code === 0 ? undefined : `${child.spawnfile} ended with ${signal ?? `exit code ${code}`}`),
    );
  });
}

function freeAddress(): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(`127.0.0.1:${port}`));
    });
  });
}
