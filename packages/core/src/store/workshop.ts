import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { nonce } from './nonce.js';
import { isRunning, thisProcess, type ProcessIdentity } from './process-identity.js';

/** Work of another host is taken for abandoned when it has not grown for so long. */
const FOREIGN_IDLE_MS = 24 * 3600 * 1000;
/** How often a folder may be removed by others, empty as it still is, before something is made in it. */
export const MAX_ATTEMPTS = 20;

const WORK_NAME = /^[0-9a-f]{16}\.[A-Za-z0-9_-]+$/u;
const LOCK_NAME = /^lock-[0-9a-f]{32}$/u;

/** A name that nothing else has, and that tells whose it is. */
export function workName(): string {
  const { host, pid, startTicks } = thisProcess();
  return `${nonce()}.${Buffer.from(JSON.stringify([host, pid, startTicks])).toString('base64url')}`;
}

/** The name of what locks a key. */
export function lockName(key: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return `lock-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}

/** Whether the process that a name tells of runs: undefined where only time can tell, or it is no such name. */
export function isOwnerRunning(name: string): boolean | undefined {
  const owner = WORK_NAME.test(name) ? ownerOf(name) : undefined;
  return owner === undefined ? undefined : isRunning(owner);
}

/** Removes what processes that have ended left, locks too. @returns bytes freed */
export async function sweepFolder(workshop: string): Promise<number> {
  let freed = 0;
  let nowMs: Promise<number> | undefined;
  const now = (): Promise<number> => (nowMs ??= fileClock(workshop));
  for (const name of await namesIn(workshop)) {
    const path = join(workshop, name);
    if ((await fs.lstat(path).catch(() => undefined))?.isDirectory() !== true) {
      freed += await sweepFile(path, name, now);
      continue;
    }
    // A lock, or what is to become one: one file in a folder.
    const isLock = LOCK_NAME.test(name);
    if (!isLock && (await isBusy(path, name, now))) continue;
    for (const inner of await namesIn(path)) freed += await sweepFile(join(path, inner), inner, now);
    await fs.rmdir(path).catch(() => undefined); // not empty: it is held
  }
  return freed;
}

async function sweepFile(path: string, name: string, now: () => Promise<number>): Promise<number> {
  const stat = await fs.lstat(path).catch(() => undefined);
  if (stat?.isFile() !== true || (await isBusy(path, name, now))) return 0;
  await fs.rm(path, { force: true });
  return stat.size;
}

/** What has another name is not ours. */
async function isBusy(path: string, name: string, now: () => Promise<number>): Promise<boolean> {
  if (!WORK_NAME.test(name)) return true;
  const owner = ownerOf(name);
  if (owner === undefined) return false;
  const modifiedMs = (await fs.lstat(path).catch(() => undefined))?.mtimeMs ?? 0;
  return isRunning(owner) ?? (await now()) - modifiedMs < FOREIGN_IDLE_MS;
}

/** Now, by the clock that the times of files are by, which another host may keep; 0 where no file can be made. */
async function fileClock(workshop: string): Promise<number> {
  const path = join(workshop, workName());
  try {
    await fs.writeFile(path, '', { flag: 'wx' });
    return (await fs.lstat(path)).mtimeMs;
  } catch {
    return 0;
  } finally {
    await fs.rm(path, { force: true }).catch(() => undefined);
  }
}

function ownerOf(name: string): ProcessIdentity | undefined {
  try {
    const [host, pid, startTicks] = JSON.parse(Buffer.from(name.split('.')[1] ?? '', 'base64url').toString()) as [
      string,
      number,
      number | null,
    ];
    return { host, pid, startTicks };
  } catch {
    return undefined;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return fs.readdir(folder).catch(() => []);
}
