import { DataRefError } from '../errors.js';
import { isThenable, orAbort } from '../or-abort.js';
import { mapContext } from './map-context.js';
import type { Origin, Traced } from './stage.js';
import type { MapContext } from './types.js';

/** A function of the user's in a pipeline. */
export interface UserFunction {
  /** The transform, for messages. */
  readonly what: string;
  readonly fn: (value: any, context: MapContext) => unknown;
  /** Its number among the pipeline's functions. */
  readonly step: number;
}

/** What the function gives for a record. @throws DataRefError MAP_FAILED naming the record, with the cause */
export async function callUser(
  user: UserFunction,
  value: unknown,
  origin: Origin,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    const made = user.fn(value, mapContext(origin.seed, user.step, origin, signal));
    return isThenable(made) ? await orAbort(made, signal) : made;
  } catch (error) {
    if (signal.aborted) throw error;
    throw userFailure(user.what, origin, error);
  }
}

/** What `lengthOf` gives for a record. @throws DataRefError MAP_FAILED naming the record, with the cause */
export function callLengthOf(what: string, lengthOf: (record: any) => unknown, { value, origin }: Traced): unknown {
  try {
    return lengthOf(value);
  } catch (error) {
    throw userFailure(`lengthOf of ${what}`, origin, error);
  }
}

export function userFailure(what: string, origin: Origin, cause: unknown): DataRefError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return new DataRefError('MAP_FAILED', `${what} failed on ${nameOrigin(origin)}: ${problem}`, {
    cause,
    details: detailsOf(origin),
  });
}

/** A record, in the details of errors. */
export function detailsOf({ id, version, index, epoch, position }: Origin): Readonly<Record<string, unknown>> {
  return { dataset: id, version, epoch, position, index };
}

export function nameOrigin({ id, version, index, epoch, position }: Origin): string {
  return `${id === '' ? 'the dataset' : `${id}@${version}`}, record ${index}, epoch ${epoch}, position ${position}`;
}
