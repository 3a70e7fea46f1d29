import { DataRefError, shown } from '../errors.js';
import type { Answer } from './fetch-answer.js';
import { isTransientStatus, retryAfterMs } from './http-answers.js';
import { codeOf } from './store-errors.js';

/** How to go on where a server does not let us in, or no further. */
const CURES: Readonly<Record<number, string>> = {
  401: '; it wants credentials',
  403: '; the credentials do not allow this, or it needs some',
  404: '; is there such a bucket or address?',
};

/** An answer that is not the one that was hoped for: its status, and the server's word for the reason. */
export function refused(key: string, what: string, answer: Answer, reason?: string): DataRefError {
  const { status } = answer;
  if (status >= 300 && status < 400) return redirected(key, what, answer);
  const word = reason !== undefined && /^[\w .,'-]{1,80}$/u.test(reason) ? reason : undefined;
  const waitMs = retryAfterMs(answer.header('retry-after'));
  return new DataRefError(
    'STORE_FAILED',
    `${key}: ${what} failed: the server answered ${status}${word === undefined ? '' : ` (${word})`}${CURES[status] ?? ''}`,
    {
      details: {
        key,
        status,
        isTransient: isTransientStatus(status),
        ...(word === undefined ? {} : { reason: word }),
        ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
      },
    },
  );
}

/** An answer that breaks HTTP, or does what we cannot trust. It will not pass by itself. */
export function untrusted(key: string, what: string, answer: Answer, problem: string): DataRefError {
  return new DataRefError('STORE_FAILED', `${key}: ${what} failed: ${problem}`, {
    details: { key, status: answer.status },
  });
}

/** Shows where a redirect leads, but for its query and what else may be secret. */
function redirected(key: string, what: string, answer: Answer): DataRefError {
  const location = answer.header('location');
  const target = location !== undefined && URL.canParse(location) ? new URL(location) : undefined;
  const place = target === undefined ? 'another place' : shown(`${target.origin}${target.pathname}`);
  return new DataRefError(
    'STORE_FAILED',
    `${key}: ${what} failed: the server answered ${answer.status}, a redirect to ${place}, which is not followed: it would get the headers that are meant for this server. Name that place yourself, if you trust it`,
    { details: { key, status: answer.status } },
  );
}

/** No answer at all. Names the code alone: what fetch throws may have the request in it. */
export function unreachable(key: string, what: string, error: unknown): DataRefError {
  const { cause } = Object(error) as { readonly cause?: unknown };
  const code = codeOf(cause) ?? codeOf(error);
  const isTrusted = !/CERT|SELF_SIGNED|VERIFY/u.test(code ?? '');
  const isBadPort = Object(cause).message === 'bad port'; // what fetch says of ports of other protocols
  const broke = isBadPort
    ? 'fetch refuses this port, which is of another protocol'
    : 'there is no connection, or it broke';
  const problem = isTrusted ? broke : "the server's certificate is not to be trusted";
  return new DataRefError(
    'STORE_FAILED',
    `${key}: ${what} failed: ${problem}${code === undefined ? '' : ` (${code})`}`,
    {
      details: { key, isTransient: isTrusted && !isBadPort, ...(code === undefined ? {} : { code }) },
    },
  );
}
