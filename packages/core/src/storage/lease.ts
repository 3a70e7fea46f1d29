import { DataRefError, isDataRefError } from '../errors.js';
import type { ObjectStore } from '../store/object-store.js';

export const HEARTBEAT_MS = 5_000;
/** A writer on another host that has not been heard of for so long is taken for dead. */
const SILENT_MS = 60_000;
const LIMIT_BYTES = 4096;

/** Tells who a writer is, and whether another one still runs; undefined where only its silence can tell. */
export interface WriterIdentity {
  readonly self: () => unknown;
  readonly isRunning: (writer: unknown) => boolean | undefined;
}

/** A writer's sign of life in the folder of what it writes, until it is released. */
export interface Lease {
  /** @throws DataRefError STORE_FAILED when others took the writer for dead, and may have removed what it wrote */
  check(): Promise<void>;
  release(): Promise<void>;
}

export const leaseKey = (folder: string): string => `${folder}writer.json`;

/** Marks a generation's folder as being written, and keeps saying so. The lease is the first object in the folder. */
export async function takeLease(store: ObjectStore, folder: string, identity: WriterIdentity): Promise<Lease> {
  const key = leaseKey(folder);
  const beat = async (): Promise<void> => {
    const text = JSON.stringify({ writer: identity.self(), beatMs: Date.now() });
    await store.put(key, new TextEncoder().encode(text));
  };
  const isHeld = async (): Promise<boolean> => (await store.head(key)) !== undefined;
  await beat();
  let beating: Promise<void> | undefined;
  const timer = setInterval(() => {
    // One at a time, so that none outlives the release. A lease that is gone was taken away, and stays so.
    beating ??= isHeld()
      .then((held) => (held ? beat() : undefined))
      // A beat that fails is no failure of the work: the next one, or the work itself, will tell.
      .catch(() => undefined)
      .finally(() => (beating = undefined));
  }, HEARTBEAT_MS);
  timer.unref?.();
  return {
    async check() {
      if (await isHeld()) return;
      throw new DataRefError(
        'STORE_FAILED',
        `${store.description}: ${key} is gone. This writer was not heard of for ${SILENT_MS / 1000} s, so that a vacuum took it for dead and removed what it had written; submit again`,
        { details: { key } },
      );
    },
    async release() {
      clearInterval(timer);
      await beating;
      await store.delete(key);
    },
  };
}

/** Whether a generation is being written: `none` where no writer ever said so, or it said that it was done. */
export async function leaseState(
  store: ObjectStore,
  folder: string,
  identity: WriterIdentity,
): Promise<'live' | 'expired' | 'none'> {
  const key = leaseKey(folder);
  const lease = await readLease(store, key);
  if (lease === undefined) return 'none';
  return (await isLive(store, key, lease, identity)) ? 'live' : 'expired';
}

/** What a lease says, none of it checked. */
export interface LeaseContent {
  readonly version: string;
  readonly writer?: unknown;
  readonly beatMs?: unknown;
  /** What is copied, where a copy writes. */
  readonly copies?: unknown;
  /** The writer has left what it wrote to others. */
  readonly hasEnded?: unknown;
}

/** Whether the writer of a lease is at work, as far as anybody can tell. */
export async function isLive(
  store: ObjectStore,
  key: string,
  lease: LeaseContent,
  identity: WriterIdentity,
): Promise<boolean> {
  if (lease.hasEnded === true) return false;
  const runs = identity.isRunning(lease.writer);
  if (runs !== undefined) return runs;
  // Two clocks, the writer's and the store's: one that is wrong must not make a writer look dead.
  const modifiedMs = (await store.head(key))?.modifiedMs ?? 0;
  const heardMs = Math.max(modifiedMs, Number(lease.beatMs) || 0);
  return Date.now() - heardMs < SILENT_MS;
}

/** The lease under a key; one without content where it says nothing of a writer, so that only its age tells. */
export async function readLease(store: ObjectStore, key: string): Promise<LeaseContent | undefined> {
  let version = '';
  try {
    const held = await store.get(key, LIMIT_BYTES);
    if (held === undefined) return undefined;
    version = held.version;
    const content = Object(JSON.parse(new TextDecoder().decode(held.bytes))) as Omit<LeaseContent, 'version'>;
    return { ...content, version };
  } catch (error) {
    if (error instanceof SyntaxError || isDataRefError(error, 'CORRUPT')) return { version };
    throw error;
  }
}
