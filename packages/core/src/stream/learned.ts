import type { Schema } from '../schema/types.js';
import type { PipelineSource, RecordMap } from './recipe.js';
import type { SourceNode } from './source-node.js';

/** The schema of a stream's records: undefined until the first one, where a user's function made them. */
export interface Learned {
  schema: Schema | undefined;
}

/** What is known before reading. @throws DataRefError SCHEMA_MISMATCH where streams that are joined do not fit */
export function knownBefore(recipe: {
  readonly source: PipelineSource;
  readonly stage: { readonly schema: Schema | undefined } | undefined;
  readonly maps: readonly RecordMap[];
}): Learned {
  const { source, stage, maps } = recipe;
  if (maps.length > 0) return { schema: maps.at(-1)?.schema };
  return { schema: stage === undefined ? (source as SourceNode).rows.schema : stage.schema };
}
