import { constants, promises as fs } from 'node:fs';
import { DataRefError } from '@dataref/core';
import { bodyOf } from './answer-body.js';
import { isPassing, type Hub } from './hub.js';
import { statusError } from './hub-errors.js';
import type { RepositoryFile } from './repository-file.js';

interface ReceiveOptions {
  readonly start: number;
  readonly onBytes: (position: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * One request for a file's bytes from `start`, which are written to their places.
 * @throws DataRefError with `isTransient` where another try may go on from there
 */
export async function receive(
  hub: Hub,
  file: RepositoryFile,
  part: string,
  { start, onBytes, signal }: ReceiveOptions,
): Promise<void> {
  const url = resolveUrl(hub, file);
  const response = await hub.request(
    url,
    { 'Accept-Encoding': 'identity', ...(start > 0 && { Range: `bytes=${start}-` }) },
    signal,
  );
  const from = startOf(response, start);
  if (from === undefined) {
    await response.body?.cancel();
    throw answerError(hub, file, response.status);
  }
  const target = await fs.open(part, constants.O_WRONLY | constants.O_CREAT).catch((error: unknown) => {
    throw writeError(part, error);
  });
  let position = from;
  try {
    for await (const bytes of bodyOf(response, url, signal)) {
      if (position + bytes.length > file.byteLength) throw tooMuch(hub, file);
      await write(target, bytes, position, part);
      position += bytes.length;
      onBytes(position);
    }
    try {
      if (position === file.byteLength) await target.truncate(position);
      await target.sync();
    } catch (error) {
      throw writeError(part, error);
    }
  } finally {
    await target.close();
  }
  if (position < file.byteLength)
    throw new DataRefError(
      'STORE_FAILED',
      `${file.path} of ${file.name}: the connection ended after ${position} of ${file.byteLength} bytes`,
      {
        details: { isTransient: true, position, byteLength: file.byteLength },
      },
    );
}

/** Where the bytes of an answer begin: a server that knows no ranges begins anew. Undefined for a refusal. */
function startOf(response: Response, start: number): number | undefined {
  if (response.status === 200) return 0;
  const range = /^bytes (\d+)-/u.exec(response.headers.get('content-range') ?? '')?.[1];
  return response.status === 206 && start > 0 && range === String(start) ? start : undefined;
}

function answerError(hub: Hub, file: RepositoryFile, status: number): DataRefError {
  const what = `${file.path} of ${file.type} ${JSON.stringify(file.name)}`;
  const error = statusError(hub.url, what, { status, hasToken: hub.hasToken, message: '' });
  if (!isPassing(status) && status !== 206) return error;
  return new DataRefError('STORE_FAILED', `${hub.url} answered ${status} for ${what}`, {
    details: { status, isTransient: true },
  });
}

function resolveUrl(hub: Hub, { type, name, revision, path }: RepositoryFile): string {
  const steps = path.split('/').map(encodeURIComponent).join('/');
  return `${hub.url}/${type === 'dataset' ? 'datasets/' : ''}${name}/resolve/${encodeURIComponent(revision)}/${steps}`;
}

async function write(target: fs.FileHandle, bytes: Uint8Array, position: number, part: string): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;)
      done += (await target.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  } catch (error) {
    throw writeError(part, error);
  }
}

/** What went wrong on the local disk, as an error of ours. */
export function writeError(part: string, cause: unknown): DataRefError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  return new DataRefError(
    isFull ? 'DISK_FULL' : 'STORE_FAILED',
    `${part}: cannot be written: ${message}${isFull ? '; make room, and the download goes on from where it is' : ''}`,
    { cause, details: { errno: code } },
  );
}

function tooMuch(hub: Hub, file: RepositoryFile): DataRefError {
  return new DataRefError(
    'CORRUPT',
    `${file.path} of ${file.name}: ${hub.url} sent more than the ${file.byteLength} bytes that it lists`,
    {
      details: { path: file.path, byteLength: file.byteLength },
    },
  );
}
