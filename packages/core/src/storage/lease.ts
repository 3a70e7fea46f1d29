import { DataRefError } from '../errors.js';
import type { ObjectStore } from '../store/object-store.js';
import { startThreadBeats } from './beat-thread.js';
import { startLateBeats } from './late-beats.js';
import {
  isHeldAs,
  LEASE_TIMES,
  leaseKey,
  newRecord,
  readLease,
  type LeaseTimes,
  type WriterIdentity,
} from './lease-record.js';

/** A writer's sign of life in the folder of what it writes, until it is released. */
export interface Lease {
  isHeld(): Promise<boolean>;
  /** @throws DataRefError STORE_FAILED when others took the writer for dead, and may have removed what it wrote */
  check(): Promise<void>;
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly times?: LeaseTimes | undefined;
  /** The work may block this thread from the first moment on. */
  readonly mayBlock?: boolean | undefined;
}

/** Marks a generation's folder as being written, and keeps saying so. The lease is the first object in the folder. */
export async function takeLease(
  store: ObjectStore,
  folder: string,
  identity: WriterIdentity,
  { times: { beatMs, leaseMs } = LEASE_TIMES, mayBlock = false }: LeaseOptions = {},
): Promise<Lease> {
  const key = leaseKey(folder);
  const record = newRecord(identity.self(), 1);
  await store.put(key, new TextEncoder().encode(JSON.stringify(record)));
  const start = mayBlock ? startThreadBeats : startLateBeats;
  const beats = await start(store, { key, record }, beatMs);
  return {
    isHeld: async () => isHeldAs(await readLease(store, key), record),
    async check() {
      const seen = await readLease(store, key);
      if (isHeldAs(seen, record)) return;
      throw new DataRefError(
        'STORE_FAILED',
        `${store.description}: ${key} is ${seen === undefined ? 'gone' : "another's"}. This writer was not heard of for ${leaseMs / 1000} s, so that a vacuum took it for dead and removed what it had written; submit again`,
        { details: { key } },
      );
    },
    async release() {
      await beats.stop();
      await store.delete(key);
    },
  };
}
