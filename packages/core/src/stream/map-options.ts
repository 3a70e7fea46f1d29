import { countOf, describeValue, optionsOf, refuseUnknown } from '../arguments.js';
import { invalidArgument } from '../errors.js';
import { parseSchema } from '../schema/schema.js';
import { declaredFor, nameStep } from './declared-schemas.js';
import { moduleUrl } from './module-url.js';
import type { RecordMap } from './recipe.js';
import type { UserFunction } from './user-function.js';
import type { MapOptions, WorkerOptions } from './types.js';

const WORKER_BATCH = 16;

/**
 * What was given to `map`, checked.
 * @param functions user functions before it
 * @throws DataRefError INVALID_ARGUMENT
 */
export function checkMap(
  fn: unknown,
  given: (MapOptions & Partial<WorkerOptions>) | undefined,
  functions: number,
): RecordMap {
  const options = optionsOf('map', given);
  const { schema, id: _, onError = 'throw', workers, batchSize = WORKER_BATCH, ...unknown } = options;
  refuseUnknown('map', unknown, ['schema', 'id', 'onError', 'workers', 'batchSize']);
  if (onError !== 'throw' && onError !== 'skip' && typeof onError !== 'function')
    throw invalidArgument(`map: onError must be 'throw', 'skip' or a function, got ${JSON.stringify(onError)}`);
  const isModule = fn instanceof URL || Object.prototype.toString.call(fn) === '[object URL]';
  if (!isModule && typeof fn !== 'function')
    throw invalidArgument(
      `map needs a function, or the URL of a module with { workers }, got ${describeValue(fn)}${insteadOf(fn, workers !== undefined)}`,
    );
  if (!isModule && (workers !== undefined || options.batchSize !== undefined)) {
    throw invalidArgument(
      `map: workers run a module, since functions do not cross threads: map(${moduleUrl('./augment.js')}, { workers: 2 })`,
    );
  }
  return {
    fn: isModule ? (fn as URL).href : (fn as UserFunction['fn']),
    workers:
      isModule && workers !== 0
        ? {
            module: (fn as URL).href,
            workers: countOf('map: workers', workers, 0, 1024),
            batchSize: countOf('map: batchSize', batchSize, 1, 2 ** 20),
          }
        : undefined,
    schema: schema === undefined ? undefined : declaredFor(nameStep('map', functions), parseSchema(schema)),
    onError,
    skips: { count: 0 },
  };
}

/** How to give what was meant. */
function insteadOf(fn: unknown, hasWorkers: boolean): string {
  if (typeof fn === 'string' && /^[\w./@-]{1,100}$/u.test(fn)) return `: ${moduleUrl(fn)}`;
  return hasWorkers ? `: ${moduleUrl('./augment.js')}` : '; a function is called in one of yours: map((record) => …)';
}
