import { invalidArgument } from './errors.js';

/** An integer from `least` to `most`. @throws DataRefError INVALID_ARGUMENT */
export function countOf(what: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  const range = most === Number.MAX_SAFE_INTEGER ? `≥ ${least}` : `from ${least} to ${most}`;
  throw invalidArgument(`${what} must be an integer ${range}, got ${shownNumber(value)}`);
}

/** What was given for a number; of text, as from the environment, how it becomes one. */
export function shownNumber(value: unknown): string {
  if (typeof value !== 'string') return describeValue(value);
  const isNumber = value.trim() !== '' && Number.isFinite(Number(value));
  return `${JSON.stringify(value.slice(0, 40))} (a string${isNumber ? '; use Number(…)' : ''})`;
}

/** One of a few values; undefined, where it may be left out, is not named. @throws DataRefError INVALID_ARGUMENT */
export function oneOf<T>(what: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  const names = allowed.filter((item) => item !== undefined).map((item) => describeValue(item));
  throw invalidArgument(`${what} must be one of ${names.join(', ')}, got ${describeValue(value)}`);
}

/** Options that were given, {} where none were. @throws DataRefError INVALID_ARGUMENT for what is no object */
export function optionsOf<T extends object>(what: string, options: T | undefined): T {
  if (options === undefined) return {} as T;
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options;
  throw invalidArgument(`${what}: options must be an object, got ${describeValue(options)}`);
}

/**
 * Options that may have a signal and a listener for progress, {} where none were given.
 * @throws DataRefError INVALID_ARGUMENT naming what is none
 */
export function ioOptionsOf<T extends { readonly signal?: unknown; readonly onProgress?: unknown }>(
  what: string,
  options: T | undefined,
): T {
  const given = optionsOf(what, options);
  const { signal, onProgress } = given;
  if (signal !== undefined && !isSignal(signal))
    throw invalidArgument(`${what}: signal must be an AbortSignal, got ${describeValue(signal)}`);
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw invalidArgument(`${what}: onProgress must be a function, got ${describeValue(onProgress)}`);
  return given;
}

/** By its methods: signals of other realms are signals too. */
function isSignal(value: unknown): boolean {
  const { aborted, throwIfAborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof throwIfAborted === 'function' && typeof addEventListener === 'function';
}

/**
 * @param cures what to do in place of an option that others of the kind have
 * @throws DataRefError INVALID_ARGUMENT naming options that there are not, and those that there are
 */
export function refuseUnknown(
  what: string,
  unknown: object,
  known: readonly string[],
  cures: Readonly<Record<string, string>> = {},
): void {
  const names = Object.keys(unknown);
  if (names.length === 0) return;
  const cure = names.filter((name) => Object.hasOwn(cures, name)).map((name) => `. ${name}: ${cures[name]}`);
  throw invalidArgument(
    `${what}: unknown option ${names.map((name) => JSON.stringify(name)).join(', ')}; there are ${known.join(', ')}${cure.join('')}`,
    { options: names },
  );
}

/** What was given, short, for a message: never the `toString` of an object, which may be anything. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (ArrayBuffer.isView(value))
    return `a ${Object.prototype.toString.call(value).slice(8, -1)} of ${value.byteLength} bytes`;
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (value instanceof Promise) return 'a Promise';
  if (typeof value === 'object') return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `a ${typeof value}`;
}
