import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DataRefError } from '../../errors.js';
import { fileError } from '../file-access.js';
import { nonce } from '../nonce.js';
import { isRunning } from '../process-identity.js';
import { ownerOf, ownName } from './entry-names.js';

/** The lock is held while this folder has a file in it, whose name says by whom. */
const LOCK = 'lock';
const KEY = /^lock~[0-9a-f]{16}\.([A-Za-z0-9_-]+)$/u;
/** Work under the lock never leaves the thread and takes milliseconds: after so long its holder is frozen. */
const FROZEN_MS = 10_000;
const MAX_WAIT_MS = 20_000;

/**
 * A lock among processes that share a folder. Who wants it renames a folder with a file in it to `lock`, which fails as
 * long as there is a file in that one. It is released, and taken from the dead, by removing that very file: its name is
 * used once, so that nobody can remove the lock of another. It takes no bytes.
 */
export class FolderLock {
  readonly #folder: string;
  #seen = { name: '', sinceMs: 0 };

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * What `work` returns, which runs under the lock and may ask whether that is still so. Undefined when others hold the
   * lock for long.
   * @throws DataRefError STORE_FAILED where what is in the lock's place is none, and nobody would ever release it
   */
  async hold<T>(work: (isHeld: () => boolean) => T, signal?: AbortSignal): Promise<T | undefined> {
    const name = `${nonce()}.${ownName()}`;
    const key = join(this.#folder, `lock~${name}`);
    const file = join(this.#folder, LOCK, name);
    const isHeld = (): boolean => namesIn(join(this.#folder, LOCK)).includes(name);
    mkdirSync(key);
    try {
      closeSync(openSync(join(key, name), 'wx'));
      const end = performance.now() + MAX_WAIT_MS;
      while (!this.#take(key)) {
        if (performance.now() > end) return undefined;
        await delay(1 + Math.random() * 8, undefined, { signal });
      }
      try {
        return work(isHeld);
      } finally {
        ignoring(() => unlinkSync(file));
        ignoring(() => rmdirSync(join(this.#folder, LOCK)));
      }
    } finally {
      rmSync(key, { recursive: true, force: true });
    }
  }

  /** Removes keys of processes that were killed while they waited. Under the lock. */
  removeDeadKeys(names: readonly string[]): void {
    for (const name of names) {
      const owner = KEY.exec(name)?.[1];
      if (owner !== undefined && isRunning(ownerOf(owner)) === false)
        ignoring(() => rmSync(join(this.#folder, name), { recursive: true, force: true }));
    }
  }

  #take(key: string): boolean {
    const lock = join(this.#folder, LOCK);
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        renameSync(key, lock);
        return true;
      } catch (error) {
        // EPERM: some systems rename no folder to one that is there, though it be empty.
        if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((error as { code?: string }).code ?? '')) throw error;
      }
      const [holder] = namesIn(lock);
      if (holder === undefined) ignoring(() => rmdirSync(lock));
      else if (isFolder(join(lock, holder))) throw notOurs(join(lock, holder));
      else if (this.#isGone(holder)) removeOnce(join(lock, holder));
      else return false;
    }
    return false;
  }

  #isGone(holder: string): boolean {
    if (isRunning(ownerOf(holder.split('.')[1] ?? '')) === false) return true;
    if (this.#seen.name !== holder) this.#seen = { name: holder, sinceMs: performance.now() };
    return performance.now() - this.#seen.sinceMs > FROZEN_MS;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** @throws DataRefError STORE_FAILED where the file stays: somebody else may be quicker, but nobody else can do more */
function removeOnce(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw fileError(error, path);
  }
}

function notOurs(path: string): DataRefError {
  return new DataRefError(
    'STORE_FAILED',
    `${path}: is a folder where the cache's lock has a file, and blocks it; nothing of the cache made it: remove it`,
    { details: { path } },
  );
}

function ignoring(action: () => void): void {
  try {
    action();
  } catch {
    // somebody else was quicker
  }
}
