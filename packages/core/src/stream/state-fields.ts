import { DataRefError, shown } from '../errors.js';

export function objectOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(path, `an object, got ${show(value)}`);
  return value as Record<string, unknown>;
}

/** A list without holes: those of one that has some are undefined. */
export function listOf(value: unknown, path: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(path, `a list of at most ${most}, got ${show(value)}`);
  if (value.length > most) throw invalid(path, `a list of at most ${most}, got one of ${value.length}`);
  return Array.from<unknown>(value);
}

export function count(value: unknown, path: string, most = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid(path, `an integer ≥ 0, got ${show(value)}`);
  if ((value as number) > most) throw invalid(path, `at most ${most}, got ${show(value)}`);
  return value as number;
}

export function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalid(path, `text, got ${show(value)}`);
  return value;
}

/** A value for a message, whatever it is: an object may hold itself, or one object many times over. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? `"${shown(value, 60)}"` : shown(String(value), 60);
}

/** A path may be as long as the state is deep. */
export function invalid(path: string, expected: string): DataRefError {
  return new DataRefError('STATE_INVALID', `this is no state of a stream: ${shown(path)} should be ${expected}`, {
    details: { path },
  });
}
