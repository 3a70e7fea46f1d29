// The program of a worker thread: runs the default export of the user's module on the records that it is sent.
import { parentPort } from 'node:worker_threads';
import { Tinypool } from 'tinypool';
import { isThenable } from '../or-abort.js';
import { mapContext } from './map-context.js';
import { movable } from './transfer.js';
import { importFunction } from './user-module.js';
import type { WorkerAnswer, WorkerResult, WorkerTask } from './worker-map.js';

type Fn = (record: unknown, context: unknown) => unknown;

/** Never aborted: a pass that ends, ends the thread. */
const { signal } = new AbortController();

// A thread that ends tells nobody which record ended it; an error does. Node itself ends it so after one that nobody caught.
const exit = process.exit.bind(process);
let isFailing = false;
process.on('uncaughtExceptionMonitor', () => (isFailing = true));
process.exit = (code) => {
  if (isFailing) return exit(code);
  throw new Error(`the module called process.exit(${code ?? ''})`);
};

/** The thread's messages are the pool's: others would end the program. */
function keepMessages(): void {
  if (parentPort === null) return;
  parentPort.postMessage = () => {
    throw new Error('the module posted a message to the parent; give what it makes as the result');
  };
}

export default async function run({ module, step, records }: WorkerTask): Promise<unknown> {
  keepMessages(); // not before: the pool's own first message says that the thread is ready
  let fn: Fn;
  try {
    fn = await importFunction(module);
  } catch (error) {
    return { loadFailure: error instanceof Error ? error.message : String(error) } satisfies WorkerAnswer;
  }
  const buffers: ArrayBuffer[] = [];
  const results: WorkerResult[] = [];
  for (const { value, origin } of records) {
    try {
      const made = fn(value, mapContext(origin.seed, step, origin, signal));
      results.push({ value: movable(isThenable(made) ? await made : made, buffers) });
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
      results.push({ failure: message, stack });
    }
  }
  const answer: WorkerAnswer = { results };
  return Tinypool.move({ [Tinypool.transferableSymbol]: buffers, [Tinypool.valueSymbol]: answer } as never);
}
