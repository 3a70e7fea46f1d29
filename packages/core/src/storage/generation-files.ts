import type { ObjectStore } from '../store/object-store.js';
import { eachAtOnce, REQUESTS_AT_ONCE } from './at-once.js';
import { leaseKey } from './lease-record.js';
import { filesBelow } from './listing.js';

const GENERATION_FILE = /^(?:\d{8}\.(?:arrow|head)|writer\.json)$/u;

/** A generation's files, and nothing that others keep beside them. */
export function generationFiles(store: ObjectStore, folder: string, signal?: AbortSignal) {
  return filesBelow(store, folder, GENERATION_FILE, { signal });
}

/** Removes what a writer has written, but for its lease. */
export async function removeGeneration(store: ObjectStore, folder: string): Promise<void> {
  const files = (await generationFiles(store, folder)).filter(({ key }) => key !== leaseKey(folder));
  await eachAtOnce(files, REQUESTS_AT_ONCE, async ({ key }) => void (await store.delete(key)));
}
