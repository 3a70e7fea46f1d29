import { DataRefError, isDataRefError, type ErrorCode } from '@dataref/core';
import type { SentError } from './messages.js';

/** An error as plain data: errors of all kinds do not cross threads. */
export function sentError(error: unknown): SentError {
  const isOurs = isDataRefError(error);
  return { ...described(error), code: isOurs ? error.code : undefined, details: isOurs ? plain(error.details) : {} };
}

/** Anything may be thrown, also what cannot be made a text. */
function described(error: unknown): Pick<SentError, 'name' | 'message' | 'stack'> {
  try {
    const thrown: Record<'name' | 'message' | 'stack', unknown> = Object(
      error instanceof Error ? error : new Error(String(error)),
    );
    const { name, message, stack } = thrown; // of any type
    return { name: String(name), message: String(message), stack: typeof stack === 'string' ? stack : undefined };
  } catch {
    return { name: 'Error', message: `${typeof error} that is no text was thrown`, stack: undefined };
  }
}

/** The error again, with the stack of the thread that it comes from. */
export function receivedError({ code, name, message, stack, details }: SentError): Error {
  const there = Object.assign(new Error(message), { name, stack: stack ?? message });
  return code === undefined ? there : new DataRefError(code as ErrorCode, message, { cause: there, details });
}

/** What JSON can hold of an error's details. */
function plain(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isPlain = (value: unknown): boolean =>
    value === null || !['object', 'function', 'symbol'].includes(typeof value);
  return Object.fromEntries(
    Object.entries(details).filter(([, value]) => isPlain(value) || (Array.isArray(value) && value.every(isPlain))),
  );
}
