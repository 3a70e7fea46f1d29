import { deserialize, serialize } from 'node:v8';
import { DataRefError, isDataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import { errorOf } from './failure.js';
import type { Workforce } from './hardware.js';
import type { Answer, Task } from './task.js';
import { describeFunction } from './user-function.js';

/** How often a task may end its worker before it is taken for the reason. */
const MAX_DEATHS = 3;

/**
 * Runs tasks, as many at once as there are workers. The first that fails ends the others.
 * @param onValue told what each gave, in whatever order they end
 * @throws DataRefError what a task failed with; WORKER_DIED where one ended its worker three times
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
  const waiting = tasks.values();
  const lane = async (): Promise<void> => {
    try {
      for (const task of waiting) {
        onValue(task, await runOne(force, task, stop.signal));
        stop.signal.throwIfAborted();
      }
    } catch (error) {
      failure ??= { error };
      stop.abort();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(workers, tasks.length) }, lane));
  } finally {
    signal?.removeEventListener('abort', forward);
  }
  signal?.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}

async function runOne(force: Workforce, task: Task, signal: AbortSignal): Promise<unknown> {
  const bytes = encode(task);
  for (let deaths = 1; ; deaths++) {
    let answer: Answer;
    try {
      answer = deserialize(await force.run(bytes, signal)) as Answer;
    } catch (error) {
      signal.throwIfAborted();
      if (deaths < MAX_DEATHS) continue;
      throw died(task, error);
    }
    if ('failure' in answer) throw errorOf(answer.failure);
    return answer.value;
  }
}

function encode(task: Task): Uint8Array {
  try {
    return serialize(task);
  } catch (error) {
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
    `send: ${describeFunction(task.fn)} on ${on}: its worker ended ${MAX_DEATHS} times, at last with: ${problem}; look whether it runs out of memory, or fails outside of its promise`,
    { cause, details: { ...task.fn, ...(task.kind === 'share' && { start: task.range.start, end: task.range.end }) } },
  );
}
