import { createHash } from 'node:crypto';
import { readBytes } from './file-bytes.js';

/** SHA-256 of a file's bytes as they are stored, in hexadecimal digits. @throws DataRefError NOT_FOUND, STORE_FAILED */
export async function fileHash(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of readBytes(path, undefined, signal)) hash.update(bytes);
  return hash.digest('hex');
}
