import { insteadOf, rowsOf, isDataRef, isIterable, noRecords } from '../dataset/make.js';
import { DataRefError, invalidArgument, isDataRefError } from '../errors.js';
import { inNextTurn } from '../next-turn.js';
import { isThenable, orAbort } from '../or-abort.js';
import { pushRecord } from '../rows/custom-rows.js';
import { allColumns, indexArray, type IndexArray, type RowSource } from '../rows/row-source.js';
import { ColumnBuilder } from '../schema/column-builder.js';
import { allocateFresh, type ColumnData } from '../schema/column-data.js';
import { concatColumns } from '../schema/concat-columns.js';
import { schemaOfRecord } from '../schema/infer.js';
import { describeValue } from '../schema/ndarray.js';
import { describeSchema, leavesOf, parseSchema, sameSchema, type Leaf } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';

/** Bytes of values in one part, about. */
export const PART_BYTES = 64 * 2 ** 20;
/** Records in one part at most, however small they are. */
const MAX_PART_RECORDS = 2 ** 24;
/** Records asked of another dataset at a time, at most. */
const MAX_READ_RECORDS = 16_384;
/** Records between two reports of progress. */
const REPORT_RECORDS = 1024;
const READ_BYTES = 8 * 2 ** 20;
/** Records that are at hand are taken for so long before timers, signals and heartbeats have their turn. */
const TURN_MS = 20;

/** A dataset to be written, cut into blocks of about one part. */
export interface RowBlocks {
  readonly schema: Schema;
  readonly total: number | undefined;
  /** The blocks come from code that is not ours, which may hold the thread for any time. */
  readonly mayBlock: boolean;
  blocks(onRecords: (count: number) => void): AsyncGenerator<readonly ColumnData[]>;
  /** Ends the iteration of the user's records, where it has not ended by itself. */
  close(): Promise<void>;
}

/**
 * What submit was given, as blocks of columns.
 * @throws DataRefError INVALID_ARGUMENT, EMPTY where nothing tells the schema
 */
export async function rowBlocks(
  data: unknown,
  given: Schema | undefined,
  signal: AbortSignal | undefined,
): Promise<RowBlocks> {
  if (isDataRef(data)) {
    const rows = rowsOf(data);
    if (given === undefined || sameSchema(parseSchema(given), rows.schema)) return datasetBlocks(rows, signal);
    throw invalidArgument(
      `submit: a DataRef is stored with its own schema, ${describeSchema(rows.schema)}; for another one, submit its records: dataref.stream().map(…)`,
    );
  }
  if (ArrayBuffer.isView(data)) {
    throw invalidArgument(
      'submit: a typed array or buffer is no list of records: fromColumns(array) makes one record of each element and keeps the dtype; for the bytes of a file, see docs/recipes.md',
    );
  }
  if (!isIterable(data)) {
    throw invalidArgument(
      `submit needs a DataRef, or an iterable or async iterable of records, got ${describeValue(data)}${insteadOf(data) || '; docs/recipes.md reads files'}`,
    );
  }
  const schemaGiven = given === undefined ? undefined : parseSchema(given);
  const records = new RecordIterator(data, signal);
  try {
    const first = await records.next();
    if (first.done === true && schemaGiven === undefined)
      throw noRecords('submit(records, id, version, { schema })', data);
    const schema = schemaGiven ?? schemaOfRecord(first.value, 0);
    const total = Array.isArray(data) ? data.length : undefined;
    const blocks = (onRecords: (count: number) => void) => recordBlocks(schema, first, records, onRecords);
    return { schema, total, mayBlock: total === undefined, blocks, close: () => records.close() };
  } catch (error) {
    await records.close();
    throw error;
  }
}

/** The user's records one by one; an abort ends the wait for one that does not come. */
class RecordIterator {
  readonly #records: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #signal: AbortSignal | undefined;
  #given = 0;
  #ended = false;
  #waiting = false;

  constructor(data: Iterable<unknown> | AsyncIterable<unknown>, signal: AbortSignal | undefined) {
    this.#records =
      Symbol.asyncIterator in Object(data)
        ? (data as AsyncIterable<unknown>)[Symbol.asyncIterator]()
        : (data as Iterable<unknown>)[Symbol.iterator]();
    this.#signal = signal;
  }

