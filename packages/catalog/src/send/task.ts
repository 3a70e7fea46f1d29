import type { Schema } from '@dataref/core';
import type { Failure } from './failure.js';
import type { Place } from './places.js';
import type { ShareRange } from './share-plan.js';
import type { FunctionName } from './user-function.js';

/** Call the function once. */
export interface CallTask {
  readonly kind: 'call';
  readonly fn: FunctionName;
  readonly args: readonly unknown[];
  /** For messages: what the call is given. */
  readonly on: string;
}

/** A dataset where workers find it. */
export interface PlacedDataset {
  readonly place: Place;
  readonly id: string;
  readonly version: string;
}

/** Run the function over some records of a dataset, and write what it gives as one share of another. */
export interface ShareTask {
  readonly kind: 'share';
  readonly fn: FunctionName;
  readonly args: readonly unknown[];
  /** For messages: of the records. */
  readonly dataset: string;
  readonly input: PlacedDataset & { readonly fingerprint: string };
  readonly output: PlacedDataset & { readonly of: number };
  readonly range: ShareRange;
  /** Records of one batch; undefined: the function is given records. */
  readonly batchSize: number | undefined;
  readonly schema: Schema | undefined;
}

export type Task = CallTask | ShareTask;

export type Answer = { readonly value: unknown } | { readonly failure: Failure };
