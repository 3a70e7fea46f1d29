import { expect } from '@jest/globals';
import type { ErrorCode } from '@dataref/core';

/** Matches a DataRefError of a code whose message names the culprit. */
export function failure(code: ErrorCode, message: RegExp): unknown {
  return expect.objectContaining({ name: 'DataRefError', code, message: expect.stringMatching(message) });
}
