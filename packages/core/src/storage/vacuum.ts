import type { ObjectInfo, ObjectStore } from '../store/object-store.js';
import type { Current } from './manifests.js';
import { leaseKey, leaseState, type WriterIdentity } from './lease.js';

/**
 * Removes the generations of one dataset that nobody will read again: of dead writers, and replaced more than `graceMs`
 * ago. A generation that had files before the manifest was read, has no writer, and is not the manifest's, is superseded.
 * @returns bytes freed
 */
export async function vacuumGenerations(
  store: ObjectStore,
  folder: string,
  currentOf: () => Promise<Current>,
  identity: WriterIdentity,
  graceMs: number,
): Promise<number> {
  // Files, then leases, then the manifest. A writer begins with its lease and gives it up once the manifest is its own:
  // one that begins meanwhile has no files here, one that commits meanwhile is found to be live, or to be current.
  const generations = await Promise.all(
    (await store.listFolders(`${folder}data/`)).filter(isGeneration).map(async (name) => {
      const prefix = `${folder}data/${name}/`;
      const objects = await listAll(store, prefix);
      return { name, prefix, objects, lease: await leaseState(store, prefix, identity) };
    }),
  );
  const current = await currentOf();
  if (current === 'unreadable') return 0;
  let freed = 0;
  for (const { name, prefix, objects, lease } of generations) {
    if (lease === 'live') continue;
    if (current !== 'none' && current.generation === name) {
      // Its writer was killed just after the commit.
      if (lease === 'expired') await store.delete(leaseKey(prefix));
      continue;
    }
    const newestMs = Math.max(0, ...objects.map(({ modifiedMs }) => modifiedMs));
    const supersededMs = current === 'none' ? newestMs : Date.parse(current.createdAt);
    if (lease === 'none' && Math.max(0, Date.now() - supersededMs) < graceMs) continue;
    // The lease last: until then the rest is known to be of a dead writer.
    const isLease = ({ key }: ObjectInfo): number => Number(key === leaseKey(prefix));
    for (const { key, byteLength } of objects.toSorted((a, b) => isLease(a) - isLease(b))) {
      if (await store.delete(key)) freed += byteLength;
    }
  }
  return freed;
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
