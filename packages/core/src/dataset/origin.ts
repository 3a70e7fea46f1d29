import type { Manifest } from '../format/manifest.js';
import { StoredRows } from '../rows/stored-rows.js';
import type { ObjectStore } from '../store/object-store.js';
import { RowDataset } from './row-dataset.js';

/** Where a dataset is stored. */
export interface Origin {
  readonly store: ObjectStore;
  /** As it was when the dataset was opened. */
  readonly manifest: Manifest;
}

/** Where a DataRef is stored that has all records of one stored dataset, as they are; undefined for any other. */
export function originOf(dataref: unknown): Origin | undefined {
  if (!(dataref instanceof RowDataset) || !(dataref.rows instanceof StoredRows)) return undefined;
  return dataref.rows.parts;
}
