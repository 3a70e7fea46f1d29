import { deserialize, serialize } from 'node:v8';
import { DataRefError } from '@dataref/core';
import { failureOf } from './failure.js';
import type { Answer, CallTask, Task } from './task.js';
import { describeFunction, importFunction, isTooLarge, userFailure } from './user-function.js';
import { writeShare } from './write-share.js';

/**
 * Does what a task says, in a worker: hardware carries a task's bytes to where this runs, and the answer's bytes back.
 * A failure is an answer too; it never rejects.
 * @returns for `send`, which knows what it asked; nothing else has its buffer
 */
export async function runTask(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    const task = deserialize(bytes) as Task;
    return task.kind === 'call' ? await call(task) : encode({ value: await writeShare(task) });
  } catch (error) {
    return encode({ failure: failureOf(error) });
  }
}

async function call({ fn: name, args, on }: CallTask): Promise<Uint8Array> {
  const fn = await importFunction(name);
  let value: unknown;
  try {
    value = await fn(...args);
  } catch (error) {
    throw userFailure(name, on, error);
  }
  try {
    return encode({ value });
  } catch (error) {
    if (!isTooLarge(error)) throw userFailure(name, on, error); // what cannot be sent is the function's failure
    throw new DataRefError(
      'OUT_OF_RANGE',
      `send: what ${describeFunction(name)} gave on ${on} is more than 4 GiB, which no answer is: give less at once, as map does of smaller items, or send a dataset, whose results workers store`,
      { cause: error, details: { ...name } },
    );
  }
}

function encode(answer: Answer): Uint8Array {
  return serialize(answer);
}
