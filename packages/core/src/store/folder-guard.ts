import { lstatSync, promises as fs, type Stats } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { DataRefError } from '../errors.js';
import { isLocal } from './local-disk.js';

/** Refuses links among the folders below a root: what is stored must not lead elsewhere. */
export class FolderGuard {
  readonly #root: string;
  /** Checks under way, by folder. */
  readonly #checks = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Nothing, when no folder on the way to `folder` is a link. @throws DataRefError STORE_FAILED */
  async check(folder: string): Promise<void> {
    const isNear = this.#isNear(folder);
    for (const path of this.#pathsTo(folder)) if (!(await isThere(path, isNear))) return;
  }

  /** As `check`. Files that are opened together share it for the folders that they have in common. */
  async shared(folder: string): Promise<void> {
    const isNear = this.#isNear(folder);
    let above: Promise<unknown> | undefined;
    for (const path of this.#pathsTo(folder)) above = this.#checks.get(path) ?? this.#begin(path, above, isNear);
    await above;
  }

  #begin(path: string, above: Promise<unknown> | undefined, isNear: boolean): Promise<void> {
    const check = (async (): Promise<void> => {
      await above;
      await isThere(path, isNear);
    })().finally(() => this.#checks.delete(path));
    this.#checks.set(path, check);
    return check;
  }

  /** The folders on the way, but for the root: that is where the user says it is, behind a link too. */
  #pathsTo(folder: string): string[] {
    let path = this.#root;
    const names = relative(this.#root, folder).split(sep);
    return names.filter((name) => name !== '').map((name) => (path = join(path, name)));
  }

  /** Whether to wait for the disk takes less time than to be called back. */
  #isNear(folder: string): boolean {
    return isLocal(this.#root) && isLocal(folder);
  }
}

/** Whether there is something at a path. @throws DataRefError STORE_FAILED for a link */
async function isThere(path: string, isNear: boolean): Promise<boolean> {
  const stat = isNear ? statNow(path) : await fs.lstat(path).catch(() => undefined);
  if (stat?.isSymbolicLink() !== true) return stat !== undefined;
  throw new DataRefError(
    'STORE_FAILED',
    `${path}: is a symbolic link, which is not followed; move the data itself here`,
    { details: { path } },
  );
}

function statNow(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // whoever opens it will be told
  }
}
