import { DataRefError, isDataRefError, type ErrorCode } from '@dataref/core';

/** An error on its way from a worker. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of a DataRefError. */
  readonly code: ErrorCode | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly cause: Failure | undefined;
}

/** Causes of causes that are kept. */
const MAX_CAUSES = 8;

/** What of an error can leave its worker: its texts, and code and details of ours. */
export function failureOf(error: unknown, depth = 0): Failure {
  const { name, message, stack, cause } = error instanceof Error ? error : new Error(textOf(error));
  const isOurs = isDataRefError(error);
  return {
    name: textOf(name),
    message: textOf(message),
    stack: stack === undefined ? undefined : textOf(stack),
    code: isOurs ? error.code : undefined,
    details: isOurs ? plain(error.details) : undefined,
    cause: cause === undefined || depth === MAX_CAUSES ? undefined : failureOf(cause, depth + 1),
  };
}

/** What is thrown may be anything, an object that makes no text too. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** The error again, with the stack that it had where it was thrown. */
export function errorOf({ name, message, stack, code, details, cause }: Failure): Error {
  const options = cause === undefined ? {} : { cause: errorOf(cause) };
  const error =
    code === undefined
      ? Object.assign(new Error(message, options), { name })
      : new DataRefError(code, message, { ...options, ...(details && { details }) });
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Details that any runtime can clone. */
function plain(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(details).filter(
      ([, value]) => value === null || ['string', 'number', 'boolean'].includes(typeof value),
    ),
  );
}
