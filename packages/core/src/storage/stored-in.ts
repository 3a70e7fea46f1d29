import { originOf } from '../dataset/origin.js';
import type { ObjectStore } from '../store/object-store.js';
import type { Storage } from './types.js';

/** A stored dataset, and the storage that opened it. */
export interface StoredAs {
  readonly storage: Storage;
  readonly id: string;
  readonly version: string;
}

const storages = new WeakMap<ObjectStore, Storage>();

/** Remembers which storage is over a store; of several the last. */
export function rememberStorage(store: ObjectStore, storage: Storage): void {
  storages.set(store, storage);
}

/** Where a DataRef is stored that has all records of one stored dataset, as they are; undefined for any other. */
export function storedIn(dataref: unknown): StoredAs | undefined {
  const origin = originOf(dataref);
  const storage = origin && storages.get(origin.store);
  if (origin === undefined || storage === undefined) return undefined;
  const { id, version } = origin.manifest;
  return { storage, id, version };
}
