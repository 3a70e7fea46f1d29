import { countOf } from '../arguments.js';
import type { StorageParts } from './storage-parts.js';

/** A dataset's small values and offsets are kept up to this size, whatever the budget. */
const HEAD_LIMIT_BYTES = 16 * 2 ** 20;

/** What a storage may hold in memory, as its user says, or by default. @throws DataRefError INVALID_ARGUMENT */
export function memoryBudget(
  what: string,
  memoryLimitBytes: number | undefined,
  defaultBytes: number,
): Pick<StorageParts, 'budget' | 'headLimitBytes'> {
  const limitBytes =
    memoryLimitBytes === undefined ? defaultBytes : countOf(`${what}: memoryLimitBytes`, memoryLimitBytes, 0);
  return {
    budget: { limitBytes, isExplicit: memoryLimitBytes !== undefined, usedBytes: 0 },
    headLimitBytes: Math.max(limitBytes / 4, HEAD_LIMIT_BYTES),
  };
}
