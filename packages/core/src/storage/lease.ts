import type { ObjectStore } from '../store/object-store.js';

const HEARTBEAT_MS = 5_000;
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
  release(): Promise<void>;
}

const leaseKey = (folder: string): string => `${folder}writer.json`;

/** Marks a generation's folder as being written, and keeps saying so. */
export async function takeLease(store: ObjectStore, folder: string, identity: WriterIdentity): Promise<Lease> {
  const beat = async (): Promise<void> => {
    const text = JSON.stringify({ writer: identity.self(), beatMs: Date.now() });
    await store.put(leaseKey(folder), new TextEncoder().encode(text));
  };
  await beat();
  let beating: Promise<void> = Promise.resolve();
  // A beat that fails is no failure of the work: the next one, or the work itself, will tell.
  const timer = setInterval(() => {
    beating = beat().catch(() => undefined);
  }, HEARTBEAT_MS);
  timer.unref?.();
  return {
    async release() {
      clearInterval(timer);
      await beating;
      await store.delete(leaseKey(folder));
    },
  };
}

/** Whether a generation is being written: `none` where no writer ever said so, or it said that it was done. */
export async function leaseState(
  store: ObjectStore,
  folder: string,
  identity: WriterIdentity,
): Promise<'live' | 'expired' | 'none'> {
  const bytes = await store.get(leaseKey(folder), LIMIT_BYTES);
  if (bytes === undefined) return 'none';
  let lease: { writer?: unknown; beatMs?: unknown } = {};
  try {
    lease = JSON.parse(new TextDecoder().decode(bytes)) as typeof lease;
  } catch {
    // cut short by a crash: nobody writes it any more
    return 'expired';
  }
  const runs = identity.isRunning(lease.writer);
  if (runs !== undefined) return runs ? 'live' : 'expired';
  return Date.now() - Number(lease.beatMs) < SILENT_MS ? 'live' : 'expired';
}
