// The program of a worker thread: makes the stream of the user's module, and sends its batches as feeds.
import { workerData } from 'node:worker_threads';
import { DataRefError, isDataRefError } from '@dataref/core';
import { BatchFlow } from '@dataref/core/adapter';
import { Binding } from '../binding.js';
import type { Answer, Request, WorkerStart } from './messages.js';
import { sentError } from './sent-error.js';
import { Sender } from './sender.js';

const { module, model, port } = workerData as WorkerStart;
const tell = (answer: Answer, moved: ArrayBuffer[] = []): void => port.postMessage(answer, moved);
const refusal = (problem: string, cause?: unknown): DataRefError =>
  new DataRefError(
    'INVALID_ARGUMENT',
    `toOrtFeeds: ${module} ${problem}. Give the URL of a JavaScript module, new URL('./batches.js', import.meta.url), whose default export is a function that returns dataref.stream(…).batch(…)`,
    { cause, details: { module } },
  );

/** @throws DataRefError INVALID_ARGUMENT, or what of ours the module throws */
async function makeStream(): Promise<BatchFlow> {
  const refuse = (problem: string, cause?: unknown): never => {
    throw refusal(problem, cause);
  };
  let make: unknown;
  let stream: unknown;
  try {
    ({ default: make } = (await import(module)) as { readonly default?: unknown });
    if (typeof make === 'function') stream = await (make as () => unknown)();
  } catch (error) {
    if (isDataRefError(error)) throw error;
    return refuse(`could not make its stream: ${sentError(error).message}`, error);
  }
  if (typeof make !== 'function') return refuse('has no function as its default export');
  return stream instanceof BatchFlow ? stream : refuse('gave no stream of batches');
}

async function open(): Promise<Sender | undefined> {
  try {
    const stream = await makeStream();
    const binding = new Binding(model, stream);
    if (stream.knownSchema !== undefined) binding.resolve(stream.knownSchema);
    const sender = new Sender(stream, binding, tell);
    tell({ told: 'opened', length: sender.length, state: sender.state });
    return sender;
  } catch (error) {
    tell({ told: 'not opened', error: sentError(error) });
    return undefined;
  }
}

/** Nothing goes on in this thread, and there is no stream: what the module waits for will never come. */
function tellStuck(): void {
  const problem = 'waits for a promise that nothing will settle: an await at its top, or in its default export';
  tell({ told: 'not opened', error: sentError(refusal(problem)) });
}
process.once('beforeExit', tellStuck);
const opening = open().finally(() => {
  process.off('beforeExit', tellStuck);
  port.ref();
});
let turn: Promise<unknown> = opening;

/** Iterations begin one after another; what ends one does not wait for it. */
async function serve(request: Request): Promise<void> {
  const sender = await opening;
  if (request.ask === 'more') return sender?.more(request.iteration);
  if (request.ask === 'stop') return sender?.stop();
  if (request.ask === 'close') return Promise.resolve(sender?.close()).finally(() => port.close());
  const { iteration, beginning, batches } = request;
  const begin = turn.then(() => sender?.begin(iteration, beginning, batches));
  turn = begin;
  return begin;
}
port.on('message', (request: Request) => void serve(request));
port.unref(); // until there is a stream, only the module's own work keeps the thread alive
