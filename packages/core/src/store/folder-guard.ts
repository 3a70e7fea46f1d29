import { promises as fs } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { DataRefError } from '../errors.js';

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
    let path = this.#root;
    for (const name of relative(this.#root, folder).split(sep)) {
      if (name === '') continue; // the root is where the user says it is, behind a link too
      path = join(path, name);
      const stat = await fs.lstat(path).catch(() => undefined);
      if (stat === undefined) return;
      if (!stat.isSymbolicLink()) continue;
      throw new DataRefError(
        'STORE_FAILED',
        `${path}: is a symbolic link, which is not followed; move the data itself here`,
        {
          details: { path },
        },
      );
    }
  }

  /** As `check`. Files of one folder that are opened together share one. */
  shared(folder: string): Promise<void> {
    let check = this.#checks.get(folder);
    if (check === undefined) {
      check = this.check(folder).finally(() => this.#checks.delete(folder));
      this.#checks.set(folder, check);
    }
    return check;
  }
}
