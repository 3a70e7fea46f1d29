import type { Body } from './body.js';
import { awaitAnswer } from './body.js';
import { unreachable } from './answer-errors.js';
import { IDLE_TIMEOUT_MS, uploadTimeoutMs, watched, type Watch } from './idle-watch.js';
import { silent } from './store-errors.js';

const WORD_LIMIT_BYTES = 2 ** 16;

export interface FetchRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
}

/** What a server answered, whatever its status. The body is to be read or canceled. */
export interface Answer {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: Body;
}

/**
 * One request, which follows no redirect: what it leads to would get the headers that are meant for this server.
 * @throws DataRefError STORE_FAILED where there is no connection, of which it says what `what` says
 */
export async function fetchAnswer(
  fetch: typeof globalThis.fetch,
  { method, url, headers = {}, body }: FetchRequest,
  { key, what, signal }: { readonly key: string; readonly what: string; readonly signal: AbortSignal },
): Promise<Answer> {
  let response: Response;
  try {
    // No cache: a browser's may hold ranges of another version.
    const init = { method, headers, redirect: 'manual', cache: 'no-store', signal, ...(body && { body }) } as const;
    response = await fetch(url, init);
  } catch (error) {
    throw unreachable(key, what, error);
  }
  return {
    // A browser shows nothing of a redirect but that it is one.
    status: response.type === 'opaqueredirect' ? 302 : response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: bodyOf(method === 'HEAD' ? null : response.body),
  };
}

function bodyOf(stream: Response['body']): Body {
  const reader = stream?.getReader();
  async function* chunks(): AsyncGenerator<Uint8Array> {
    if (reader === undefined) return;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  }
  return { chunks: chunks(), cancel: () => void reader?.cancel().catch(() => undefined) };
}

export interface AskOptions {
  readonly key: string;
  /** What is done, for messages. */
  readonly what: string;
  readonly idleTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of the request's body. */
  readonly uploadBytes?: number | undefined;
}

/** Runs one exchange whose answer is small, and gives what `take` makes of it. @throws DataRefError TIMEOUT; what `take` throws */
export async function ask<T>(
  { key, what, signal, idleTimeoutMs = IDLE_TIMEOUT_MS, uploadBytes = 0 }: AskOptions,
  request: (signal: AbortSignal) => Promise<Answer>,
  take: (answer: Answer, watch: Watch) => Promise<T>,
): Promise<T> {
  const limitMs = uploadTimeoutMs(idleTimeoutMs, uploadBytes);
  const silence = (why: string): Error => silent(key, what, why, limitMs);
  return watched({ signal, idleTimeoutMs: limitMs, silence }, async (watch) => {
    const answer = await awaitAnswer(request(watch.signal), watch);
    watch.heard();
    try {
      const taken = await take(answer, watch);
      // A word on a failure is read, so that the connection goes on.
      if (answer.status >= 400) await gather(key, answer.body, WORD_LIMIT_BYTES, watch).catch(() => undefined);
      return taken;
    } finally {
      answer.body.cancel(); // what was not read
    }
  });
}

/**
 * A whole body of unknown length; undefined where it has more than `limitBytes`, of which no more are read.
 * @throws DataRefError STORE_FAILED, transient, where it is cut off
 */
export async function gather(
  key: string,
  body: Body,
  limitBytes: number,
  watch: Watch,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const parts: Uint8Array[] = [];
  let byteLength = 0;
  const chunks = body.chunks[Symbol.asyncIterator]();
  const next = () =>
    watch.wait(chunks.next()).catch((error: unknown) => {
      throw watch.signal.aborted ? error : unreachable(key, 'reading it', error);
    });
  for (let chunk = await next(); chunk.done !== true; chunk = await next()) {
    watch.heard(chunk.value.length);
    byteLength += chunk.value.length;
    if (byteLength > limitBytes) return undefined;
    parts.push(chunk.value);
  }
  return joined(parts);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
