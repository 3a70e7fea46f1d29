import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { DataRefError } from '@dataref/core';

/** Reads a file below where Hub stored its arrays: a local folder, or whatever else has them. */
export interface HubFiles {
  /**
   * @param path segments joined by `/`, none of them `.` or `..`
   * @param limitBytes that the file may have; a larger one is CORRUPT
   * @returns undefined where there is none
   */
  read(path: string, limitBytes: number): Promise<Uint8Array | undefined>;
}

/** To open a pipe waits for who writes to it, but for this; Windows has no such thing. */
const WITHOUT_WAITING = constants.O_NONBLOCK ?? 0;

/** Files of a folder, from which no name and no symbolic link leads out. */
export function hubFolder(folder: string): HubFiles {
  return {
    async read(path, limitBytes) {
      try {
        const [root, real] = await Promise.all([realpath(folder), realpath(join(folder, path))]);
        if (!real.startsWith(root + sep)) throw corruptFile(path, 'leads out of the folder');
        const file = await open(real, constants.O_RDONLY | WITHOUT_WAITING);
        try {
          const stat = await file.stat();
          if (!stat.isFile()) throw corruptFile(path, 'is no file');
          const { size } = stat;
          if (size > limitBytes) throw corruptFile(path, `has ${size} bytes, expected at most ${limitBytes}`);
          return await file.readFile();
        } finally {
          await file.close();
        }
      } catch (error) {
        if (error instanceof DataRefError) throw error;
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
        throw new DataRefError('STORE_FAILED', `${path}: cannot be read: ${code}`, { cause: error });
      }
    },
  };
}

export function corruptFile(path: string, problem: string, cause?: unknown): DataRefError {
  return new DataRefError('CORRUPT', `${path}: ${problem}`, { cause, details: { path } });
}

/** A name that stays below the folder. @throws DataRefError INVALID_ID */
export function hubPath(name: string): string {
  const isSafe =
    typeof name === 'string' &&
    name.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..') &&
    !/[\\\0]/u.test(name);
  if (isSafe) return name;
  throw new DataRefError('INVALID_ID', `${JSON.stringify(name)} is no name of an array or a dataset of Hub`, {
    details: { name },
  });
}
