import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { nonce } from '../nonce.js';
import { isRunning } from '../process-identity.js';
import { copyName, downloadName, entryOf, type CacheEntry } from './entry-names.js';
import { FolderLock } from './folder-lock.js';

/** All that is ours in the user's directory lies in this folder. */
const FOLDER = 'dataref-cache';
/** A download touches its file every few seconds: one that has not for so long was given up. */
const IDLE_MS = 60_000;

/** A copy in the folder, with the time of its last use in ms since 1970. */
export interface FoundCopy {
  readonly id: string;
  readonly byteLength: number;
  readonly usedMs: number;
}

/** Which of the copies go for so many bytes more; undefined when room is not to be made. */
export type ChooseVictims = (copies: readonly FoundCopy[], neededBytes: number) => readonly FoundCopy[] | undefined;

/** Whether there is a place to download to: its path, or why there is none. */
export type Place =
  | { readonly path: string }
  /** There is a copy already, or somebody else downloads it. */
  | 'copied'
  | 'coming'
  | 'refused';

/**
 * The files of a cache: finished copies, and downloads at their full size from the moment when they are begun. All sizes
 * are in the names, and room is taken under a lock: so the sum of all files never passes the limit, whoever else works
 * in the folder.
 */
export class CacheFolder {
  readonly limitBytes: number;
  readonly #path: string;
  readonly #lock: FolderLock;

  constructor(directory: string, limitBytes: number) {
    this.limitBytes = limitBytes;
    this.#path = join(directory, FOLDER);
    this.#lock = new FolderLock(this.#path);
  }

  copyPath(id: string, byteLength: number): string {
    return join(this.#path, copyName(id, byteLength));
  }

  /** Ids of all copies that are there, and of downloads by somebody who lives. */
  ids(): ReadonlySet<string> {
    const entries = this.#names().flatMap((name) => entryOf(name) ?? []);
    return new Set(entries.filter((entry) => entry.owner === undefined || this.#isAlive(entry)).map(({ id }) => id));
  }

  /** Whether somebody who lives is downloading an object. */
  isComing(id: string): boolean {
    return this.#names().some((name) => {
      const entry = name.startsWith(id) ? entryOf(name) : undefined;
      return entry?.owner !== undefined && this.#isAlive(entry);
    });
  }

  /**
   * A place for a download, empty and reserved at its full size. What has to go for it, and what dead processes left, is
   * removed first. @param onVictims is told what goes
   */
  async reserve(
    id: string,
    byteLength: number,
    choose: ChooseVictims,
    onVictims: (ids: readonly string[]) => void,
    signal?: AbortSignal,
  ): Promise<Place> {
    const place = await this.#hold((isHeld): Place => {
      const { copies, downloads, otherBytes } = this.#survey();
      if (copies.some((copy) => copy.id === id)) return 'copied';
      if (downloads.some((download) => download.id === id)) return 'coming';
      const takenBytes = otherBytes + sumOf(copies) + sumOf(downloads);
      const neededBytes = takenBytes + byteLength - this.limitBytes;
      if (neededBytes > 0) {
        const victims = choose(
          copies.map((copy) => this.#found(copy)),
          neededBytes,
        );
        if (victims === undefined) return 'refused';
        onVictims(victims.map((victim) => victim.id));
        for (const victim of victims) removeFreed(this.copyPath(victim.id, victim.byteLength));
      }
      const path = join(this.#path, downloadName(id, byteLength, nonce()));
      closeSync(openSync(path, 'wx'));
      if (isHeld()) return { path };
      rmSync(path, { force: true }); // frozen meanwhile, and taken for dead: others may have counted without it
      return 'refused';
    }, signal);
    return place ?? 'refused';
  }

  /** Makes a finished download the copy. False where it is gone, or others hold the lock for long. */
  async publish(path: string, id: string, byteLength: number): Promise<boolean> {
    // Under the lock, since who lists a folder may miss a file that is renamed meanwhile.
    const isDone = await this.#lock.hold(() => {
      renameSync(path, this.copyPath(id, byteLength));
      return true;
    });
    return isDone ?? false;
  }

  /** Removes what dead processes left, and copies above the limit, chosen as by `reserve`. */
  async tidy(choose: ChooseVictims, onVictims: (ids: readonly string[]) => void): Promise<void> {
    await this.#hold(() => {
      const { copies, downloads, otherBytes } = this.#survey();
      const excessBytes = otherBytes + sumOf(copies) + sumOf(downloads) - this.limitBytes;
      if (excessBytes <= 0) return;
      const victims =
        choose(
          copies.map((copy) => this.#found(copy)),
          Math.min(excessBytes, sumOf(copies)),
        ) ?? [];
      onVictims(victims.map((victim) => victim.id));
      for (const victim of victims) removeFreed(this.copyPath(victim.id, victim.byteLength));
    });
  }

  /** What is in the folder, when the leftovers of others are gone. Under the lock. */
  #survey() {
    const names = this.#names();
    this.#lock.removeDeadKeys(names);
    const copies: CacheEntry[] = [];
    const downloads: CacheEntry[] = [];
    let otherBytes = 0;
    for (const name of names) {
      const entry = entryOf(name);
      if (entry === undefined) otherBytes += this.#stat(name)?.size ?? 0;
      else if (entry.owner === undefined) copies.push(entry);
      else if (this.#isAlive(entry)) downloads.push(entry);
      else removeFreed(join(this.#path, name)); // whoever is suspended writes into no bytes that nobody counts
    }
    return { copies, downloads, otherBytes };
  }

  #isAlive({ name, owner }: CacheEntry): boolean {
    if (isRunning(owner) === false) return false;
    return Date.now() - (this.#stat(name)?.mtimeMs ?? 0) < IDLE_MS;
  }

  #found({ id, byteLength, name }: CacheEntry): FoundCopy {
    return { id, byteLength, usedMs: this.#stat(name)?.atimeMs ?? 0 };
  }

  #stat(name: string) {
    const stat = statSync(join(this.#path, name), { throwIfNoEntry: false });
    return stat?.isFile() === true ? stat : undefined;
  }

  #names(): string[] {
    try {
      return readdirSync(this.#path);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return [];
      throw error;
    }
  }

  async #hold<T>(work: (isHeld: () => boolean) => T, signal?: AbortSignal): Promise<T | undefined> {
    mkdirSync(this.#path, { recursive: true });
    return this.#lock.hold(work, signal);
  }
}

/**
 * Removes a copy, whose room is free at once though another process reads it: that one finds it cut short, and reads
 * elsewhere. A file that has another name too is somebody's own, and keeps its bytes.
 */
function removeFreed(path: string): void {
  try {
    const fd = openSync(path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const stat = fstatSync(fd);
      if (stat.isFile() && stat.nlink === 1) ftruncateSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // a link, or gone already
  }
  rmSync(path, { force: true });
}

function sumOf(entries: readonly CacheEntry[]): number {
  return entries.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
