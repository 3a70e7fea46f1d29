import { DataRefError } from '../errors.js';
import { isTransientStatus, retryAfterMs } from './http-answers.js';
import { codeOf } from './store-errors.js';

/** S3's words for what may pass, under whatever status they come. */
const TRANSIENT_NAMES = new Set([
  'BandwidthLimitExceeded',
  'ConditionalRequestConflict',
  'InternalError',
  'OperationAborted',
  'RequestLimitExceeded',
  'RequestTimeout',
  'RequestTimeoutException',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'TooManyRequests',
]);
/** Connections that broke or were not had, and answers that were cut off in their headers. */
const TRANSIENT_CODES =
  /^(?:E(?:CONN\w+|PIPE|TIMEDOUT|AI_AGAIN|HOSTUNREACH|NETUNREACH|NETDOWN)|HPE_\w+|ERR_STREAM_PREMATURE_CLOSE)$/u;

const CURES: readonly (readonly [RegExp, string])[] = [
  [/^NoSuchBucket$/u, 'there is no such bucket: check its name, and the region or endpoint in clientConfig'],
  [
    /^(?:PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|301|307)$/u,
    'the bucket is in another region or place, and redirects are not followed: set region or endpoint in clientConfig',
  ],
  [
    /^(?:ExpiredToken|ExpiredTokenException|TokenRefreshRequired|InvalidToken)$/u,
    "the credentials have expired: renew them, or let the SDK's own chain do so",
  ],
  [
    /^(?:CredentialsProviderError|TokenProviderError)$/u,
    "no credentials were found: give clientConfig.credentials, or what the SDK's own chain looks for (environment, ~/.aws, role)",
  ],
  [/^RequestTimeTooSkewed$/u, "this machine's clock is wrong: set it"],
  [
    /^(?:AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|401|403)$/u,
    'access was denied: check the credentials, that they may use this bucket and prefix, and the clock of this machine',
  ],
  [/^ENOTFOUND$/u, 'the host is not known: check region and endpoint in clientConfig, and the network'],
];

/** What is known of an SDK's error that may be told: it may hold signed headers and credentials besides. */
export interface S3Failure {
  /** S3's word for it, or the SDK's. */
  readonly name: string | undefined;
  readonly status: number | undefined;
  /** Of a network error. */
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
}

export function s3FailureOf(error: unknown): S3Failure {
  const { name, $metadata, $response } = Object(error) as {
    readonly name?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: unknown; readonly requestId?: unknown };
    readonly $response?: { readonly statusCode?: unknown; readonly headers?: Readonly<Record<string, unknown>> };
  };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  return {
    name: wordOf(name, /^[\w.]{1,60}$/u),
    status: Number.isInteger(status) ? (status as number) : undefined,
    code: codeOf(error) ?? wrappedCode(error),
    requestId: wordOf($metadata?.requestId, /^[\w.+/=-]{1,120}$/u),
    retryAfterMs: retryAfterMs($response?.headers?.['retry-after']),
  };
}

/**
 * The code of a network error that the SDK took for no error at all, and wrapped: it does so with those of another realm,
 * as everything is in a vm context (jest's, for one).
 */
function wrappedCode(error: unknown): string | undefined {
  const { message } = Object(error) as { readonly message?: unknown };
  const [, wrapped] = /^AWS SDK error wrapper for \w*Error: (.*)/u.exec(String(message)) ?? [];
  if (wrapped === 'aborted' || wrapped === 'socket hang up') return 'ECONNRESET';
  return /\bE[A-Z_]{3,30}\b/u.exec(wrapped ?? '')?.[0];
}

/** Whether an error says that there is no such object, in a bucket that there is. */
export function isMissing(error: unknown): boolean {
  const { name, status } = s3FailureOf(error);
  return status === 404 && name !== 'NoSuchBucket' && name !== 'NoSuchUpload';
}

export function hasStatus(error: unknown, ...statuses: readonly unknown[]): boolean {
  return statuses.includes(s3FailureOf(error).status);
}

/** The failure of a request, of which the SDK's error tells. */
export function s3Error(error: unknown, description: string, key: string, what: string): DataRefError {
  const failure = s3FailureOf(error);
  const { name, status, code, requestId, retryAfterMs: retryAfter } = failure;
  const facts = [
    name === 'Error' || name === code ? undefined : name,
    code,
    status === undefined ? undefined : `status ${status}`,
    requestId === undefined ? undefined : `request ${requestId}`,
  ].filter((fact) => fact !== undefined);
  const cure = cureOf(error, failure);
  return new DataRefError(
    'STORE_FAILED',
    `${description}: ${what}${key === '' ? '' : ` ${key}`} failed (${facts.join(', ') || 'the SDK says no more'})${cure === undefined ? '' : `; ${cure}`}`,
    {
      details: {
        key,
        ...(name !== undefined && { name }),
        ...(code !== undefined && { code }),
        ...(status !== undefined && { status }),
        ...(requestId !== undefined && { requestId }),
        ...(mayPass(failure) && { isTransient: true }),
        ...(retryAfter !== undefined && { retryAfterMs: retryAfter }),
      },
    },
  );
}

function mayPass({ name, status, code }: S3Failure): boolean {
  if (name !== undefined && TRANSIENT_NAMES.has(name)) return true;
  if (code !== undefined) return TRANSIENT_CODES.test(code);
  if (status === undefined) return false;
  return isTransientStatus(status) || status < 300; // its answer could not be read to the end
}

function cureOf(error: unknown, { name, status, code }: S3Failure): string | undefined {
  if ((error as { readonly message?: unknown } | undefined)?.message === 'Region is missing')
    return 'no region is set: give clientConfig.region, or AWS_REGION in the environment';
  for (const word of [name, code, String(status)])
    for (const [pattern, cure] of CURES) if (word !== undefined && pattern.test(word)) return cure;
  return undefined;
}

function wordOf(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === 'string' && pattern.test(value) ? value : undefined;
}
