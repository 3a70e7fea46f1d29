import type { ColumnRequest } from '../rows/row-source.js';
import type { Schema } from '../schema/types.js';
import type { BatchPlan } from './batch-node.js';
import type { PlanNode, Segment } from './plan-node.js';
import type { SourceNode } from './source-node.js';
import type { StreamState } from './state.js';
import type { BatchOptions, MapContext } from './types.js';

/** A function of the user's over records, and the schema of what it gives where that is known. */
export interface RecordMap {
  readonly fn: (record: any, context: MapContext) => unknown;
  readonly schema: Schema | undefined;
}

/** A function of the user's over batches: gives columns. */
export interface BatchMap {
  readonly fn: (batch: any, context: MapContext) => unknown;
}

/** Columns of a batch as an adapter wants them. */
export interface Picked {
  readonly schema: Schema;
  readonly requests: readonly ColumnRequest[];
}
export interface Picker {
  /** @throws DataRefError INVALID_ARGUMENT for a column that the schema has not */
  resolve(schema: Schema): Picked;
}

interface Common {
  readonly source: SourceNode;
  /** Functions run on each record, in order. */
  readonly maps: readonly RecordMap[];
  /** Elements read ahead at most, and bytes. */
  readonly prefetch: { readonly batches: number; readonly byteLimit: number } | undefined;
  /** What an adapter makes of the columns, last of all. */
  readonly picked: Picker | undefined;
  /** A state to take up once the whole pipeline is there. */
  readonly pending: StreamState | undefined;
}

/** What a stream of records does. Immutable; deriving copies it. */
export interface RecordRecipe extends Common {
  readonly plan: PlanNode<Segment>;
}

/** What a stream of batches does. */
export interface BatchRecipe extends Common {
  readonly plan: PlanNode<BatchPlan>;
  readonly size: number;
  readonly options: BatchOptions;
  readonly batchMaps: readonly BatchMap[];
}
