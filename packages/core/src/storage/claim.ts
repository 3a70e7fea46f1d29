import { DataRefError } from '../errors.js';
import type { ObjectStore } from '../store/object-store.js';
import { HEARTBEAT_MS, isLive, readLease, type WriterIdentity } from './lease.js';

/** Who claims, and a name of 16 digits that nobody else has. */
export interface Claimant {
  readonly identity: WriterIdentity;
  readonly nonce: () => string;
}

/** A lease that only one of many can hold: it is taken, kept and given up by comparing it with what was last seen. */
export interface Claim {
  /** @throws DataRefError STORE_FAILED when others took the holder for dead */
  check(): Promise<void>;
  /** Removes the lease. */
  release(): Promise<void>;
  /** Leaves it to whoever comes next, at once. */
  abandon(): Promise<void>;
}

/**
 * Takes the lease under a key where there is none, or from one who is dead.
 * @param purpose what it says besides who holds it
 * @returns undefined where another holds it
 */
export async function claim(
  store: ObjectStore,
  key: string,
  { identity, nonce }: Claimant,
  purpose: Readonly<Record<string, unknown>> = {},
): Promise<Claim | undefined> {
  const name = nonce();
  const encode = (more: object = {}): Uint8Array => {
    const content = { writer: identity.self(), beatMs: Date.now(), nonce: name, ...purpose, ...more };
    return new TextEncoder().encode(JSON.stringify(content));
  };
  let version = await store.put(key, encode(), { ifAbsent: true });
  if (version === undefined) {
    const found = await readLease(store, key);
    if (found !== undefined && (await isLive(store, key, found, identity))) return undefined;
    // What is too long to be a lease is nobody's of ours, and has no version that it could be compared with.
    if (found?.version === '') await store.delete(key);
    const condition = found === undefined || found.version === '' ? { ifAbsent: true } : { ifVersion: found.version };
    version = await store.put(key, encode(), condition);
  }
  if (version === undefined) return undefined;

  let held: string | undefined = version;
  const beat = async (more?: object): Promise<void> => {
    if (held !== undefined) held = await store.put(key, encode(more), { ifVersion: held });
  };
  let beating: Promise<void> | undefined;
  const timer = setInterval(() => {
    // A beat that fails is no failure of the work: the next one, or the work itself, will tell.
    beating ??= beat()
      .catch(() => undefined)
      .finally(() => (beating = undefined));
  }, HEARTBEAT_MS);
  timer.unref?.();
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    await beating;
  };
  return {
    async check() {
      await beating;
      await beat();
      if (held !== undefined) return;
      throw new DataRefError(
        'STORE_FAILED',
        `${store.description}: ${key} is held by another. This process was not heard of for so long that it was taken for dead; try again`,
        { details: { key } },
      );
    },
    async release() {
      await stop();
      if (held !== undefined && (await readLease(store, key))?.version === held) await store.delete(key);
      held = undefined;
    },
    async abandon() {
      await stop();
      await beat({ hasEnded: true });
      held = undefined;
    },
  };
}
