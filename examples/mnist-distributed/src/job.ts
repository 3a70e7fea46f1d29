import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./train.js', import.meta.url));

/** Of `mpirun`, where there is one: Open MPI refuses root and more ranks than cores unless it is told. */
const MPIRUN = mpirunOptions();

function mpirunOptions(): readonly string[] | undefined {
  const { error, stdout } = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return undefined;
  return stdout.includes('Open MPI')
    ? ['--oversubscribe', ...(process.getuid?.() === 0 ? ['--allow-run-as-root'] : [])]
    : [];
}

/** What starts a job of several ranks here. */
export const launcher = MPIRUN === undefined ? 'processes that meet over TCP: there is no mpirun' : 'mpirun';

/**
 * Runs `train.js` on so many ranks on this machine. With `preemptAt`, SIGUSR1 is sent once that step was made: to mpirun,
 * which hands it on, or to one of the processes.
 */
export async function runJob(size: number, args: readonly string[], preemptAt = Infinity): Promise<void> {
  const processes =
    size > 1 && MPIRUN !== undefined
      ? [start('mpirun', [...MPIRUN, '-np', String(size), process.execPath, PROGRAM, ...args])]
      : await startRanks(size, args);
  const [first] = processes as [ChildProcess];
  const asked = processes.at(-1) as ChildProcess;
  let isAsked = false;
  createInterface({ input: first.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    console.log(`  ${line}`);
    if (isAsked || Number(/^step (\d+)/u.exec(line)?.[1] ?? 0) < preemptAt) return;
    isAsked = true;
    console.log('  SIGUSR1 …');
    asked.kill('SIGUSR1');
  });
  await Promise.all(processes.map(ended));
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

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${child.spawnfile} ended with ${signal ?? `exit code ${code}`}`)),
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
