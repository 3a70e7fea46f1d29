import type { Schema } from '@dataref/core';

/** A dataset of the storage that is a table, or a piece of one. */
export interface Segment {
  readonly id: string;
  readonly version: string;
  readonly length: number;
  readonly byteLength: number;
  readonly fingerprint: string;
  /** It was saved by its user before, who alone deletes it. */
  readonly isLinked: boolean;
  /** Of each column in the table's `partitionBy`: what all its records have, as text. */
  readonly values: readonly string[];
}

interface Saved {
  readonly version: number;
  /** Names the save: no two have the same. */
  readonly token: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly byteLength: number;
  readonly fingerprint: string;
  readonly metadata: Metadata;
}

export interface TableVersion extends Saved {
  readonly kind: 'table';
  readonly length: number;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  readonly segments: readonly Segment[];
}

export interface BlobVersion extends Saved {
  readonly kind: 'blob';
  readonly key: string;
}

export type Version = TableVersion | BlobVersion;

/** JSON of the user's own. */
export type Metadata = Readonly<Record<string, unknown>>;

/** A rename, as the record of the old name tells it until it is settled. */
export interface Leaving {
  readonly to: string;
  readonly token: string;
}

/** A rename, as the record of the new name tells how it was decided. */
export interface Arriving {
  readonly from: string;
  readonly token: string;
  readonly outcome: 'arrived' | 'refused';
}

/** The last rename of a name that was settled. */
export interface Left extends Leaving {
  readonly outcome: Arriving['outcome'];
}

/** All that is known of a name: its history, oldest first. Without versions, what is left of one that was deleted or renamed. */
export interface CatalogRecord {
  readonly name: string;
  /** Another with each change. */
  readonly revision: string;
  readonly changedAt: string;
  /** Number of the version that was saved last, though it be deleted: a number is not given twice. */
  readonly lastVersion: number;
  /** Numbers of versions by tag. */
  readonly tags: Readonly<Record<string, number>>;
  readonly versions: readonly Version[];
  readonly leaving?: Leaving | undefined;
  readonly arriving?: Arriving | undefined;
  readonly left?: Left | undefined;
}
