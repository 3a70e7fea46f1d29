import type { Storage, StorageOptions } from '@google-cloud/storage';
import { DataRefError } from '../errors.js';
import { lazyPackage } from '../lazy-module.js';
import { orAbort } from '../or-abort.js';
import { codeOf } from './store-errors.js';

const NETWORK_CODES = /^(?:E(?:CONN\w+|PIPE|TIMEDOUT|AI_AGAIN|HOSTUNREACH|NETUNREACH)|UND_ERR_\w+)$/u;

const loadSdk = lazyPackage(
  '@google-cloud/storage',
  () => import('@google-cloud/storage'),
  'GCSStore needs the client of Google Cloud Storage: npm install @google-cloud/storage',
);

/** How requests reach a bucket: the endpoint, and what a request needs to be let in. */
export interface GcsClient {
  /** `https://storage.googleapis.com`, or the user's own endpoint. */
  readonly endpoint: string;
  /** Headers with the credentials, as the SDK's own chain finds them; none where it finds none, for buckets open to all. */
  authorization(key: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
}

/**
 * What is needed of the SDK: its options, and its chain of credentials, which it renews. The requests are ours: those
 * of the SDK accept answers that are not what was asked for, cannot be aborted, and end each other's connections.
 * @throws DataRefError MISSING_PACKAGE
 */
export async function connect(given: Storage | undefined, options: StorageOptions | undefined): Promise<GcsClient> {
  const { apiEndpoint, authClient, customEndpoint, useAuthWithCustomEndpoint } = given ?? (await newStorage(options));
  let isAnonymous = customEndpoint && useAuthWithCustomEndpoint !== true;
  return {
    endpoint: apiEndpoint.replace(/\/+$/u, ''),
    async authorization(key, signal) {
      if (isAnonymous) return {};
      try {
        const headers = (await orAbort(authClient.getRequestHeaders(apiEndpoint), signal)) as Record<string, string>;
        return Object.fromEntries(new Headers(headers)); // a plain object, or Headers, by the SDK's version
      } catch (error) {
        signal.throwIfAborted();
        if (!/could not load the default credentials/iu.test(String(Object(error).message)))
          throw notAuthorized(key, error);
        isAnonymous = true;
        return {};
      }
    },
  };
}

async function newStorage(options: StorageOptions | undefined): Promise<Storage> {
  const sdk = await loadSdk();
  return new sdk.Storage(options);
}

/** Of the SDK's error only its code and status: its message and cause may hold tokens. */
function notAuthorized(key: string, error: unknown): DataRefError {
  const { status, response } = Object(error) as { status?: unknown; response?: { status?: unknown } };
  const code = codeOf(error);
  const answered = [status, response?.status].find((each) => typeof each === 'number');
  const isTransient = answered === undefined ? NETWORK_CODES.test(code ?? '') : answered === 429 || answered >= 500;
  const shown = [code, answered].filter((each) => each !== undefined).join(', ');
  return new DataRefError(
    'STORE_FAILED',
    `${key}: Google's credentials could not be had${shown === '' ? '' : ` (${shown})`}; look at what the SDK is given, or at GOOGLE_APPLICATION_CREDENTIALS`,
    {
      details: {
        key,
        isTransient,
        ...(code === undefined ? {} : { code }),
        ...(answered === undefined ? {} : { status: answered }),
      },
    },
  );
}
