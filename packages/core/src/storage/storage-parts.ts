import type { MemoryBudget } from '../rows/stored-rows.js';
import type { ObjectStore } from '../store/object-store.js';
import type { LeaseTimes, WriterIdentity } from './lease-record.js';

/** What a DatasetStorage is made of: the store, and what the runtime gives. */
export interface StorageParts {
  readonly store: ObjectStore;
  readonly identity: WriterIdentity;
  readonly budget: MemoryBudget;
  /** Small values and offsets of a dataset, up to this size, are read once and kept. Default: a quarter of the budget. */
  readonly headLimitBytes?: number | undefined;
  /** Compare checksums on positional reads too. */
  readonly verifyReads: boolean;
  /**
   * From a store that is far away: 'ranges' reads nothing but the records that are asked for, with 'parts' and 'auto'
   * (default) a dataset that fits the budget is loaded into memory while it is streamed.
   */
  readonly read?: 'ranges' | 'parts' | 'auto' | undefined;
  /** 16 hexadecimal digits, never the same twice. */
  readonly nonce: () => string;
  /** Default: a beat every 5 s, and 60 s of silence. */
  readonly leaseTimes?: LeaseTimes | undefined;
}
