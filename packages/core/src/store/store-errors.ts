import { DataRefError, isDataRefError } from '../errors.js';

export function truncated(key: string, needed: number, got: number): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${key}: ends at byte ${got}, expected at least ${needed}; it was cut short or replaced`,
    {
      details: { key, needed, got },
    },
  );
}

export function tooLarge(key: string, byteLength: number, limitBytes: number): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${key}: has ${byteLength} bytes, more than the ${limitBytes} that are read at once`,
    {
      details: { key, byteLength, limitBytes },
    },
  );
}

/** Whether an object was refused for its size alone, which it did not get on its way. */
export function isTooLarge(error: unknown): boolean {
  return isDataRefError(error, 'CORRUPT') && 'limitBytes' in error.details;
}

export function otherSize(key: string, byteLength: number, expected: number): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${key}: has ${byteLength} bytes, expected ${expected}; it was cut short or replaced`,
    { details: { key, byteLength, expected } },
  );
}

export function generationGone(key: string): DataRefError {
  return new DataRefError(
    'GENERATION_GONE',
    `${key}: was deleted or written anew while it was read; what was replaced cannot be read any more, open it again`,
    { details: { key } },
  );
}

/** More than was asked for, or something else: nothing that was sent is used. */
export function wrongAnswer(key: string, expected: string, got: string): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${key}: expected ${expected}, the server sent ${got}; a proxy or a server between that does not know ranges?`,
    { details: { key, expected, got } },
  );
}

/** A connection that broke. Of its error only the code is told: messages may name hosts, and more. */
export function cutOff(key: string, filledBytes: number, expectedBytes: number, error?: unknown): DataRefError {
  const code = codeOf(error);
  const how = code === undefined ? '' : ` (${code})`;
  return new DataRefError(
    'STORE_FAILED',
    `${key}: the connection ended after ${filledBytes} of ${expectedBytes} bytes${how}`,
    { details: { key, isTransient: true, filledBytes, expectedBytes, ...(code === undefined ? {} : { cause: code }) } },
  );
}

/** Nothing was heard of a store for so long, or too little. */
export function silent(
  key: string,
  what: string,
  why: string,
  idleTimeoutMs: number,
  filledBytes?: number,
  where = key,
): DataRefError {
  return new DataRefError('TIMEOUT', `${where}: ${what} was given up, since ${why}`, {
    details: { key, isTransient: true, idleTimeoutMs, ...(filledBytes !== undefined && { filledBytes }) },
  });
}

/** Whether a failure may pass, as the store that met it says. */
export function isTransient(error: unknown): error is DataRefError {
  return isDataRefError(error) && error.details['isTransient'] === true;
}

/** The code of a system or network error, which has nothing in it but what went wrong. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/u.test(code) ? code : undefined;
}
