import { generationsOf } from '../format/part-files.js';
import type { ObjectInfo } from '../store/object-store.js';
import type { Slots } from '../store/slots.js';
import { eachAtOnce, REQUESTS_AT_ONCE } from './at-once.js';
import { claim, type Claim } from './claim.js';
import { fence } from './commit.js';
import { waits } from './commit-claim.js';
import { generationFiles } from './generation-files.js';
import { judgeLease, takeAway } from './judge-lease.js';
import { buildLeaseKey, leaseKey, newRecord, type LeaseRecord } from './lease-record.js';
import type { LeaseWatch } from './lease-watch.js';
import { dataFolder, folderOf, type Manifests } from './manifests.js';
import { Shares } from './shares.js';
import type { StorageParts } from './storage-parts.js';

/** Who removes what, and how old it must be. */
export interface Vacuum extends Pick<StorageParts, 'store' | 'identity' | 'leaseTimes'> {
  readonly manifests: Manifests;
  readonly watch: LeaseWatch;
  readonly slot: Slots;
  readonly graceMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The dataset was deleted: shares of it go too, and a commit that is under way is waited for. */
  readonly isDeleted?: boolean | undefined;
}

/** A generation as it was found, its lease taken away where the writer is dead. */
interface Generation {
  readonly name: string;
  readonly prefix: string;
  readonly files: readonly ObjectInfo[];
  readonly isWritten: boolean;
  readonly isDead: boolean;
  /** Though dead as far as is known, its writer may wake up. */
  readonly mayWake: boolean;
}

/**
 * Removes what one dataset has that nobody will read again: generations of dead writers, and replaced more than `graceMs`
 * ago; shares that were never committed. A generation that had files before the manifest was read, has no writer, and is
 * named by nothing, is superseded.
 * @returns bytes freed
 */
export async function vacuumDataset(vacuum: Vacuum, id: string, version: string): Promise<number> {
  const { store, manifests, slot, signal, isDeleted = false, graceMs } = vacuum;
  // Files, then leases, then shares, then the manifest. A writer begins with its lease and gives it up once the manifest,
  // or its share, is there: one that begins meanwhile has no files here, one that ends meanwhile is found to be live, or
  // to be named. One that lives though it was taken for dead finds its lease taken, and does not commit.
  const generations = await generationsIn(vacuum, dataFolder(id, version));
  const shares = new Shares(store, id, version);
  const shareFiles = await slot(() => shares.files({ signal }));
  // Shares are removed, and what they name, by one who keeps others from committing them.
  const commit = shareFiles.length > 0 ? await claimCommit(vacuum, shares.commitKey) : undefined;
  if (shareFiles.length > 0 && commit === undefined) return 0;
  try {
    const found = commit === undefined ? [] : await shares.list({ signal });
    if (generations.some(({ mayWake }) => mayWake)) await slot(() => fence(store, id, version, { signal }));
    const current = await manifests.current(id, version, { signal });
    if (current === 'unreadable') return 0;
    let freed = await vacuumBuildLease(vacuum, folderOf(id, version));
    const kept = current === 'none' ? new Set<string>() : generationsOf(current);
    const newestMs = Math.max(0, ...found.map(({ file }) => file.modifiedMs));
    const isAlive = generations.some(({ isWritten }) => isWritten) || isWithin(graceMs, newestMs);
    if (current === 'none' && !isDeleted && isAlive) {
      for (const generation of await shares.generations(found, { signal })) kept.add(generation);
    } else {
      const files = found.map(({ file }) => file);
      freed += await removeFiles(vacuum, files);
    }
    for (const generation of generations) {
      const supersededMs = current === 'none' ? newestOf(generation) : Date.parse(current.createdAt);
      freed += await vacuumGeneration(vacuum, generation, kept.has(generation.name), supersededMs);
    }
    return freed;
  } finally {
    await commit?.release().catch(() => undefined); // it ends with this process
  }
}

