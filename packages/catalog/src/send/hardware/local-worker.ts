// The program of a worker thread.
import { parentPort } from 'node:worker_threads';
import { runTask } from '../run-task.js';

// One that a function calls would end the thread, and tell nobody why; Node itself ends it so after an error that nobody caught.
const exit = process.exit.bind(process);
let isFailing = false;
process.on('uncaughtExceptionMonitor', () => (isFailing = true));
process.exit = (code) => {
  if (isFailing) return exit(code);
  throw new Error(`the module called process.exit(${code ?? ''})`);
};

export default async function run(task: Uint8Array): Promise<Uint8Array> {
  // The thread's messages are the pool's: others would end the program. Not before: its own first one says that it is ready.
  if (parentPort !== null)
    parentPort.postMessage = () => {
      throw new Error('the module posted a message to the parent; give what it makes as the result');
    };
  return runTask(task);
}
