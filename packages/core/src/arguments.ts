import { invalidArgument } from './errors.js';

/** An integer of at least `least`. @throws DataRefError INVALID_ARGUMENT */
export function countOf(what: string, value: unknown, least: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw invalidArgument(`${what} must be an integer ≥ ${least}, got ${String(value)}`);
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
