import { createReadStream } from 'node:fs';
import { DataRefError } from '@dataref/core';

/** Bytes of a line at most: some millions of records in one step of one rank. */
const MOST_BYTES = 2 ** 26;

/**
 * The lines of a file. What comes after the last line feed is left out: a process that was killed wrote it.
 * @throws DataRefError CORRUPT for a line that is too long; STORE_FAILED, NOT_FOUND
 */
export async function* linesOf(path: string): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        yield Buffer.concat([...pending, chunk.subarray(start, end)]).toString('utf8');
        pending = [];
        pendingBytes = 0;
        start = end + 1;
      }
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      if (pendingBytes > MOST_BYTES)
        throw new DataRefError('CORRUPT', `coverage log ${path}: a line is longer than ${MOST_BYTES} bytes`);
    }
  } catch (error) {
    throw readError(path, error);
  }
}

/** @returns a DataRefError as it is */
export function readError(path: string, cause: unknown): unknown {
  const { code } = Object(cause) as { readonly code?: unknown };
  if (cause instanceof DataRefError) return cause;
  return new DataRefError(
    code === 'ENOENT' ? 'NOT_FOUND' : 'STORE_FAILED',
    `coverage log ${path} could not be read: ${(cause as Error).message}`,
    { cause, details: { path, code } },
  );
}
