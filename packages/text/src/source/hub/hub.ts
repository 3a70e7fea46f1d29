import type { Progress } from '@dataref/core';
import { DataRefError, isDataRefError } from '@dataref/core';
import { describeValue, pause } from '@dataref/core/adapter';
import { IDLE_MS, wholeAnswer } from './answer-body.js';
import { refused, unreachable } from './hub-errors.js';

/** A hub of Hugging Face's kind, and where its files are kept. */
export interface HubOptions {
  /** Default: https://huggingface.co */
  readonly hubUrl?: string | undefined;
  /** Sent to the hub itself, and to nobody whom it names. */
  readonly token?: string | undefined;
  /** Folder for downloaded files, by their hashes. */
  readonly directory: string;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Hub {
  readonly url: string;
  readonly hasToken: boolean;
  readonly directory: string;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  /** One request, up to the head of its answer. @throws DataRefError STORE_FAILED where the hub is not reached, TIMEOUT where it is silent */
  request(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined): Promise<Response>;
  /** `fetch` for `@huggingface/hub`: what may pass is tried again. */
  fetchFor(signal: AbortSignal | undefined): typeof fetch;
}

const DEFAULT_URL = 'https://huggingface.co';
const ATTEMPTS = 4;

/** @throws DataRefError INVALID_ARGUMENT for a hubUrl that is none */
export function openHub(options: HubOptions): Hub {
  const { hubUrl = DEFAULT_URL, token, directory, onProgress } = options;
  const base = checkedUrl(hubUrl);
  if (token !== undefined && (typeof token !== 'string' || !/^[\x21-\x7e]+$/u.test(token)))
    throw new DataRefError('INVALID_ARGUMENT', 'token: must be a text of printable characters, without space');
  const request: Hub['request'] = async (url, headers, signal) => {
    const isHub = new URL(url).origin === base.origin;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new DOMException('', 'TimeoutError')), IDLE_MS);
    try {
      return await fetch(url, {
        headers: { ...headers, ...(token !== undefined && isHub && { Authorization: `Bearer ${token}` }) },
        signal: signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(url, error);
    } finally {
      clearTimeout(timer); // a body may take as long as it comes
    }
  };
  return {
    url: base.href.replace(/\/+$/u, ''),
    hasToken: token !== undefined,
    directory,
    onProgress,
    request,
    fetchFor: (signal) => (input, init) =>
      patiently(async () => {
        const url = urlOf(input);
        return wholeAnswer(await request(url, Object.fromEntries(new Headers(init?.headers)), signal), url, signal);
      }, signal),
  };
}

function checkedUrl(hubUrl: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(hubUrl);
  } catch {
    // told below
  }
  if (
    url === undefined ||
    !/^https?:$/u.test(url.protocol) ||
    url.username + url.password + url.search + url.hash !== ''
  )
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `hubUrl: must be the http or https URL of a hub, without user or query, got ${url === undefined ? describeValue(hubUrl) : url.origin}; give a token as token`,
    );
  return url;
}

function urlOf(input: Parameters<typeof fetch>[0]): string {
  return typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
}

/** The answer, or the last failure, of a request that is made again while the failure may pass. */
async function patiently(request: () => Promise<Response>, signal: AbortSignal | undefined): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await request();
      if (!isPassing(response.status) || attempt === ATTEMPTS) return response;
    } catch (error) {
      signal?.throwIfAborted();
      if (attempt === ATTEMPTS || isDataRefError(error, 'CORRUPT')) throw error;
    }
    await pauseBefore(attempt, signal);
  }
}

/** Waits before another attempt: a quarter of a second, and twice as long each time. */
export function pauseBefore(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  return pause(250 * 2 ** (attempt - 1), signal);
}

/** Statuses of a server that may answer otherwise in a moment. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** What `call` gives of `@huggingface/hub`. @throws DataRefError NOT_FOUND, STORE_FAILED as `refused` tells */
export async function asked<T>(
  hub: Hub,
  what: string,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    signal?.throwIfAborted();
    throw refused(hub, what, error);
  }
}
