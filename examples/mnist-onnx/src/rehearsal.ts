import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ModelName } from './models.js';

export interface Rehearsal {
  readonly name: ModelName;
  readonly directory: string;
  readonly checkpoint: string;
  readonly epochs: number;
  readonly everySteps: number;
}

/**
 * Trains in a child process. With `killAt`, the child is killed (SIGKILL) after that step and undefined comes back; else
 * the hash of what it learned.
 */
export function rehearse(
  { name, directory, checkpoint, epochs, everySteps }: Rehearsal,
  killAt: number | undefined,
  onBegin: (firstStep: number) => void,
): Promise<string | undefined> {
  const worker = fileURLToPath(new URL('./worker.js', import.meta.url));
  const child = fork(worker, [name, directory, checkpoint, String(epochs), String(everySteps)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let hash: string | undefined;
  let hasBegun = false;
  child.on('message', (message: { readonly step?: number; readonly hash?: string }) => {
    if (message.step !== undefined && !hasBegun) onBegin(message.step);
    hasBegun = true;
    hash = message.hash;
    if (killAt !== undefined && message.step === killAt) child.kill('SIGKILL');
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
