import type { Manifest } from '../format/manifest.js';
import type { ObjectStore } from '../store/object-store.js';
import { leaseState, type WriterIdentity } from './lease.js';

/**
 * Removes generations that nobody will read again: of dead writers, and replaced more than `graceMs` ago.
 * A generation that was there before the manifest was read, has no writer, and is not the manifest's, is superseded.
 * @returns bytes freed
 */
export async function vacuumDatasets(
  store: ObjectStore,
  folders: readonly string[],
  currentOf: (folder: string) => Promise<Manifest | 'none' | 'unreadable'>,
  identity: WriterIdentity,
  graceMs: number,
  report: (done: number) => void,
): Promise<number> {
  let freed = 0;
  for (const [i, folder] of folders.entries()) {
    // Objects first: a writer's lease is the first of them. Leases next, the manifest last: a writer that commits in
    // between is found to be live, or to be current. What comes later was not listed, and is not touched.
    const names = await store.listFolders(`${folder}data/`);
    const contents = await Promise.all(names.map((name) => listAll(store, `${folder}data/${name}/`)));
    const leases = await Promise.all(names.map((name) => leaseState(store, `${folder}data/${name}/`, identity)));
    const current = await currentOf(folder);
    for (const [g, name] of names.entries()) {
      if (leases[g] === 'live' || current === 'unreadable') continue;
      if (current !== 'none' && current.generation === name) continue;
      const objects = contents[g] ?? [];
      const newestMs = Math.max(0, ...objects.map(({ modifiedMs }) => modifiedMs));
      const supersededMs = current === 'none' ? newestMs : Date.parse(current.createdAt);
      if (leases[g] === 'none' && Date.now() - supersededMs < graceMs) continue;
      for (const { key, byteLength } of objects) if (await store.delete(key)) freed += byteLength;
    }
    report(i + 1);
  }
  return freed;
}

async function listAll(store: ObjectStore, prefix: string) {
  const objects = [];
  for await (const info of store.list(prefix)) objects.push(info);
  return objects;
}
