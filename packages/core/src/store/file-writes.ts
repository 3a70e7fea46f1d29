import { constants, promises as fs } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DataRefError } from '../errors.js';
import { contentVersion } from './content-version.js';
import { fileError, writeFully, writeWhole } from './file-access.js';
import { replaceLocked } from './file-lock.js';
import type { FolderGuard } from './folder-guard.js';
import { makeFolder, removeEmptyFolders, syncFolder } from './folders.js';
import { WORKSHOP } from './key.js';
import type { IoOptions, ObjectWriter, PutOptions } from './object-store.js';
import { checkPut } from './put-conditions.js';
import { MAX_ATTEMPTS, sweepFolder, workName } from './workshop.js';

/** Where a file is, or is to be. */
export interface FilePlace {
  readonly root: string;
  readonly folders: FolderGuard;
  readonly key: string;
  readonly path: string;
}

/**
 * Writes a file whole, under the conditions of a put.
 * @param current the version that is there
 * @returns the version; undefined where a condition does not hold
 */
export async function putFile(
  place: FilePlace,
  bytes: Uint8Array,
  options: PutOptions,
  current: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const { ifAbsent = false, ifVersion, inTurn = false, signal } = checkPut(options);
  if (ifVersion !== undefined) return replaceFile(place, bytes, async () => (await current()) === ifVersion, signal);
  if (inTurn && !ifAbsent) return replaceFile(place, bytes, () => hasFolder(place), signal);
  const work = await startWork(place, signal);
  try {
    await work.write(bytes);
    return (await work.publish(ifAbsent)) ? contentVersion(bytes) : undefined;
  } catch (error) {
    await work.abort();
    throw error;
  }
}

/** A file that is written piece by piece. */
export async function createFile(place: FilePlace, { signal }: IoOptions): Promise<ObjectWriter> {
  const work = await startWork(place, signal);
  return { write: work.write, commit: async () => void (await work.publish(false)), abort: work.abort };
}

/** Removes a file, and the folders that are empty then. @returns false where there is none */
export async function removeFile({ root, folders, key, path }: FilePlace): Promise<boolean> {
  const folder = dirname(path);
  await folders.check(folder);
  const existed = await fs.unlink(path).then(
    () => true,
    (error: { code?: string }) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
      throw fileError(error, key);
    },
  );
  if (existed) await syncFolder(folder);
  await removeEmptyFolders(folder, root);
  return existed;
}

/** Removes a file while nobody else replaces it on a condition. @returns false where it is not the one any more */
export async function removeVersion(
  place: FilePlace,
  isCurrent: () => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { root, folders, key, path: target } = place;
  const workshop = join(root, WORKSHOP);
  await folders.check(workshop);
  if (!(await isCurrent())) return false;
  let isRemoved = false;
  const remove = async (): Promise<boolean> => {
    if (await isCurrent()) isRemoved = await removeFile(place);
    return false; // nothing comes in its place
  };
  try {
    const stage = (to: string) => writeWhole(to, new Uint8Array(), key);
    await replaceLocked(workshop, key, { stage, isCurrent: remove, target }, signal);
    return isRemoved;
  } catch (error) {
    throw fileError(error, key);
  }
}

/** Removes what writers that have ended left in the workshop. @returns bytes freed */
export async function sweepWorkshop(root: string): Promise<number> {
  const workshop = join(root, WORKSHOP);
  const freed = await sweepFolder(workshop);
  await removeEmptyFolders(workshop, root);
  return freed;
}

/**
 * Removes empty folders that writers were killed in: of generations, `<id>/<version>/data/<generation>`, and those
 * above them. Folders whose names begin with a dot are somebody else's.
 */
export async function pruneDatasets(
  root: string,
  entries: (folder: string) => Promise<readonly { readonly name: string; isDirectory(): boolean }[]>,
): Promise<void> {
  const foldersIn = async (folder: string): Promise<string[]> =>
    (await entries(folder)).filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  const remove = (folder: string): Promise<void> => fs.rmdir(folder).catch(() => undefined); // it is not empty
  const isOurs = (folder: string): boolean => !basename(folder).startsWith('.');
  for (const id of (await foldersIn(root)).filter(isOurs)) {
    for (const version of (await foldersIn(id)).filter(isOurs)) {
      const data = join(version, 'data');
      const generations = (await foldersIn(data)).filter((folder) => /^[0-9a-f]{16}$/u.test(basename(folder)));
      for (const folder of [...generations, data, join(version, 'shares'), version]) await remove(folder);
    }
    await remove(id);
  }
}

