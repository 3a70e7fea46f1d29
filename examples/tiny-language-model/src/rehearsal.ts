import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Step {
  readonly epoch: number;
  readonly batch: number;
}

interface Message extends Partial<Step> {
  readonly resumed?: number;
  readonly hash?: string;
}

/**
 * Trains in a child process. With `killAt`, the child is killed (SIGKILL) after that step and undefined comes back; else the
 * hash of its final weights.
 * @param args of worker.ts
 */
export function rehearse(
  args: readonly string[],
  killAt: Step | undefined,
  onResume: (epoch: number) => void,
): Promise<string | undefined> {
  const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let hash: string | undefined;
  child.on('message', ({ epoch, batch, resumed, hash: made }: Message) => {
    if (resumed !== undefined) onResume(resumed);
    if (made !== undefined) hash = made;
    if (killAt !== undefined && epoch === killAt.epoch && batch === killAt.batch) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (signal === 'SIGKILL' && killAt !== undefined) resolve(undefined);
      else if (code === 0 && hash !== undefined) resolve(hash);
      else reject(new Error(`the training process ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
