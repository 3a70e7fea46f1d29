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
  if (!isPlain(given)) return refuse(`must be a plain object of JSON, got ${describeValue(given)}`);
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

/** Not what would be another thing as JSON: a Date a text, a Map nothing, and what `toJSON` says. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { toJSON } = value as { readonly toJSON?: unknown };
  return Object.prototype.toString.call(value) === '[object Object]' && typeof toJSON !== 'function';
}
