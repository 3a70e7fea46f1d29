import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidArgument } from './errors.js';
import { DatasetStorage } from './storage/dataset-storage.js';
import { memoryBudget } from './storage/memory-budget.js';
import { nodeRuntime } from './storage/node-runtime.js';
import { describeValue } from './schema/ndarray.js';
import type { Storage } from './storage/types.js';
import { FileStore } from './store/file-store.js';
import { optionsOf, refuseUnknown } from './arguments.js';

/** Options of storages that are far away. */
const CURES = {
  cache: 'its files are on a disk already, leave it out; on a network mount, copy(id, version, new FileStorage(local))',
  read: 'it says how a cache is used, of which there is none here; leave it out',
};

export interface FileStorageOptions {
  /**
   * Memory for datasets that are held whole while they are streamed, over all datasets of this storage. Default: a
   * quarter of the machine's memory, at most 2 GiB, and only for records of up to 16 KiB. 0 holds none: everything is
   * read by position, but for up to 16 MiB of a dataset's small values and offsets.
   */
  readonly memoryLimitBytes?: number | undefined;
  /** Compare each record's checksum on every positional read. Default false: whole parts are verified when they are loaded. */
  readonly verifyReads?: boolean | undefined;
}

/** Datasets in a folder of the local file system. The folder is made by the first submit. */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging, no-shadow -- the value below has all of Storage
export interface FileStorage extends Storage {
  /** Absolute path. */
  readonly directory: string;
}

/** @throws DataRefError INVALID_ARGUMENT for a bad directory or an unknown option */
export const FileStorage: new (directory: string | URL, options?: FileStorageOptions) => FileStorage =
  class extends DatasetStorage {
    readonly directory: string;

    constructor(directory: string | URL, options: FileStorageOptions = {}) {
      const { memoryLimitBytes, verifyReads = false, ...unknown } = optionsOf('FileStorage', options);
      refuseUnknown('FileStorage', unknown, ['memoryLimitBytes', 'verifyReads'], CURES);
      const path = folderPath(directory);
      const { identity, nonce, memoryBytes } = nodeRuntime;
      const store = new FileStore(path);
      super({ store, identity, ...memoryBudget('FileStorage', memoryLimitBytes, memoryBytes), verifyReads, nonce });
      this.directory = path;
    }
  };

function folderPath(directory: string | URL): string {
  const scheme = /^([a-z][a-z0-9+.-]+):/iu.exec(String(directory))?.[1];
  // The URL itself is not shown: there may be a password in it.
  if (scheme !== undefined && (directory instanceof URL ? scheme !== 'file' : directory.includes('://')))
    throw invalidArgument(`FileStorage needs a directory, got a URL: await openStorage('${scheme}://…')`);
  if (!(directory instanceof URL) && (typeof directory !== 'string' || directory === '' || directory.includes('\0')))
    throw invalidArgument(`FileStorage needs a directory, got ${describeValue(directory)}`);
  const path = resolve(directory instanceof URL ? fileURLToPath(directory) : directory);
  if (isFile(path)) throw invalidArgument(`FileStorage needs a directory, and ${path} is a file`);
  return path;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // there is nothing yet, or the first call that needs it says what is wrong
  }
}
