import { DataRefError } from '@dataref/core';
import { didYouMean, shown } from '@dataref/core/adapter';
import { textOf } from './failure.js';

export type UserFunction = (...args: any[]) => unknown;

/** Which function: the module's URL and the name of its export. */
export interface FunctionName {
  readonly module: string;
  readonly export: string;
}

/** For messages: `tokenize of preprocess.js`. */
export function describeFunction({ module, export: name }: FunctionName): string {
  return `${name === 'default' ? 'the default export' : name} of ${shown(decodeURI(module.slice(module.lastIndexOf('/') + 1)))}`;
}

/** @throws DataRefError INVALID_ARGUMENT where the module cannot be loaded, or exports no such function */
export async function importFunction({ module, export: name }: FunctionName): Promise<UserFunction> {
  let loaded: Readonly<Record<string, unknown>>;
  try {
    loaded = (await import(module)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    const problem = textOf(error instanceof Error ? error.message : error);
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `send: ${module} could not be loaded by a worker: ${problem}. It must be there, with what it imports, wherever the hardware is, in a form that Node runs without a loader`,
      { cause: error, details: { module } },
    );
  }
  const found = loaded[name];
  if (typeof found === 'function') return found as UserFunction;
  const functions = Object.keys(loaded).filter((each) => typeof loaded[each] === 'function');
  const there =
    functions.length === 0
      ? 'it exports no functions'
      : `it exports ${functions.map((each) => shown(each)).join(', ')}`;
  const problem = name in loaded ? 'is no function' : 'is not exported';
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `send: ${shown(name)} ${problem} by ${module}: ${there}${didYouMean(name, functions)}`,
    { details: { module, export: name } },
  );
}

/** Whether `serialize` threw it because of what no buffer of Node's holds. */
export function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === 'ERR_BUFFER_TOO_LARGE';
}

/** What the user's function threw, and on what. */
export function userFailure(name: FunctionName, on: string, cause: unknown, details: object = {}): DataRefError {
  const problem = textOf(cause instanceof Error ? cause.message : cause);
  return new DataRefError('MAP_FAILED', `send: ${describeFunction(name)} failed on ${on}: ${problem}`, {
    cause,
    details: { ...details, ...name },
  });
}
