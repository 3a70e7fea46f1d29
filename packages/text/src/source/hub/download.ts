import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { DataRefError, isDataRefError } from '@dataref/core';
import { reporter } from '@dataref/core/adapter';
import { syncFolder } from '../../sync-folder.js';
import { readBytes } from '../files/file-bytes.js';
import { pauseBefore, type Hub } from './hub.js';
import { receive, writeError } from './receive.js';
import type { RepositoryFile } from './repository-file.js';

/** Failures in a row, without a byte between them, after which a download is given up. */
const ATTEMPTS = 5;

/**
 * A file of a repository on the local disk. What is there is verified; what is not is fetched, from where an earlier
 * download stopped, into `<hash>.part`, verified, and renamed. Several processes may fetch one file: they write the same
 * bytes to the same places.
 * @returns its path
 * @throws DataRefError NOT_FOUND, STORE_FAILED, TIMEOUT; CORRUPT where other bytes came twice; DISK_FULL
 */
export async function download(hub: Hub, file: RepositoryFile, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await downloaded(hub, file, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw isDataRefError(error) ? error : writeError(join(hub.directory, file.hash), error);
  }
}

async function downloaded(hub: Hub, file: RepositoryFile, signal: AbortSignal | undefined): Promise<string> {
  const path = join(hub.directory, file.hash);
  if (await isWhole(path, file, signal)) return path;
  const part = `${path}.part`;
  await fs.mkdir(hub.directory, { recursive: true });
  for (const isLast of [false, true]) {
    await receiveWhole(hub, file, part, signal);
    if (await isWhole(part, file, signal)) break;
    if (await isWhole(path, file, signal)) return path; // another process has given it its name meanwhile
    await fs.rm(part, { force: true });
    if (!isLast) continue; // the part may have been left by something else
    throw new DataRefError(
      'CORRUPT',
      `${file.path} of ${file.name}: the bytes that ${hub.url} sent are not those that it lists (${file.hash}); a proxy between? Try again`,
      { details: { path: file.path, hash: file.hash } },
    );
  }
  await publish(part, path, hub.directory);
  return path;
}

/** Whether a file is there, and its bytes are those of the listing. */
async function isWhole(path: string, file: RepositoryFile, signal: AbortSignal | undefined): Promise<boolean> {
  if ((await sizeOf(path)) !== file.byteLength) return false;
  const isBlob = file.hash.length === 40;
  const hash = createHash(isBlob ? 'sha1' : 'sha256');
  if (isBlob) hash.update(`blob ${file.byteLength}\0`);
  try {
    for await (const bytes of readBytes(path, undefined, signal)) hash.update(bytes);
  } catch (error) {
    if (isDataRefError(error, 'NOT_FOUND')) return false; // renamed since
    throw error;
  }
  return hash.digest('hex') === file.hash;
}

/** Bytes of a file, undefined where there is none. */
async function sizeOf(path: string): Promise<number | undefined> {
  const stat = await fs.stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return stat?.size;
}

async function receiveWhole(
  hub: Hub,
  file: RepositoryFile,
  part: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const onBytes = reporter(hub.onProgress, 'download', file.byteLength, 'bytes');
  for (let failures = 0; ;) {
    const before = (await sizeOf(part)) ?? 0;
    if (before === file.byteLength && before > 0) return;
    try {
      await receive(hub, file, part, { start: before < file.byteLength ? before : 0, onBytes, signal });
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isDataRefError(error) || error.details['isTransient'] !== true) throw error;
      failures = ((await sizeOf(part)) ?? 0) > before ? 1 : failures + 1;
      if (failures >= ATTEMPTS) throw error;
      await pauseBefore(failures, signal);
    }
  }
}

/** Gives a verified file its name, for good. Another process may have done so before. */
async function publish(part: string, path: string, folder: string): Promise<void> {
  await fs.rename(part, path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || (await sizeOf(path)) === undefined) throw error;
  });
  await syncFolder(folder);
}
