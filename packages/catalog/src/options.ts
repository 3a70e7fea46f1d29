import type { ProgressOptions } from '@dataref/core';
import type { IoOptions } from '@dataref/core/store';
import type { Metadata } from './record/types.js';

export interface WriteOptions extends ProgressOptions {
  /** JSON of one's own, up to 64 KiB. */
  readonly metadata?: Metadata | undefined;
  /** Names for this version, taken from the versions that had them: `load('reviews@best')`. */
  readonly tags?: readonly string[] | undefined;
}

export interface SaveOptions extends WriteOptions {
  /** Columns that have one string, boolean or whole number a record: the records of each value are stored by themselves. */
  readonly partitionBy?: readonly string[] | undefined;
}

export type SaveBlobOptions = Omit<WriteOptions, 'onProgress'>;
export type { IoOptions };
