import type { ColumnData } from '../schema/column-data.js';
import type { Schema } from '../schema/types.js';
import type { BatchPlan } from './batch-node.js';
import { DataBatch, type BatchParts } from './batch.js';
import { BufferPool, Loan } from './buffer-pool.js';
import { padRows } from './pad-column.js';
import type { Item, Pass, Place } from './pass.js';
import { placeOf } from './place.js';
import type { Segment, Start } from './plan-node.js';
import type { BatchRecipe, Picked, Planned } from './recipe.js';
import type { RecordMapper } from './record-mapper.js';
import type { RecordReader, Share } from './record-reader.js';

/** Batches: each planned, gathered column by column into one array a leaf, mapped. */
export function openBatchPass(recipe: Planned<BatchRecipe>, reader: RecordReader, start: Start): Pass<DataBatch> {
  const { plan, source, options, picked, batchMaps } = recipe;
  const cursor = plan.open(start);
  const abort = new AbortController();
  const release = source.rows.hold();
  const pool = new BufferPool(options.reuse === 'checked');
  const isDirect = !reader.hasMaps && batchMaps.length === 0;
  let stored: Picked | undefined;
  let mapper: RecordMapper | undefined;
  let applyMaps: typeof import('./batch-maps.js').applyMaps | undefined;

  const finish = (
    batchPlan: BatchPlan,
    share: Share,
    after: Place,
    schema: Schema,
    read: readonly ColumnData[],
    loan: Loan,
  ): Item<DataBatch> | Promise<Item<DataBatch>> => {
    const { rows, paddedRows, segments, step, globalLength } = batchPlan;
    const first = segments[0] as Segment;
    const parts: BatchParts = {
      schema,
      columns: rows === paddedRows ? read : read.map((column) => padRows(column, paddedRows, loan.allocate)),
      length: paddedRows,
      validLength: rows,
      globalLength,
      epoch: first.epoch,
      position: first.start,
      step,
      indices: share.indices,
      pad: options.ragged === 'pad',
      loan,
      after,
    };
    return isDirect ? deliver(parts) : transform(parts);
  };

  const deliver = (parts: BatchParts): Item<DataBatch> => {
    const value = new DataBatch(parts);
    return { value, after: parts.after, byteLength: recipe.prefetch === undefined ? 0 : sizeOf(parts.columns) };
  };

  const transform = async (parts: BatchParts): Promise<Item<DataBatch>> => {
    applyMaps ??= (await import('./batch-maps.js')).applyMaps;
    return deliver(await applyMaps(recipe, parts, abort.signal));
  };

  const readMapped = async (share: Share, { segments }: BatchPlan): Promise<ColumnData[]> => {
    mapper ??= await reader.mapper();
    return mapper.readMapped(share, segments, abort.signal);
  };

  return {
    next() {
      const [batchPlan] = cursor.pull(1);
      if (batchPlan === undefined) return undefined;
      const after = placeOf(plan, cursor, batchPlan.segments.at(-1)?.epoch);
      const share = reader.share(batchPlan.segments);
      const loan = new Loan(pool);
      if (reader.hasMaps) {
        return readMapped(share, batchPlan).then((read) =>
          finish(batchPlan, share, after, reader.schema as Schema, read, loan),
        );
      }
      if (isDirect) stored ??= picked?.resolve(source.rows.schema);
      const read = reader.readColumns(share, stored?.requests, loan.allocate, abort.signal);
      const schema = stored?.schema ?? source.rows.schema;
      if (Array.isArray(read)) return finish(batchPlan, share, after, schema, read as readonly ColumnData[], loan);
      return (read as Promise<readonly ColumnData[]>).then((columns) =>
        finish(batchPlan, share, after, schema, columns, loan),
      );
    },
    async close() {
      abort.abort();
      await release();
    },
  };
}

function sizeOf(columns: readonly ColumnData[]): number {
  return columns.reduce((sum, { data }) => sum + data.byteLength, 0);
}
