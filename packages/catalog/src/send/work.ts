import { deserialize, serialize } from 'node:v8';
import { DataRefError, isDataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import { errorOf } from './failure.js';
import type { Workforce } from './hardware.js';
import type { Answer, Task } from './task.js';
import { describeFunction, isTooLarge } from './user-function.js';

/** How often a task's worker may end while there are others, whose fault it may be: under mpirun all workers end with one. */
const MAX_DEATHS = 2;

/**
 * Runs tasks, as many at once as there are workers. The first that fails ends the others.
 * @param onValue told what each gave, in whatever order they end
 * @throws DataRefError what a task failed with; WORKER_DIED where its worker ended twice, and again when nothing else ran
 */
export async function runTasks<T extends Task>(
  force: Workforce,
  workers: number,
  tasks: readonly T[],
  signal: AbortSignal | undefined,
  onValue: (task: T, value: unknown) => void,
): Promise<void> {
  const stop = new AbortController();
  const forward = (): void => stop.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', forward, { once: true });
  let failure: { readonly error: unknown } | undefined;
  let next = 0;
  const suspects: T[] = [];
  const run = async (task: T, isAlone: boolean): Promise<void> => {
    const answer = await runOne(force, task, isAlone, stop.signal);
    if (answer === undefined) suspects.push(task);
    else onValue(task, valueOf(answer));
    stop.signal.throwIfAborted();
  };
  const lane = async (): Promise<void> => {
    try {
      while (next < tasks.length && suspects.length === 0) await run(tasks[next++] as T, false);
    } catch (error) {
      failure ??= { error };
      stop.abort();
    }
  };
  try {
    while (next < tasks.length && !stop.signal.aborted) {
      await Promise.all(Array.from({ length: Math.min(workers, tasks.length - next) }, lane));
      for (const task of suspects.splice(0)) if (!stop.signal.aborted) await run(task, true);
    }
  } finally {
    signal?.removeEventListener('abort', forward);
  }
  signal?.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}

/** @returns undefined where its worker ended too often for a task that runs beside others */
async function runOne(
  force: Workforce,
  task: Task,
  isAlone: boolean,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const bytes = encode(task);
  for (let deaths = 1; ; deaths++) {
    try {
      return deserialize(await force.run(bytes, signal)) as Answer;
    } catch (error) {
      signal.throwIfAborted();
      if (isAlone) throw died(task, error);
      if (deaths === MAX_DEATHS) return undefined;
    }
  }
}

/** @throws what the task failed with */
function valueOf(answer: Answer): unknown {
  if ('failure' in answer) throw errorOf(answer.failure);
  return answer.value;
}

function encode(task: Task): Uint8Array {
  try {
    return serialize(task);
  } catch (error) {
    if (isTooLarge(error))
      throw new DataRefError(
        'OUT_OF_RANGE',
        `send: arguments of ${describeFunction(task.fn)} are more than 4 GiB, which no task is: give less at once, as smaller items of map, or send a dataset, which workers read`,
        { cause: error, details: { ...task.fn } },
      );
    const culprit = task.args.find((arg) => !isCloneable(arg));
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `send: arguments of ${describeFunction(task.fn)} go to another place, and so must be data: numbers, texts, typed arrays, lists and objects of them; got ${describeValue(culprit)}`,
      { cause: error },
    );
  }
}

/** Whether a value can go to another place. */
export function isCloneable(value: unknown): boolean {
  try {
    serialize(value);
    return true;
  } catch {
    return false;
  }
}

function died(task: Task, cause: unknown): DataRefError {
  const on = task.kind === 'call' ? task.on : `${task.dataset}, records ${task.range.start} to ${task.range.end - 1}`;
  const problem = cause instanceof Error ? cause.message : String(cause);
  const code = isDataRefError(cause) ? cause.code : 'WORKER_DIED';
  return new DataRefError(
    code,
    `send: ${describeFunction(task.fn)} on ${on}: its worker ended ${MAX_DEATHS + 1} times, at last when nothing else ran, with: ${problem}; look whether it runs out of memory, or fails outside of its promise`,
    { cause, details: { ...task.fn, ...(task.kind === 'share' && { start: task.range.start, end: task.range.end }) } },
  );
}
