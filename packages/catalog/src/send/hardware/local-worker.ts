// The program of a worker thread.
import { parentPort } from 'node:worker_threads';
import { runTask } from '../run-task.js';
import { guardExit } from './guarded-exit.js';

guardExit();

export default async function run(task: Uint8Array): Promise<Uint8Array> {
  // The thread's messages are the pool's: others would end the program. Not before: its own first one says that it is ready.
  if (parentPort !== null)
    parentPort.postMessage = () => {
      throw new Error('the module posted a message to the parent; give what it makes as the result');
    };
  return runTask(task);
}
