import { generationsOf } from '../format/part-files.js';
import type { ObjectInfo, ObjectStore } from '../store/object-store.js';
import { eachAtOnce, REQUESTS_AT_ONCE, type Slots } from './at-once.js';
import { claim, type Claim, type Claimant } from './claim.js';
import { generationFiles } from './generation-files.js';
import { leaseKey, leaseState } from './lease.js';
import { folderOf, type Manifests } from './manifests.js';
import { Shares } from './shares.js';

/** Between two looks at a commit that is under way. */
const COMMIT_POLL_MS = 100;

/** Who removes what, and how old it must be. */
export interface Vacuum extends Claimant {
  readonly store: ObjectStore;
  readonly manifests: Manifests;
  readonly slot: Slots;
  readonly graceMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The dataset was deleted: shares of it go too, and a commit that is under way is waited for. */
  readonly isDeleted?: boolean | undefined;
}

interface Generation {
  readonly name: string;
  readonly prefix: string;
  readonly files: readonly ObjectInfo[];
  readonly lease: 'live' | 'expired' | 'none';
}

/**
 * Removes the generations of one dataset that nobody will read again: of dead writers, and replaced more than `graceMs`
 * ago. A generation that had files before the manifest was read, has no writer, and is not the manifest's, is superseded.
 * @returns bytes freed
 */
export async function vacuumDataset(vacuum: Vacuum, id: string, version: string): Promise<number> {
  const { store, manifests, slot, signal, isDeleted = false } = vacuum;
  // Files, then leases, then shares, then the manifest. A writer begins with its lease and gives it up once the manifest,
  // or its share, is there: one that begins meanwhile has no files here, one that ends meanwhile is found to be live, or
  // to be named.
  const generations = await generationsIn(vacuum, `${folderOf(id, version)}data/`);
  const shares = new Shares(store, id, version);
  const shareFiles = await slot(() => shares.files({ signal }));
  // Shares are removed, and what they named, by one who keeps others from committing them.
  const commit = shareFiles.length > 0 ? await claimCommit(vacuum, shares.commitKey) : undefined;
  if (shareFiles.length > 0 && commit === undefined) return 0;
  let freed = 0;
  try {
    const named = commit === undefined ? [] : await shares.list({ signal });
    const current = await manifests.current(id, version);
    if (current === 'unreadable') return 0;
    const kept = current === 'none' ? new Set<string>() : generationsOf(current);
    const newestMs = Math.max(0, ...named.map(({ file }) => file.modifiedMs));
    const isAlive = generations.some(({ lease }) => lease === 'live') || isWithin(vacuum.graceMs, newestMs);
    if (current === 'none' && !isDeleted && isAlive)
      for (const generation of await shares.generations(named, { signal })) kept.add(generation);
    else
      freed += await removeFiles(
        vacuum,
        named.map(({ file }) => file),
      );
    const replacedMs = current === 'none' ? undefined : Date.parse(current.createdAt);
    for (const generation of generations) {
      if (kept.has(generation.name)) await forgetWriter(vacuum, generation);
      else freed += await vacuumGeneration(vacuum, generation, replacedMs);
    }
  } finally {
    await commit?.release().catch(() => undefined); // it ends with this process
  }
  return freed;
}

async function generationsIn(vacuum: Vacuum, folder: string): Promise<Generation[]> {
  const { store, slot, identity, signal } = vacuum;
  const names = (await slot(() => store.listFolders(folder, { signal }))).filter(isGeneration);
  const generations: Generation[] = [];
  await eachAtOnce(
    new Set(names),
    REQUESTS_AT_ONCE,
    async (name) => {
      const prefix = `${folder}${name}/`;
      const files = await slot(() => generationFiles(store, prefix, signal));
      generations.push({ name, prefix, files, lease: await slot(() => leaseState(store, prefix, identity)) });
    },
    signal,
  );
  return generations;
}

async function claimCommit(vacuum: Vacuum, key: string): Promise<Claim | undefined> {
  for (;;) {
    const commit = await claim(vacuum.store, key, vacuum);
    if (commit !== undefined || vacuum.isDeleted !== true) return commit;
    vacuum.signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, COMMIT_POLL_MS));
  }
}

/** A writer that was killed just after its commit. */
async function forgetWriter({ store, signal }: Vacuum, { prefix, lease }: Generation): Promise<void> {
  if (lease === 'expired') await store.delete(leaseKey(prefix), { signal });
}

async function vacuumGeneration(
  vacuum: Vacuum,
  { prefix, files, lease }: Generation,
  replacedMs: number | undefined,
): Promise<number> {
  if (lease === 'live') return 0;
  if (lease === 'none') {
    const supersededMs = replacedMs ?? Math.max(0, ...files.map(({ modifiedMs }) => modifiedMs));
    return isWithin(vacuum.graceMs, supersededMs) ? 0 : removeFiles(vacuum, files);
  }
  // A copy may go on with what another left: only one of us gets it. The lease is the last to go; until then the rest is
  // known to be of a dead writer.
  const own = await claim(vacuum.store, leaseKey(prefix), vacuum);
  if (own === undefined) return 0;
  try {
    const isLease = ({ key }: ObjectInfo): boolean => key === leaseKey(prefix);
    const freed = await removeFiles(
      vacuum,
      files.filter((file) => !isLease(file)),
    );
    await own.release();
    return freed + (files.find(isLease)?.byteLength ?? 0);
  } catch (error) {
    await own.abandon().catch(() => undefined);
    throw error;
  }
}

async function removeFiles({ store, slot, signal }: Vacuum, files: readonly ObjectInfo[]): Promise<number> {
  let freed = 0;
  await eachAtOnce(
    files,
    REQUESTS_AT_ONCE,
    async ({ key, byteLength }) => {
      if (await slot(() => store.delete(key, { signal }))) freed += byteLength;
    },
    signal,
  );
  return freed;
}

function isWithin(graceMs: number, sinceMs: number): boolean {
  return Math.max(0, Date.now() - sinceMs) < graceMs;
}

/** Folders and files of other names are somebody else's, and never touched. */
export function isGeneration(name: string): boolean {
  return /^[0-9a-f]{16}$/u.test(name);
}
