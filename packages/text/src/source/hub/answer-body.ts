import { DataRefError } from '@dataref/core';
import { unreachable } from './hub-errors.js';

/** Nothing heard for so long is a failure. */
export const IDLE_MS = 30_000;
/** What an answer that is no file may have, in bytes: a page of a listing has some hundred thousand. */
const ANSWER_LIMIT_BYTES = 64 * 2 ** 20;

/** The same answer, all of which is here. @throws DataRefError CORRUPT for one of more than 64 MiB; STORE_FAILED, TIMEOUT */
export async function wholeAnswer(response: Response, url: string, signal: AbortSignal | undefined): Promise<Response> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of bodyOf(response, url, signal)) {
    parts.push(part);
    length += part.length;
    if (length > ANSWER_LIMIT_BYTES)
      throw new DataRefError(
        'CORRUPT',
        `${new URL(url).host}: sent an answer of more than ${ANSWER_LIMIT_BYTES} bytes`,
      );
  }
  const { status, headers } = response;
  return new Response(parts.length === 0 ? null : Buffer.concat(parts), { status, headers });
}

/** An answer's bytes. @throws DataRefError STORE_FAILED where the connection breaks, TIMEOUT where it is silent */
export async function* bodyOf(
  response: Response,
  url: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await orSilent(reader.read(), url);
      if (done) return;
      yield value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(url, error);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function orSilent<T>(read: Promise<T>, url: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unreachable(url, new DOMException('', 'TimeoutError'))), IDLE_MS);
  });
  try {
    return await Promise.race([read, silence]);
  } finally {
    clearTimeout(timer);
  }
}
