import { columnBytes, type ColumnData } from '../schema/column-data.js';
import type { Schema } from '../schema/types.js';
import type { BatchPlan } from './batch-node.js';
import type { BatchQueue } from './batch-queue.js';
import { DataBatch, type BatchParts } from './batch.js';
import { BufferPool, Loan } from './buffer-pool.js';
import type { Learned } from './learned.js';
import { padRows } from './pad-column.js';
import type { Item, Pass, Place } from './pass.js';
import { placeOf } from './place.js';
import type { Segment, Start } from './plan-node.js';
import { AUTOMATIC_BATCHES, AUTOMATIC_BYTES, ReadAhead, type BegunRead } from './read-ahead.js';
import type { BatchRecipe, Picked, Planned } from './recipe.js';
import { RecordReader, type Share } from './record-reader.js';
import type { Traced } from './stage.js';

const AUTOMATIC = { batches: AUTOMATIC_BATCHES, byteLimit: AUTOMATIC_BYTES };

/** A batch whose rows are being read. */
interface BegunBatch extends BegunRead {
  readonly plan: BatchPlan;
  readonly after: Place;
  readonly share: Share;
  readonly loan: Loan;
  /** Columns, or the records that maps take. */
  readonly read: readonly ColumnData[] | Promise<readonly ColumnData[]> | Promise<unknown[]>;
}

/** Batches: each planned, gathered column by column into one array a leaf, mapped. */
export function openBatchPass(recipe: Planned<BatchRecipe>, learned: Learned, start: Start): Pass<DataBatch> {
  const { plan, source, options, maps, picked, batchMaps } = recipe;
  const reader = new RecordReader(source);
  const cursor = plan.open(start);
  const abort = new AbortController();
  const { signal } = abort;
  const pool = new BufferPool(options.reuse === 'checked');
  const hasMaps = maps.length > 0;
  const isDirect = !hasMaps && batchMaps.length === 0;
  let stored: Picked | undefined;
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
      position: source.positionOf(first, first.start),
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
    return { value, after: parts.after, byteLength: recipe.prefetch === undefined ? 0 : columnBytes(parts.columns) };
  };

  const transform = async (parts: BatchParts): Promise<Item<DataBatch>> => {
    applyMaps ??= (await import('./batch-maps.js')).applyMaps;
    return deliver(await applyMaps(recipe, parts, signal));
  };

  let release: (() => Promise<void>) | undefined;
  let first: Segment;
  const begin = (): BegunBatch | undefined => {
    const batchPlan = cursor.pull(1)[0];
    if (batchPlan === undefined) return undefined;
    const after = placeOf(plan, cursor, start, batchPlan.segments.at(-1)?.epoch);
    first = batchPlan.segments[0] as Segment;
    release ??= source.hold(() => first);
    const share = reader.share(batchPlan.segments);
    const loan = new Loan(pool);
    if (isDirect) stored ??= picked?.resolve(source.rows.schema);
    const read = hasMaps
      ? reader.readRecords(share, signal)
      : reader.readColumns(share, stored?.requests, loan.allocate, signal);
    return { elements: 1, rows: batchPlan.rows, plan: batchPlan, after, share, loan, read };
  };
  const ahead = new ReadAhead(source.rows, begin);
  const readFurther = (): void => {
    if (recipe.prefetch === undefined) ahead.extend(AUTOMATIC);
  };

  /** Another shard's, where this one has none in its first batch. */
  const firstOf = async ({ plan: { segments } }: BegunBatch): Promise<Traced> => {
    const [segment] = segments as readonly [Segment];
    const share = reader.share([{ ...segment, count: 1 }], 0);
    const [value] = await reader.readRecords(share, signal);
    return { value, origin: reader.originOf(share, 0) };
  };
  let queue: BatchQueue<BegunBatch> | undefined;
  const openMapping = async (): Promise<BatchQueue<BegunBatch>> => {
    const [{ RecordMapper }, { BatchQueue }] = await Promise.all([
      import('./record-mapper.js'),
      import('./batch-queue.js'),
    ]);
    const mapper = new RecordMapper(maps, 0, learned);
    const pull = async (): Promise<BegunBatch | undefined> => {
      const begun = ahead.take();
      readFurther();
      return begun;
    };
    const map = async (begun: BegunBatch): Promise<Item<DataBatch>> => {
      const { share, read } = begun;
      const records = (await read) as readonly unknown[];
      readFurther();
      const own = records.map((value, row): Traced => ({ value, origin: reader.originOf(share, row) }));
      const columns = await mapper.columnsOf(own, () => firstOf(begun), signal);
      return finish(begun, learned.schema as Schema, columns);
    };
    queue = new BatchQueue(mapper, recipe.prefetch, pull, ({ rows }) => rows, map);
    return queue;
  };
  let mapping: Promise<BatchQueue<BegunBatch>> | undefined;

  /** A batch without record maps, at once where its rows are at hand. */
  const next = (): Item<DataBatch> | undefined | Promise<Item<DataBatch>> => {
    const begun = ahead.take();
    if (begun === undefined) return undefined;
    readFurther();
    const { read } = begun;
    const schema = stored?.schema ?? source.rows.schema;
    if (Array.isArray(read)) return finish(begun, schema, read as readonly ColumnData[]);
    return (read as Promise<readonly ColumnData[]>).then((columns) => {
      readFurther();
      return finish(begun, schema, columns);
    });
  };

  return {
    next: hasMaps ? async () => (await (mapping ??= openMapping())).next() : next,
    readAhead(limits) {
      ahead.extend(limits);
      queue?.allow(limits);
    },
    async close() {
      abort.abort();
      await ahead.close();
      await (await mapping)?.close();
      await release?.();
    },
  };
}
