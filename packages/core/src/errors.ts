/** Every code a caller may test for. A code never changes its meaning; messages may. Listed in `docs/errors.md`. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'INVALID_ID'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'SCHEMA_MISMATCH'
  | 'RAGGED'
  | 'MIXED_DTYPES'
  | 'OUT_OF_RANGE'
  | 'LOSSY_CAST'
  | 'STATE_MISMATCH'
  | 'STATE_INVALID'
  | 'STATE_PIPELINE'
  | 'STATE_WORLD'
  | 'SHARD_REQUIRED'
  | 'SUPERSEDED'
  | 'STREAM_CLOSED'
  | 'EMPTY'
  | 'NULL_VALUE'
  | 'NO_FINGERPRINT'
  | 'GENERATION_GONE'
  | 'TF_WRAPPED'
  | 'USE_AFTER_RELEASE'
  | 'NOT_FINITE'
  | 'CORRUPT'
  | 'MEMORY_LIMIT'
  | 'DISK_FULL'
  | 'TIMEOUT'
  | 'STORE_FAILED'
  | 'MAP_FAILED'
  | 'WORKER_DIED'
  | 'COLLECTIVE_FAILED'
  | 'NOT_COVERED'
  | 'MISSING_PACKAGE'
  | 'UNSUPPORTED';

export interface DataRefErrorOptions {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Every failure of this library, bad arguments included. `message` may change, `code` may not.
 * An abort is the one exception: it rejects with the signal's own `reason`.
 */
export class DataRefError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'DataRefError';
  readonly code: C;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: C, message: string, options: DataRefErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? {};
  }
}

/**
 * True for a DataRefError, of one of `codes` where any are given.
 * Looks at the name and the code, not at the class, so it is right across copies of the package, workers and realms.
 */
export function isDataRefError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly C[]
): error is DataRefError<C> {
  if (typeof error !== 'object' || error === null) return false;
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return name === 'DataRefError' && typeof code === 'string' && (codes.length === 0 || codes.includes(code as C));
}

export function invalidArgument(message: string, details?: Readonly<Record<string, unknown>>): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', message, details === undefined ? {} : { details });
}

/**
 * Text from outside, for a message: what would break or forge a line, or steer a terminal, is written as a code.
 * @param most characters before it is cut
 */
export function shown(text: string, most = 200): string {
  const kept = text.length > most ? `${text.slice(0, most)}…` : text;
  return kept.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (code) => `\\u{${code.codePointAt(0)?.toString(16)}}`);
}
