import { statSync, utimesSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { crc32 } from '../../checksum/crc32.js';
import { openFileReader } from '../file-access.js';
import type { ExpectedObject, ObjectReader } from '../object-store.js';

const SLICE_BYTES = 2 ** 20;

/** A copy whose bytes are right, open to be read. */
export interface OpenCopy {
  readonly path: string;
  readonly reader: ObjectReader;
  /** Of the file, as `identityOf` gave it when it was opened. */
  readonly identity: string;
}

/**
 * Opens a copy; undefined where there is none that is right. One that is wrong is removed.
 * @param verified identities by path of files whose bytes have been found right before: they are not read again
 */
export async function openCopy(
  path: string,
  expected: ExpectedObject,
  verified: Map<string, string>,
): Promise<OpenCopy | undefined> {
  const identity = identityOf(path);
  if (identity === undefined) return undefined;
  const reader = await openFileReader(path, expected.key).catch(() => undefined);
  if (reader === undefined) return undefined;
  try {
    const isRight = verified.get(path) === identity || (await isCopy(reader, expected));
    if (isRight && identityOf(path) === identity) {
      verified.set(path, identity);
      return { path, reader, identity };
    }
    if (!isRight) await rm(path, { force: true });
  } catch {
    // a disk that does not read is no reason to fail: the object itself is elsewhere
  }
  await reader.close();
  return undefined;
}

/** Whether a file has the expected size and CRC-32. */
export async function isCopy(reader: ObjectReader, { byteLength, crc32: expected }: ExpectedObject): Promise<boolean> {
  if (reader.byteLength !== byteLength) return false;
  const slice = new Uint8Array(Math.min(SLICE_BYTES, byteLength));
  let sum = 0;
  for (let position = 0; position < byteLength; position += slice.length) {
    const part = slice.subarray(0, Math.min(slice.length, byteLength - position));
    await reader.read(part, position);
    sum = crc32(part, sum);
  }
  return sum === expected;
}

/** Changes when there is another file under a path, or it was written to; undefined when there is none. */
export function identityOf(path: string): string | undefined {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${ino}.${size}.${mtimeNs}`;
  } catch {
    return undefined;
  }
}

/** Tells all who share the folder that a copy is being used: by its access time, which many disks do not keep by themselves. */
export function markUsed(path: string): void {
  try {
    utimesSync(path, Date.now() / 1000, statSync(path).mtimeMs / 1000);
  } catch {
    // gone, or not ours to write to
  }
}
