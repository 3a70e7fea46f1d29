import { invalidArgument } from './errors.js';

/** An integer from `least` to `most`. @throws DataRefError INVALID_ARGUMENT */
export function countOf(what: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  const range = most === Number.MAX_SAFE_INTEGER ? `≥ ${least}` : `from ${least} to ${most}`;
  throw invalidArgument(`${what} must be an integer ${range}, got ${shownNumber(value)}`);
}

/** What was given for a number; of text, as from the environment, how it becomes one. */
export function shownNumber(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  const isNumber = value.trim() !== '' && Number.isFinite(Number(value));
  return `${JSON.stringify(value.slice(0, 40))} (a string${isNumber ? '; use Number(…)' : ''})`;
}

/** Options that were given, {} where none were. @throws DataRefError INVALID_ARGUMENT for what is no object */
export function optionsOf<T extends object>(what: string, options: T | undefined): T {
  if (options === undefined) return {} as T;
  if (typeof options === 'object' && options !== null) return options;
  throw invalidArgument(`${what}: options must be an object, got ${String(options)}`);
}

/** @throws DataRefError INVALID_ARGUMENT naming options that there are not, and those that there are */
export function refuseUnknown(what: string, unknown: object, known: readonly string[]): void {
  const names = Object.keys(unknown);
  if (names.length === 0) return;
  throw invalidArgument(
    `${what}: unknown option ${names.map((name) => JSON.stringify(name)).join(', ')}; there are ${known.join(', ')}`,
    { options: names },
  );
}
