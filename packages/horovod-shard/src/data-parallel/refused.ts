import { DataRefError } from '@dataref/core';

export function refused(problem: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `dataParallel: ${problem}`);
}
