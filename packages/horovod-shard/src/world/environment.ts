import { DataRefError } from '@dataref/core';

/** Variables by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A number from 0 and how many there are, as two variables tell. */
export interface Place {
  readonly index: number;
  readonly count: number;
}

const SHOWN_LENGTH = 60;

export function wrong(message: string, details: Readonly<Record<string, unknown>> = {}): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', `detectWorld: ${message}`, { details });
}

/** A value as an error shows it: a text quoted, and cut where it is long; of an object, that it is one. */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}…` : value);
}

/** `NAME="value"` of each variable. */
export function setting(env: Environment, ...names: readonly string[]): string {
  return names.map((name) => `${name}=${shown(env[name])}`).join(', ');
}

/** The variables by name, for the details of an error. */
export function valuesOf(env: Environment, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

/** @throws DataRefError INVALID_ARGUMENT where the variable is no whole number from 0 */
export function wholeNumber(env: Environment, name: string): number {
  const text: unknown = env[name];
  const number = typeof text === 'string' && /^\d+$/u.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(number))
    throw wrong(`${setting(env, name)}: expected a whole number from 0`, valuesOf(env, name));
  return number;
}

/**
 * @returns undefined where neither variable is set
 * @throws DataRefError INVALID_ARGUMENT where one is missing, is no number, or the index is not below the count
 */
export function readPlace(env: Environment, index: string, count: string): Place | undefined {
  const missing = [index, count].filter((name) => env[name] === undefined);
  if (missing.length === 2) return undefined;
  const [absent] = missing;
  if (absent !== undefined) {
    const given = absent === index ? count : index;
    throw wrong(`${setting(env, given)}, but ${absent} is not set: set both or neither`, valuesOf(env, index, count));
  }
  const place = { index: wholeNumber(env, index), count: wholeNumber(env, count) };
  if (place.index >= place.count)
    throw wrong(`${setting(env, index, count)}: expected ${index} below ${count}`, valuesOf(env, index, count));
  return place;
}