/** Makes the folder of a file where there is none. */
async function hasFolder({ folders, path }: FilePlace): Promise<true> {
  await folders.check(dirname(path));
  await makeFolder(dirname(path));
  return true;
}

/** Compare-and-swap. Only small objects are replaced on a condition: each is read whole, for its version. */
async function replaceFile(
  { root, folders, key, path }: FilePlace,
  bytes: Uint8Array,
  isCurrent: () => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const workshop = join(root, WORKSHOP);
  await folders.check(workshop);
  if (!(await isCurrent())) return undefined;
  try {
    const stage = (to: string) => writeWhole(to, bytes, key);
    if (!(await replaceLocked(workshop, key, { stage, isCurrent, target: path }, signal))) return undefined;
    await syncFolder(dirname(path));
    return contentVersion(bytes);
  } catch (error) {
    throw fileError(error, key);
  }
}

/** A file in the workshop, which is moved to its place when it is whole and durable. */
async function startWork({ root, folders, key, path: target }: FilePlace, signal: AbortSignal | undefined) {
  signal?.throwIfAborted();
  const path = join(root, WORKSHOP, workName());
  const handle = await createNew(path, folders);
  let position = 0;
  let open = true;
  const close = async (): Promise<void> => {
    if (open) await handle.close();
    open = false;
  };
  return {
    write: async (bytes: Uint8Array): Promise<void> => {
      signal?.throwIfAborted();
      await writeFully(handle, bytes, position, key);
      position += bytes.length;
    },
    publish: async (ifAbsent: boolean): Promise<boolean> => {
      try {
        await handle.sync();
        await close();
        await move(path, target, folders, ifAbsent);
        await syncFolder(dirname(target));
        return true;
      } catch (error) {
        if (ifAbsent && (error as { code?: string }).code === 'EEXIST') {
          await refuseOther(target, key);
          return false;
        }
        throw fileError(error, key);
      } finally {
        await fs.rm(path, { force: true });
      }
    },
    abort: async (): Promise<void> => {
      await close();
      await fs.rm(path, { force: true });
    },
  };
}

/** What is no file is no object, and in the way of one for ever. @throws DataRefError STORE_FAILED */
async function refuseOther(path: string, key: string): Promise<void> {
  const stat = await fs.lstat(path).catch(() => undefined);
  if (stat === undefined || stat.isFile()) return;
  const what = stat.isDirectory() ? 'a folder' : stat.isSymbolicLink() ? 'a symbolic link' : 'no file';
  throw new DataRefError('STORE_FAILED', `${key}: ${path} is ${what}, where an object is to be written; remove it`, {
    details: { key, path },
  });
}

async function createNew(path: string, folders: FolderGuard): Promise<fs.FileHandle> {
  for (let attempt = 0; ; attempt++) {
    try {
      await folders.check(dirname(path));
      await fs.mkdir(dirname(path), { recursive: true });
      return await fs.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
    } catch (error) {
      // Another process may remove the empty folder between the two calls.
      if ((error as { code?: string }).code !== 'ENOENT' || attempt > MAX_ATTEMPTS) throw fileError(error, path);
    }
  }
}

/** Moves a whole file to its place, the folder of which is made where there is none. */
async function move(path: string, target: string, folders: FolderGuard, ifAbsent: boolean): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await folders.check(dirname(target));
      await makeFolder(dirname(target));
      if (ifAbsent) await fs.link(path, target);
      else await fs.rename(path, target);
      return;
    } catch (error) {
      // As above: a folder that is empty yet may be removed by a delete or a sweep elsewhere. Where that happens while
      // Node makes several folders, it says ENOTDIR.
      const { code } = error as { code?: string };
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || attempt > MAX_ATTEMPTS) throw error;
    }
  }
}
