import { DataRefError } from '../errors.js';
import { convertColumn } from '../rows/convert.js';
import type { Allocate, ColumnData } from '../schema/column-data.js';
import { columnsFromUser } from '../schema/user-columns.js';
import type { Schema } from '../schema/types.js';
import type { BatchPlan } from './batch-node.js';
import { DataBatch, type BatchParts } from './batch.js';
import { BufferPool } from './buffer-pool.js';
import { mapContext } from './map-context.js';
import { padRows } from './pad-column.js';
import { stateOf, type Item, type Pass, type Place } from './pass.js';
import { placeOf } from './place.js';
import type { Segment, Start } from './plan-node.js';
import type { BatchRecipe } from './recipe.js';
import type { RecordReader, Share } from './record-reader.js';

/** Batches: each planned, gathered column by column into one array a leaf, mapped. */
export function openBatchPass(recipe: BatchRecipe, reader: RecordReader, start: Start): Pass<DataBatch> {
  const { plan, source, options, picked, batchMaps } = recipe;
  const cursor = plan.open(start);
  const abort = new AbortController();
  const release = source.rows.hold();
  const pool = new BufferPool(options.reuse === 'checked');
  const isDirect = !reader.hasMaps && batchMaps.length === 0;

  const finish = (
    batchPlan: BatchPlan,
    share: Share,
    after: Place,
    schema: Schema,
    read: readonly ColumnData[],
    lent: ArrayBuffer[],
    allocate: Allocate,
  ): Item<DataBatch> | Promise<Item<DataBatch>> => {
    const { rows, paddedRows, segments, step, globalLength } = batchPlan;
    const first = segments[0] as Segment;
    const parts: BatchParts = {
      schema,
      columns: rows === paddedRows ? read : read.map((column) => padRows(column, paddedRows, allocate)),
      length: paddedRows,
      validLength: rows,
      globalLength,
      epoch: first.epoch,
      position: first.start,
      step,
      indices: share.indices,
      pad: options.ragged === 'pad',
      allocate,
      giveBack: () => pool.giveBack(lent.splice(0)),
      state: () => stateOf(after),
    };
    return isDirect ? deliver(parts, after) : transform(parts, after);
  };

  const deliver = (parts: BatchParts, after: Place): Item<DataBatch> => {
    const value = new DataBatch(parts);
    return { value, after, byteLength: recipe.prefetch === undefined ? 0 : sizeOf(parts.columns) };
  };

  /** Batch maps, then the columns that an adapter asked for. */
  const transform = async (given: BatchParts, after: Place): Promise<Item<DataBatch>> => {
    let parts = given;
    for (const [i, { fn }] of batchMaps.entries()) {
      const { epoch, position, indices } = parts;
      const context = mapContext(
        source.options.order.seed,
        i,
        { epoch, position, index: indices[0] ?? -1 },
        abort.signal,
      );
      let made: unknown;
      try {
        made = await fn(new DataBatch(parts), context);
      } catch (error) {
        if (abort.signal.aborted) throw error;
        const problem = error instanceof Error ? error.message : String(error);
        throw new DataRefError(
          'MAP_FAILED',
          `map failed on batch ${parts.step} of epoch ${epoch}, position ${position}: ${problem}`,
          {
            cause: error,
            details: { dataset: source.rows.id, epoch, position, step: parts.step },
          },
        );
      }
      const { schema, columns, length } = columnsFromUser(made, parts.length);
      parts = { ...parts, schema, columns, length };
    }
    if (picked !== undefined) {
      const chosen = recipe.picked?.resolve(parts.schema);
      const columns = (chosen?.requests ?? []).map(({ leaf, to }) => {
        const column = parts.columns[leaf] as ColumnData;
        return to === undefined ? column : convertColumn(column, to, parts.allocate, (row) => parts.indices[row] ?? -1);
      });
      parts = { ...parts, schema: chosen?.schema ?? parts.schema, columns };
    }
    return deliver(parts, after);
  };

  return {
    next() {
      const [batchPlan] = cursor.pull(1);
      if (batchPlan === undefined) return undefined;
      const after = placeOf(plan, cursor, batchPlan.segments.at(-1)?.epoch);
      const share = reader.share(batchPlan.segments);
      const lent: ArrayBuffer[] = [];
      const allocate = pool.lender(lent);
      if (reader.hasMaps) {
        return reader
          .readMapped(share, batchPlan.segments, abort.signal)
          .then((read) => finish(batchPlan, share, after, reader.schema as Schema, read, lent, allocate));
      }
      const chosen = isDirect ? picked?.resolve(source.rows.schema) : undefined;
      const read = reader.readColumns(share, chosen?.requests, allocate, abort.signal);
      const schema = chosen?.schema ?? source.rows.schema;
      if (Array.isArray(read))
        return finish(batchPlan, share, after, schema, read as readonly ColumnData[], lent, allocate);
      return (read as Promise<readonly ColumnData[]>).then((columns) =>
        finish(batchPlan, share, after, schema, columns, lent, allocate),
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
