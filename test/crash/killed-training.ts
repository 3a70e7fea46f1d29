import { fork } from 'node:child_process';
import { script } from './process.js';

/** How a training in a process of its own ended. */
export interface Ending {
  /** SHA-256 of what it learned; undefined where it was stopped before its end. */
  readonly hash: string | undefined;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  /** From the first step that could be killed to the end. */
  readonly trainingMs: number;
}

/** A signal, so many ms after the training has said that it begins, or that it waits. */
export interface Sent {
  readonly signal: NodeJS.Signals;
  readonly afterMs: number;
}

/** Runs a trainer of this folder, which says when it begins (or waits for a signal), and prints the hash at its end. */
export function train(trainer: string, args: readonly string[], sent?: Sent): Promise<Ending> {
  const child = fork(script(trainer), args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  let output = '';
  let startedMs = performance.now();
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.on('message', () => {
    startedMs = performance.now();
    if (sent !== undefined) setTimeout(() => child.kill(sent.signal), sent.afterMs);
  });
  return new Promise((resolve, reject) => {
    // Not at its exit: what it printed may come after that.
    child.on('close', (code, signal) => {
      const trainingMs = performance.now() - startedMs;
      const hash = signal === null ? /[0-9a-f]{64}/u.exec(output)?.[0] : undefined;
      if (code === 0 || signal === sent?.signal) resolve({ hash, signal, output, trainingMs });
      else reject(new Error(`the trainer ended with ${signal ?? String(code)}`));
    });
  });
}

/**
 * Trains job after job, each killed up to six times and started again until it has ended, until there were so many kills.
 * @param start begins or goes on with a job
 * @returns the hash that each job ended with
 */
export async function killedJobs(
  start: (job: number, sent?: Sent) => Promise<Ending>,
  { kills, trainingMs, random }: { kills: number; trainingMs: number; random: () => number },
): Promise<(string | undefined)[]> {
  const hashes: (string | undefined)[] = [];
  let killed = 0;
  for (let job = 0; killed < kills; job++) {
    let hash: string | undefined;
    // Each within a fifth of the training, so that the job gets on between them.
    for (let k = 0; k < 6 && killed < kills && hash === undefined; k++) {
      const ending = await start(job, { signal: 'SIGKILL', afterMs: random() * trainingMs * 0.2 });
      hash = ending.hash;
      if (ending.signal === 'SIGKILL') killed++;
    }
    hashes.push(hash ?? (await start(job)).hash);
  }
  return hashes;
}
