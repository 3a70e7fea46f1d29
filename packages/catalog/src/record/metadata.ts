import { DataRefError } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import type { Metadata } from './types.js';

const MOST_BYTES = 2 ** 16;

/** The user's JSON, copied. @throws DataRefError INVALID_ARGUMENT for what is none, or more than 64 KiB of it */
export function checkMetadata(what: string, given: unknown): Metadata {
  if (given === undefined) return {};
  const refuse = (problem: string): never => {
    throw new DataRefError('INVALID_ARGUMENT', `${what}: metadata ${problem}`);
  };
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return refuse(`must be an object of JSON, got ${describeValue(given)}`);
  let text: string;
  try {
    text = JSON.stringify(given);
  } catch {
    return refuse('must be JSON: no bigints, and nothing within itself');
  }
  const { length } = new TextEncoder().encode(text);
  if (length > MOST_BYTES) return refuse(`has ${length} bytes as JSON, at most ${MOST_BYTES}; save a blob`);
  return JSON.parse(text) as Metadata;
}
