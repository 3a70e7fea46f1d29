import { afterEach } from '@jest/globals';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { withCache, type CacheOptions } from '@dataref/core/cache';
import type { CachingStore } from '../../../dist/store/cache/caching-store.js';
import type { ObjectStore } from '../../../dist/store/object-store.js';

const made: CachingStore[] = [];
afterEach(async () => {
  await Promise.all(made.splice(0).map((cache) => cache.close()));
});

/** A cache that is closed after the test. */
export function makeCache(store: ObjectStore, options: CacheOptions): CachingStore {
  const cache = withCache(store, options) as CachingStore;
  made.push(cache);
  return cache;
}

/** Paths of all finished copies below a directory. */
export function copiesIn(directory: string): string[] {
  return filesIn(directory).filter((path) => /\/[0-9a-f]{32}\.\d+$/u.test(path));
}

export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

export function bytesIn(directory: string): number {
  return filesIn(directory).reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited 30 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
