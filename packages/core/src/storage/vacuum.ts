import type { ObjectInfo, ObjectStore } from '../store/object-store.js';
import type { Current } from './manifests.js';
import { judgeLease, takeAway } from './judge-lease.js';
import { buildLeaseKey, leaseKey, newRecord, type LeaseRecord } from './lease-record.js';
import type { StorageParts } from './storage-parts.js';

/**
 * Removes the generations of one dataset that nobody will read again: of dead writers, and replaced more than `graceMs`
 * ago. A generation that had files before the manifest was read, has no writer, and is not the manifest's, is superseded.
 * @returns bytes freed
 */
export async function vacuumGenerations(
  { store, identity, leaseTimes }: StorageParts,
  folder: string,
  currentOf: () => Promise<Current>,
  graceMs: number,
): Promise<number> {
  // Files, then leases, then the manifest. A writer begins with its lease and gives it up once the manifest is its own:
  // one that begins meanwhile has no files here, one that commits meanwhile is found to be live, or to be current. One
  // that lives though it was taken for dead finds its lease taken, and does not commit.
  const generations = await Promise.all(
    (await store.listFolders(`${folder}data/`)).filter(isGeneration).map(async (name) => {
      const prefix = `${folder}data/${name}/`;
      const objects = await listAll(store, prefix);
      const { state, seen } = await judgeLease(store, leaseKey(prefix), identity, leaseTimes);
      const isDead =
        seen !== undefined && state !== 'live' && (await takeAway(store, leaseKey(prefix), seen, released()));
      return { name, prefix, objects, isWritten: seen !== undefined && !isDead, isDead };
    }),
  );
  const current = await currentOf();
  if (current === 'unreadable') return 0;
  let freed = await vacuumBuildLease({ store, identity, leaseTimes }, folder, graceMs);
  for (const { name, prefix, objects, isWritten, isDead } of generations) {
    if (isWritten) continue;
    if (current !== 'none' && current.generation === name) {
      // Its writer was killed just after the commit.
      if (isDead) await store.delete(leaseKey(prefix));
      continue;
    }
    const newestMs = Math.max(0, ...objects.map(({ modifiedMs }) => modifiedMs));
    const supersededMs = current === 'none' ? newestMs : Date.parse(current.createdAt);
    if (!isDead && Math.max(0, Date.now() - supersededMs) < graceMs) continue;
    // The lease last: until then the rest is known to be of a dead writer.
    const isLease = ({ key }: ObjectInfo): number => Number(key === leaseKey(prefix));
    for (const { key, byteLength } of objects.toSorted((a, b) => isLease(a) - isLease(b))) {
      if (await store.delete(key)) freed += byteLength;
    }
  }
  return freed;
}

/**
 * Removes a build lease that was released more than `graceMs` ago, or whose holder is dead. It is taken before, so that
 * nobody can hold it meanwhile.
 * @returns bytes freed
 */
async function vacuumBuildLease(
  { store, identity, leaseTimes }: Pick<StorageParts, 'store' | 'identity' | 'leaseTimes'>,
  folder: string,
  graceMs: number,
): Promise<number> {
  const key = buildLeaseKey(folder);
  const { state, seen, heardMs = 0 } = await judgeLease(store, key, identity, leaseTimes);
  if (state === 'none' || state === 'live' || seen === undefined) return 0;
  if (state === 'released' && Math.max(0, Date.now() - heardMs) < graceMs) return 0;
  const byteLength = (await store.head(key))?.byteLength ?? 0;
  if (!(await takeAway(store, key, seen, newRecord(identity.self(), 0)))) return 0;
  return (await store.delete(key)) ? byteLength : 0;
}

/** Nobody's: should this vacuum fail, the next one goes on. */
function released(): LeaseRecord {
  return { ...newRecord(null, 0), isReleased: true };
}

/** Folders and files of other names are somebody else's, and never touched. */
export function isGeneration(name: string): boolean {
  return /^[0-9a-f]{16}$/u.test(name);
}

async function listAll(store: ObjectStore, prefix: string): Promise<ObjectInfo[]> {
  const objects = [];
  for await (const info of store.list(prefix)) {
    if (/^(?:\d{8}\.(?:arrow|head)|writer\.json)$/u.test(info.key.slice(prefix.length))) objects.push(info);
  }
  return objects;
}
