import { DataRefError, isDataRefError } from '@dataref/core';
import { shown } from '@dataref/core/adapter';

/** A request that had no answer. */
export function unreachable(url: string, error: unknown): DataRefError {
  if (isDataRefError(error)) return error;
  const { name, cause } = error as Error & { readonly cause?: { readonly code?: unknown } | undefined };
  const { host } = new URL(url);
  if (name === 'TimeoutError')
    return new DataRefError('TIMEOUT', `${host}: did not answer in 30 s; look at the network, or try again`, {
      details: { host, isTransient: true },
    });
  const { code } = Object(cause) as { readonly code?: unknown };
  return new DataRefError(
    'STORE_FAILED',
    `${host}: could not be reached (${typeof code === 'string' ? code : 'the connection failed'}); look at hubUrl and the network`,
    { details: { host, code, isTransient: true } },
  );
}

/**
 * What a hub refused: of a dataset that nobody knows and of one that is private it says the same to those without a token.
 * @param what `dataset "glue"`
 */
export function refused(
  { url, hasToken }: { readonly url: string; readonly hasToken: boolean },
  what: string,
  error: unknown,
): unknown {
  const { statusCode: status, message } = Object(error) as {
    readonly statusCode?: unknown;
    readonly message?: unknown;
  };
  if (typeof status !== 'number') return isDataRefError(error) ? error : unreadable(url, what, error);
  return statusError(url, what, { status, hasToken, message: typeof message === 'string' ? message : '' });
}

export function statusError(
  url: string,
  what: string,
  answer: { readonly status: number; readonly hasToken: boolean; readonly message: string },
): DataRefError {
  const { status, hasToken, message } = answer;
  const details = { status, hub: url };
  if (status === 404 || (status === 401 && !hasToken))
    return new DataRefError(
      'NOT_FOUND',
      `${url} has no ${what}${hasToken ? '' : ' that can be seen without a token'}; look at its name and revision${hasToken ? '' : ', or, if it is private or gated, give token'}`,
      { details },
    );
  if (status === 401 || status === 403)
    return new DataRefError(
      'STORE_FAILED',
      `${url} refuses ${what} (${status}); ${hasToken ? 'the token is not valid there, or has no access: accept its conditions on the hub, or give another token' : 'give token'}`,
      { details },
    );
  return new DataRefError('STORE_FAILED', `${url} answered ${status} for ${what}: ${shown(message)}`, { details });
}

function unreadable(url: string, what: string, cause: unknown): DataRefError {
  return new DataRefError(
    'STORE_FAILED',
    `${url} gave an answer for ${what} that is none of a hub's: ${shown(String((cause as Error | undefined)?.message))}; look at hubUrl`,
    { cause, details: { hub: url } },
  );
}
