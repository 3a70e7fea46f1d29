import { invalidArgument } from '../errors.js';
import type { PutOptions } from './object-store.js';

/** The options of a put. @throws DataRefError INVALID_ARGUMENT where both conditions are asked for, which never hold together */
export function checkPut(options: PutOptions): PutOptions {
  if (options.ifAbsent === true && options.ifVersion !== undefined)
    throw invalidArgument('put: ifAbsent and ifVersion exclude each other');
  return options;
}
