import { RowDataset } from '../dataset/row-dataset.js';
import type { Storage } from './types.js';

/** Where a dataset is stored. */
export interface StoredAs {
  readonly storage: Storage;
  readonly id: string;
  readonly version: string;
}

const storages = new WeakMap<object, Storage>();

/** Remembers which storage opened a dataset. */
export function rememberStorage<D extends object>(dataset: D, storage: Storage): D {
  storages.set(dataset, storage);
  return dataset;
}

/** Where a DataRef is stored as it is: undefined for parts of one, for what is in memory, and for the user's own. */
export function storedIn(dataref: object): StoredAs | undefined {
  const storage = storages.get(dataref);
  if (storage === undefined || !(dataref instanceof RowDataset)) return undefined;
  const { id, version } = dataref.rows;
  return { storage, id, version };
}
