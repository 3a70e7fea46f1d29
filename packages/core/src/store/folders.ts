import { constants, promises as fs } from 'node:fs';
import { dirname } from 'node:path';
import { DataRefError } from '../errors.js';

/** Makes a folder and those above it, each durable. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await fs.mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let above = dirname(folder); above.length >= dirname(first).length; above = dirname(above)) {
    await syncFolder(above);
    if (above === dirname(above)) break;
  }
}

/** Removes a folder that is empty, and those above it that are so then, below `root`. */
export async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; at !== root && at.startsWith(root); at = dirname(at)) {
    try {
      await fs.rmdir(at);
    } catch {
      return; // not empty, or gone already
    }
  }
}

/** Makes a folder's entries durable. One that is gone again has none. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: fs.FileHandle | undefined;
  try {
    handle = await fs.open(folder, constants.O_RDONLY);
    await handle.sync();
  } catch (error) {
    if (!['ENOENT', 'EINVAL', 'EPERM', 'EISDIR'].includes((error as { code?: string }).code ?? '')) {
      throw new DataRefError('STORE_FAILED', `${folder}: could not be synced`, { cause: error });
    }
  } finally {
    await handle?.close();
  }
}
