import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Backend } from './backend.js';

export interface Rehearsal {
  readonly directory: string;
  readonly checkpoint: string;
  readonly epochs: number;
  readonly everyBatches: number;
  readonly backend: Backend;
}

interface Message {
  readonly epoch?: number;
  readonly batch?: number;
  readonly resumed?: number;
  readonly hash?: string;
}

/**
 * Trains in a child process. With `killAt`, the child is killed (SIGKILL) after that step and undefined comes back;
 * else the hash of its final weights.
 */
export function rehearse(
  options: Rehearsal,
  killAt: { readonly epoch: number; readonly batch: number } | undefined,
  onResume: (epoch: number) => void,
): Promise<string | undefined> {
  const { directory, checkpoint, epochs, everyBatches, backend } = options;
  const worker = fileURLToPath(new URL('./worker.js', import.meta.url));
  const child = fork(worker, [directory, checkpoint, String(epochs), String(everyBatches), backend], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let hash: string | undefined;
  child.on('message', (message: Message) => {
    if (message.resumed !== undefined) onResume(message.resumed);
    if (message.hash !== undefined) hash = message.hash;
    if (killAt !== undefined && message.epoch === killAt.epoch && message.batch === killAt.batch) child.kill('SIGKILL');
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
