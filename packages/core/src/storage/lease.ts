import { DataRefError } from '../errors.js';
import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { startThreadBeats } from './beat-thread.js';
import { startLateBeats } from './late-beats.js';
import {
  readHeld,
  LEASE_TIMES,
  leaseKey,
  newRecord,
  readLease,
  type LeaseTimes,
  type WriterIdentity,
} from './lease-record.js';

/** A writer's sign of life in the folder of what it writes, until it is released. */
export interface Lease {
  isHeld(options?: IoOptions): Promise<boolean>;
  /** @throws DataRefError STORE_FAILED when others took the writer for dead, and may have removed what it wrote */
  check(options?: IoOptions): Promise<void>;
  release(): Promise<void>;
}

export interface LeaseOptions extends IoOptions {
  readonly times?: LeaseTimes | undefined;
  /** The work may block this thread from the first moment on. */
  readonly mayBlock?: boolean | undefined;
}

/** Marks a generation's folder as being written, and keeps saying so. The lease is the first object in the folder. */
export async function takeLease(
  store: ObjectStore,
  folder: string,
  identity: WriterIdentity,
  { times: { beatMs, leaseMs } = LEASE_TIMES, mayBlock = false, signal }: LeaseOptions = {},
): Promise<Lease> {
  const key = leaseKey(folder);
  const record = newRecord(identity.self(), 1);
  try {
    await store.put(key, new TextEncoder().encode(JSON.stringify(record)), { signal });
  } catch (error) {
    await store.delete(key).catch(() => undefined); // it may have come to pass all the same
    throw error;
  }
  const start = mayBlock ? startThreadBeats : startLateBeats;
  const beats = await start(store, { key, record }, beatMs);
  return {
    isHeld: async (options) => (await readHeld(store, key, record, options?.signal)) !== undefined,
    async check(options) {
      if ((await readHeld(store, key, record, options?.signal)) !== undefined) return;
      const seen = await readLease(store, key, options?.signal);
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