  /** Answers at once where the record is at hand. */
  next(): IteratorResult<unknown> | Promise<IteratorResult<unknown>> {
    this.#signal?.throwIfAborted();
    try {
      const next = this.#records.next();
      if (isThenable(next)) return this.#wait(next);
      this.#took(next);
      return next;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #wait(next: Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> {
    this.#waiting = true;
    const settled = next.then(
      (result) => {
        this.#waiting = false;
        this.#took(result);
        return result;
      },
      (error: unknown) => {
        throw this.#failed(error);
      },
    );
    return orAbort(settled, this.#signal);
  }

  #took({ done }: IteratorResult<unknown>): void {
    if (done === true) this.#ended = true;
    else this.#given++;
  }

  /** An iterator that throws has ended. Our own errors say what failed, and an abort is no failure. */
  #failed(error: unknown): unknown {
    this.#ended = true;
    const { name, message = String(error) } = (error ?? {}) as { name?: string; message?: string };
    if (isDataRefError(error) || name === 'AbortError' || this.#signal?.aborted === true) return error;
    const place = this.#given === 0 ? 'before the first record' : `after record ${this.#given - 1}`;
    return new DataRefError('MAP_FAILED', `submit: the records ended with an error ${place}: ${message}`, {
      cause: error,
      details: { index: this.#given },
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const returned = this.#records.return?.();
    // A generator that waits for something answers only once that has come, perhaps never.
    if (this.#waiting) Promise.resolve(returned).catch(() => undefined);
    else await returned;
  }
}

async function* recordBlocks(
  schema: Schema,
  first: IteratorResult<unknown>,
  records: RecordIterator,
  onRecords: (count: number) => void,
): AsyncGenerator<readonly ColumnData[]> {
  const builders = leavesOf(schema).map((leaf) => new ColumnBuilder(leaf));
  let index = 0;
  let blockStart = 0;
  let turnEnd = performance.now() + TURN_MS;
  try {
    for (let result = first; result.done !== true;) {
      pushRecord(schema, builders, result.value, index);
      index++;
      if (index % REPORT_RECORDS === 0) onRecords(index);
      if (sizeOf(builders) >= PART_BYTES || index - blockStart >= MAX_PART_RECORDS) {
        yield builders.map((builder) => builder.take());
        blockStart = index;
      }
      if (performance.now() >= turnEnd) {
        await new Promise<void>(inNextTurn);
        turnEnd = performance.now() + TURN_MS;
      }
      const next = records.next();
      result = isThenable(next) ? await next : next;
    }
  } finally {
    onRecords(index); // all, or those before what failed
  }
  if (index > blockStart || index === 0) yield builders.map((builder) => builder.take());
}

async function datasetBlocks(rows: RowSource, signal: AbortSignal | undefined): Promise<RowBlocks> {
  const leaves = leavesOf(rows.schema);
  async function* blocks(onRecords: (count: number) => void): AsyncGenerator<readonly ColumnData[]> {
    const release = rows.hold();
    try {
      if (rows.slice === undefined) {
        yield* readBlocks(rows, leaves, signal, onRecords);
        return;
      }
      let start = 0;
      do {
        signal?.throwIfAborted();
        const end = start + rowsOfOnePart(rows.slice(start, rows.length), rows.length - start);
        yield rows.slice(start, end);
        onRecords(end);
        start = end;
      } while (start < rows.length);
    } finally {
      await release();
    }
  }
  const mayBlock = rows.slice === undefined;
  return { schema: rows.schema, total: rows.length, mayBlock, blocks, close: async () => undefined };
}

/** How many rows from the first make about one part. */
function rowsOfOnePart(columns: readonly ColumnData[], count: number): number {
  const bytesTo = (end: number): number =>
    columns.reduce((sum, { leaf, offsets }) => {
      const elements = offsets === undefined ? end * leaf.size : (offsets[end] as number) - (offsets[0] as number);
      return sum + elements * leaf.elementBytes;
    }, 0);
  let low = Math.min(1, count);
  let high = Math.min(count, MAX_PART_RECORDS);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (bytesTo(middle) <= PART_BYTES) low = middle;
    else high = middle - 1;
  }
  return low;
}

async function* readBlocks(
  rows: RowSource,
  leaves: readonly Leaf[],
  signal: AbortSignal | undefined,
  onRecords: (count: number) => void,
): AsyncGenerator<readonly ColumnData[]> {
  let block: (readonly ColumnData[])[] = [];
  let blockBytes = 0;
  let start = 0;
  let step = 1;
  do {
    const indices = indexArray(Math.min(step, rows.length - start), rows.length).map((_, i) => start + i) as IndexArray;
    const columns = await rows.read(indices, { columns: allColumns(leaves), allocate: allocateFresh, signal });
    signal?.throwIfAborted();
    start += indices.length;
    onRecords(start);
    const bytes = columns.reduce((sum, { data }) => sum + data.byteLength, 0);
    step = Math.max(1, Math.min(MAX_READ_RECORDS, Math.floor(READ_BYTES / Math.max(1, bytes / indices.length))));
    block.push(columns);
    blockBytes += bytes;
    if (start === rows.length || blockBytes >= PART_BYTES || start % MAX_PART_RECORDS < indices.length) {
      yield leaves.map((_, i) => concatColumns(block.map((piece) => piece[i] as ColumnData)));
      block = [];
      blockBytes = 0;
    }
  } while (start < rows.length);
}

function sizeOf(builders: readonly ColumnBuilder[]): number {
  return builders.reduce((sum, builder) => sum + builder.byteLength, 0);
}