async function generationsIn(vacuum: Vacuum, folder: string): Promise<Generation[]> {
  const { store, slot, signal } = vacuum;
  const names = (await slot(() => store.listFolders(folder, { signal }))).filter(isGeneration);
  const generations: Generation[] = [];
  const look = async (name: string): Promise<void> => {
    const prefix = `${folder}${name}/`;
    const files = await slot(() => generationFiles(store, prefix, signal));
    const key = leaseKey(prefix);
    const judged = await slot(() => judgeLease(store, key, vacuum));
    const { state, isCertain } = judged;
    const isEnded = state === 'expired' || state === 'released';
    const isDead = isEnded && (await slot(() => takeAway(store, key, judged, released(), { signal })));
    const mayWake = isDead && isCertain !== true;
    generations.push({ name, prefix, files, isWritten: state !== 'none' && !isDead, isDead, mayWake });
  };
  await eachAtOnce(new Set(names), REQUESTS_AT_ONCE, look, signal);
  return generations;
}

/** Nobody's: should this vacuum fail, the next one goes on. */
function released(): LeaseRecord {
  return { ...newRecord(null, 0), isReleased: true };
}

async function claimCommit(vacuum: Vacuum, key: string): Promise<Claim | undefined> {
  const wait = waits(vacuum.signal);
  for (;;) {
    const commit = await claim(vacuum.store, key, vacuum, vacuum.watch, { signal: vacuum.signal });
    if (commit !== undefined || vacuum.isDeleted !== true) return commit;
    await wait();
  }
}

async function vacuumGeneration(
  vacuum: Vacuum,
  { prefix, files, isWritten, isDead }: Generation,
  isKept: boolean,
  supersededMs: number,
): Promise<number> {
  const { store, graceMs, signal } = vacuum;
  if (isWritten) return 0;
  const key = leaseKey(prefix);
  if (isKept) {
    // Its writer was killed just after the commit.
    if (isDead) await store.delete(key, { signal });
    return 0;
  }
  if (!isDead && isWithin(graceMs, supersededMs)) return 0;
  // The lease last: until then the rest is known to be of a dead writer.
  const [lease, rest] = [files.filter((file) => file.key === key), files.filter((file) => file.key !== key)];
  return (await removeFiles(vacuum, rest)) + (await removeFiles(vacuum, lease));
}

function newestOf({ files }: Generation): number {
  return files.reduce((newest, { modifiedMs }) => Math.max(newest, modifiedMs), 0);
}

/**
 * Removes a build lease that was released more than `graceMs` ago, or whose holder is dead. It is taken before, so that
 * nobody can hold it meanwhile.
 * @returns bytes freed
 */
async function vacuumBuildLease(vacuum: Vacuum, folder: string): Promise<number> {
  const { store, identity, graceMs, slot, signal } = vacuum;
  const key = buildLeaseKey(folder);
  const judged = await slot(() => judgeLease(store, key, vacuum));
  const { state, heardMs = 0 } = judged;
  if (state === 'none' || state === 'live') return 0;
  if (state === 'released' && isWithin(graceMs, heardMs)) return 0;
  const byteLength = (await store.head(key, { signal }))?.byteLength ?? 0;
  signal?.throwIfAborted(); // what is taken is not kept
  if (!(await takeAway(store, key, judged, newRecord(identity.self(), 0)))) return 0;
  return (await store.delete(key)) ? byteLength : 0;
}

/** Whether the writer of a part's file, of which nothing is to be seen yet, has ended: its lease tells. */
export async function isAbandoned(vacuum: Vacuum, key: string): Promise<boolean> {
  const [, folder] = /^(.*\/data\/[0-9a-f]{16}\/)[^/]+$/u.exec(key) ?? [];
  if (folder === undefined) return false;
  return (await judgeLease(vacuum.store, leaseKey(folder), vacuum)).state !== 'live';
}

async function removeFiles({ store, slot, signal }: Vacuum, files: readonly ObjectInfo[]): Promise<number> {
  let freed = 0;
  const remove = async ({ key, byteLength }: ObjectInfo): Promise<void> => {
    if (await slot(() => store.delete(key, { signal }))) freed += byteLength;
  };
  await eachAtOnce(files, REQUESTS_AT_ONCE, remove, signal);
  return freed;
}

function isWithin(graceMs: number, sinceMs: number): boolean {
  return Math.max(0, Date.now() - sinceMs) < graceMs;
}

/** Folders and files of other names are somebody else's, and never touched. */
export function isGeneration(name: string): boolean {
  return /^[0-9a-f]{16}$/u.test(name);
}
