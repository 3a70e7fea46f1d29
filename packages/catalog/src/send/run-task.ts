import { deserialize, serialize } from 'node:v8';
import { failureOf } from './failure.js';
import type { Answer, CallTask, Task } from './task.js';
import { importFunction, userFailure } from './user-function.js';
import { writeShare } from './write-share.js';

/**
 * Does what a task says, in a worker: hardware carries a task's bytes to where this runs, and the answer's bytes back.
 * A failure is an answer too; it never rejects.
 * @returns for `send`, which knows what it asked
 */
export async function runTask(task: Uint8Array): Promise<Uint8Array> {
  try {
    return encode({ value: await run(deserialize(task) as Task) });
  } catch (error) {
    return encode({ failure: failureOf(error) });
  }
}

function run(task: Task): Promise<unknown> {
  return task.kind === 'call' ? call(task) : writeShare(task);
}

async function call({ fn: name, args, on }: CallTask): Promise<unknown> {
  const fn = await importFunction(name);
  try {
    const value = await fn(...args);
    serialize(value); // what cannot be sent is the function's failure
    return value;
  } catch (error) {
    throw userFailure(name, on, error);
  }
}

function encode(answer: Answer): Uint8Array {
  return serialize(answer);
}
