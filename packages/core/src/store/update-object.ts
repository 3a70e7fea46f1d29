import { DataRefError } from '../errors.js';
import type { IoOptions, ObjectStore, StoredObject } from './object-store.js';
import { pause } from './pause.js';

/** Others were faster every time. Each of these times one of them got on. */
const MOST_ATTEMPTS = 1_000;
const MOST_DELAY_MS = 200;

/**
 * Writes what `change` makes of an object, on the condition that it is still the same one; if not, begins anew after a
 * random time, so that nothing that others write is lost.
 * @param change is given what is there, and gives what is to be; undefined leaves it as it is
 * @throws DataRefError TIMEOUT when others wrote the same object so many times meanwhile; what the store throws
 */
export async function updateObject(
  store: ObjectStore,
  key: string,
  limitBytes: number,
  change: (held: StoredObject | undefined) => Promise<Uint8Array | undefined>,
  { signal }: IoOptions = {},
): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    if (attempt > 0) await pause(Math.random() * Math.min(MOST_DELAY_MS, 2 ** attempt), signal);
    const held = await store.get(key, limitBytes, { signal });
    // Asked for before the bytes are changed: it may be computed from them.
    const condition = held === undefined ? { ifAbsent: true } : { ifVersion: held.version };
    const bytes = await change(held);
    if (bytes === undefined) return;
    if ((await store.put(key, bytes, { ...condition, signal })) !== undefined) return;
  }
  throw new DataRefError('TIMEOUT', `${key}: others wrote it ${MOST_ATTEMPTS} times while this was to be written`, {
    details: { key, isTransient: true },
  });
}
