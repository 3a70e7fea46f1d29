import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { DataRefError } from '@dataref/core';
import { fileError, readBytes } from './file-bytes.js';

/** A file's bytes, as they were when they were hashed. */
export interface FileHash {
  /** SHA-256 of the bytes as they are stored, in hexadecimal digits. */
  readonly hash: string;
  /** Throws CORRUPT where the file was written since: what is read of it then is not what the hash tells. */
  readonly checkSame: () => Promise<void>;
}

/** @throws DataRefError NOT_FOUND; UNSUPPORTED for a folder, or a pipe, which can be read only once; STORE_FAILED */
export async function fileHash(path: string, signal: AbortSignal | undefined): Promise<FileHash> {
  const before = await stateOf(path);
  const hash = createHash('sha256');
  for await (const bytes of readBytes(path, undefined, signal)) hash.update(bytes);
  const checkSame = async (): Promise<void> => {
    if ((await stateOf(path)) === before) return;
    throw new DataRefError('CORRUPT', `${path}: was written while it was read; try again when it is whole`, {
      details: { file: path },
    });
  };
  return { hash: hash.digest('hex'), checkSame };
}

async function stateOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw fileError(path, error);
  });
  if (!found.isFile())
    throw new DataRefError('UNSUPPORTED', `${path}: is no file; give files, or a glob of those in a folder`, {
      details: { file: path },
    });
  return [found.dev, found.ino, found.size, found.mtimeNs].join(' ');
}
