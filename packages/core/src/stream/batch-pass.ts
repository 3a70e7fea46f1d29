import type { ColumnData } from '../schema/column-data.js';
import type { Schema } from '../schema/types.js';
import type { BatchPlan } from './batch-node.js';
import { DataBatch, type BatchParts } from './batch.js';
import { BufferPool, Loan } from './buffer-pool.js';
import { padRows } from './pad-column.js';
import type { Item, Pass, Place } from './pass.js';
import { placeOf } from './place.js';
import type { Segment, Start } from './plan-node.js';
import { AUTOMATIC_BATCHES, AUTOMATIC_BYTES, ReadAhead, type Begun } from './read-ahead.js';
import type { BatchRecipe, Picked, Planned } from './recipe.js';
import type { RecordMapper } from './record-mapper.js';
import type { RecordReader, Share } from './record-reader.js';

/** A batch whose rows are being read. */
interface BegunBatch extends Begun {
  readonly plan: BatchPlan;
  readonly after: Place;
  readonly share: Share;
  readonly loan: Loan;
  /** Columns, or the records that maps take. */
  readonly read: readonly ColumnData[] | Promise<readonly ColumnData[]> | Promise<unknown[]>;
}

/** Batches: each planned, gathered column by column into one array a leaf, mapped. */
export function openBatchPass(recipe: Planned<BatchRecipe>, reader: RecordReader, start: Start): Pass<DataBatch> {
  const { plan, source, options, picked, batchMaps } = recipe;
  const cursor = plan.open(start);
  const abort = new AbortController();
  const pool = new BufferPool(options.reuse === 'checked');
  const isDirect = !reader.hasMaps && batchMaps.length === 0;
  let stored: Picked | undefined;
  let mapper: RecordMapper | undefined;
  let applyMaps: typeof import('./batch-maps.js').applyMaps | undefined;

  const finish = (
    { plan: batchPlan, share, after, loan }: BegunBatch,
    schema: Schema,
    read: readonly ColumnData[],
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

  let release: (() => Promise<void>) | undefined;
  let first: Segment;
  const begin = (): BegunBatch | undefined => {
    const [batchPlan] = cursor.pull(1);
    if (batchPlan === undefined) return undefined;
    const after = placeOf(plan, cursor, batchPlan.segments.at(-1)?.epoch);
    first = batchPlan.segments[0] as Segment;
    release ??= source.hold(() => ({ epoch: first.epoch, position: first.start }));
    const share = reader.share(batchPlan.segments);
    const loan = new Loan(pool);
    if (isDirect) stored ??= picked?.resolve(source.rows.schema);
    const read = reader.hasMaps
      ? reader.readRecords(share, abort.signal)
      : reader.readColumns(share, stored?.requests, loan.allocate, abort.signal);
    return { elements: 1, rows: batchPlan.rows, plan: batchPlan, after, share, loan, read };
  };
  const ahead = new ReadAhead(source.rows, begin);
  const readFurther = (): void => {
    if (recipe.prefetch === undefined) ahead.extend({ batches: AUTOMATIC_BATCHES, byteLimit: AUTOMATIC_BYTES });
  };

  const map = async (records: Promise<unknown[]>, { plan: { segments }, share }: BegunBatch): Promise<ColumnData[]> => {
    mapper ??= await reader.mapper();
    const read = await records;
    readFurther();
    return mapper.mapRecords(read, share, segments, abort.signal);
  };

  return {
    next() {
      const begun = ahead.take();
      if (begun === undefined) return undefined;
      readFurther();
      const { read } = begun;
      if (reader.hasMaps) {
        return map(read as Promise<unknown[]>, begun).then((columns) =>
          finish(begun, reader.schema as Schema, columns),
        );
      }
      const schema = stored?.schema ?? source.rows.schema;
      if (Array.isArray(read)) return finish(begun, schema, read as readonly ColumnData[]);
      return (read as Promise<readonly ColumnData[]>).then((columns) => {
        readFurther();
        return finish(begun, schema, columns);
      });
    },
    readAhead: (limits) => ahead.extend(limits),
    async close() {
      abort.abort();
      await ahead.close();
      await release?.();
    },
  };
}

function sizeOf(columns: readonly ColumnData[]): number {
  return columns.reduce((sum, { data }) => sum + data.byteLength, 0);
}
