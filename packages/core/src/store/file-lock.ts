import { promises as fs } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataRefError } from '../errors.js';
import { pause } from './pause.js';
import { isOwnerRunning, lockName, MAX_ATTEMPTS, workName } from './workshop.js';

/** A lock is held for a read and a rename. A holder that takes longer has stopped, or is on a host that has. */
const LEASE_MS = 3_000;
/** Where others take the lock again and again. */
const MAX_WAIT_MS = 60_000;
const MAX_POLL_MS = 40;

/** What is to be put in place of a file, and when. */
export interface Replacement {
  /** Writes the new content to a path, and syncs it. */
  readonly stage: (path: string) => Promise<void>;
  /** Whether the file is still the one to be replaced. Asked while the lock is held. */
  readonly isCurrent: () => Promise<boolean>;
  readonly target: string;
}

/**
 * Replaces a file where `isCurrent` says so, one process at a time.
 *
 * A lock is a folder with one file in it: the new content, under a name that tells whose it is. It is taken by renaming
 * a folder of one's own, with the file in it, over the lock, which fails while that is not empty; it is given up by
 * moving the file to its target, which is the commit, or by removing it. No step needs more of a file system than that
 * rename, link and unlink are atomic on its server, so that it holds on network file systems, which may lack flock.
 *
 * A lock is broken by removing that one file, whose name no other file ever has:
 * - Two that break the same lock do no harm: the second finds nothing, and cannot hit who took the lock meanwhile.
 * - A holder that wakes up after its lock was broken has nothing left to move, and begins anew: the file is moved or
 *   removed, never both. No holder, however slow, can overwrite what was put after its lock was broken.
 *
 * What remains: a rename whose answer a network lost, and which it repeats, may be taken for a lost lock. The next
 * attempt then finds what it wrote itself, and says false: who puts on a condition reads back (a nonce tells).
 * Puts without a condition, and deletes, take no lock.
 * @returns false where the file is another, or there is none
 * @throws DataRefError TIMEOUT
 */
export async function replaceLocked(
  workshop: string,
  key: string,
  { stage, isCurrent, target }: Replacement,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const lock = join(workshop, lockName(key));
  for (;;) {
    const name = workName();
    const own = join(workshop, name);
    try {
      await makeFolderFor(own);
      await stage(join(own, name));
      await take(own, name, lock, key, signal);
      if (!(await isCurrent())) return false;
      if (await isDone(fs.rename(join(lock, name), target), ['ENOENT', 'ESTALE'])) return true;
    } finally {
      await discard(own, name);
      await discard(lock, name);
    }
  }
}

async function take(
  own: string,
  name: string,
  lock: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const startMs = performance.now();
  let watched: string | undefined;
  let watchedSinceMs = startMs;
  for (let pollMs = 2; ; pollMs = Math.min(MAX_POLL_MS, pollMs * 1.5)) {
    signal?.throwIfAborted();
    // ENOENT: a rename that was repeated by the network has come to pass the first time.
    if (await isDone(fs.rename(own, lock), ['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'ENOENT'])) return;
    const holders: string[] = await fs.readdir(lock).catch(() => []);
    if (holders.includes(name)) return;
    const [holder] = holders;
    const nowMs = performance.now();
    if (nowMs - startMs > MAX_WAIT_MS) throw lockTimeout(lock, key, holder);
    if (holder !== watched) [watched, watchedSinceMs] = [holder, nowMs];
    if (holder === undefined) {
      // Free, but some systems rename no folder over an empty one. This fails where it is not empty any more.
      await fs.rmdir(lock).catch(() => undefined);
    } else if (isOwnerRunning(holder) === false || nowMs - watchedSinceMs >= LEASE_MS) {
      await fs.unlink(join(lock, holder)).catch(() => undefined);
    }
    await pause(pollMs * Math.random(), signal);
  }
}

function lockTimeout(lock: string, key: string, holder: string | undefined): DataRefError {
  return new DataRefError(
    'TIMEOUT',
    `${key}: its lock ${lock} could not be taken within ${MAX_WAIT_MS / 1000} s${holder === undefined ? '' : `; ${holder} is in it`}. If no process writes here any more, remove that folder`,
    { details: { key, lock, isTransient: true } },
  );
}

/** Another process may remove the empty folder around it in between. */
async function makeFolderFor(own: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await fs.mkdir(dirname(own), { recursive: true });
      await fs.mkdir(own);
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT' || attempt > MAX_ATTEMPTS) throw error;
    }
  }
}

async function isDone(action: Promise<void>, unless: readonly string[]): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (error) {
    if (unless.includes((error as { code?: string }).code ?? '')) return false;
    throw error;
  }
}

async function discard(folder: string, name: string): Promise<void> {
  await fs.unlink(join(folder, name)).catch(() => undefined);
  await fs.rmdir(folder).catch(() => undefined);
}
