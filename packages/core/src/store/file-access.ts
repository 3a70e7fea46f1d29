import { constants, promises as fs, read as readFile, readSync as readFromDisk } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { DataRefError } from '../errors.js';
import { isLocal } from './local-disk.js';
import { OpenFile } from './open-file.js';
import { readEach } from './read-each.js';
import { truncated } from './store-errors.js';
import type { IoOptions, ObjectReader } from './object-store.js';

/** One read at most, so that neither Node's 2 GiB limit nor the thread pool is held up. */
const MAX_READ = 64 * 2 ** 20;
const readLater = promisify(readFile);

/** A file for random access; undefined for what is none. */
export async function openFileReader(path: string, key: string): Promise<ObjectReader | undefined> {
  const isNear = isLocal(dirname(path));
  const file = new OpenFile(path, key, isNear);
  const stat = await file.stat();
  if (!stat.isFile()) {
    file.close();
    return undefined;
  }
  const { size } = stat;
  const check = (into: Uint8Array, position: number): void => {
    if (position + into.length > size) throw truncated(key, position + into.length, size);
  };
  const failed = (error: unknown): never => {
    throw fileError(error, key);
  };
  const read = async (into: Uint8Array, position: number, { signal }: IoOptions = {}): Promise<void> => {
    check(into, position);
    for (let done = 0; done < into.length;) {
      signal?.throwIfAborted();
      const length = Math.min(MAX_READ, into.length - done);
      const { bytesRead } = await file.use((fd) => readLater(fd, into, done, length, position + done)).catch(failed);
      if (bytesRead === 0) throw truncated(key, position + into.length, position + done);
      done += bytesRead;
    }
  };
  const readNow = (into: Uint8Array, position: number, done: number): number => {
    try {
      const length = Math.min(MAX_READ, into.length - done);
      return file.useNow((fd) => readFromDisk(fd, into, done, length, position + done));
    } catch (error) {
      return failed(error);
    }
  };
  return {
    byteLength: size,
    read,
    readRanges: (ranges, options) => readEach(read, ranges, options),
    ...(isNear && {
      readSync(into: Uint8Array, position: number): void {
        check(into, position);
        for (let done = 0; done < into.length;) {
          const bytesRead = readNow(into, position, done);
          if (bytesRead === 0) throw truncated(key, position + into.length, position + done);
          done += bytesRead;
        }
      },
    }),
    async close() {
      file.close();
    },
  };
}

export async function writeFully(
  handle: fs.FileHandle,
  bytes: Uint8Array,
  position: number,
  key: string,
): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await handle.write(
        bytes,
        done,
        Math.min(MAX_READ, bytes.length - done),
        position + done,
      );
      done += bytesWritten;
    }
  } catch (error) {
    throw fileError(error, key);
  }
}

/** A new file, durable but for its folder's entry. */
export async function writeWhole(path: string, bytes: Uint8Array, key: string): Promise<void> {
  const handle = await fs.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
  try {
    await writeFully(handle, bytes, 0, key);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A failure of the file system as ours: DISK_FULL where room, quota or a file size limit was the reason. */
export function fileError(error: unknown, key: string): unknown {
  const { code, name, syscall } = error as { code?: string; name?: string; syscall?: string };
  if (name === 'DataRefError' || code === 'ABORT_ERR' || syscall === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new DataRefError(
      'DISK_FULL',
      `${key}: could not be written, ${code}: no room left on the disk, or a quota or file size limit was met`,
      {
        cause: error,
        details: { key, errno: code },
      },
    );
  }
  const link = code === 'ELOOP' ? '; it is a symbolic link, which is not followed' : '';
  return new DataRefError('STORE_FAILED', `${key}: ${syscall} failed with ${code}${link}`, {
    cause: error,
    details: { key, errno: code },
  });
}
