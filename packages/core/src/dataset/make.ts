import { DataRefError, invalidArgument } from '../errors.js';
import { ConcatenatedRows } from '../rows/derived-rows.js';
import { CustomRows, pushRecord } from '../rows/custom-rows.js';
import { MemoryRows } from '../rows/memory-rows.js';
import type { RowSource } from '../rows/row-source.js';
import { ColumnBuilder } from '../schema/column-builder.js';
import { schemaOfRecord } from '../schema/infer.js';
import { leavesOf, parseSchema } from '../schema/schema.js';
import type { Columns, InputOf, RecordOf, Records, Schema, SchemaOf, SchemaOfColumns } from '../schema/types.js';
import { columnsFromUser } from '../schema/user-columns.js';
import { countOf, describeValue, optionsOf } from '../arguments.js';
import { isThenable } from '../or-abort.js';
import { RowDataset } from './row-dataset.js';
import type { DataRef, RecordSource } from './types.js';

/** What fromRecords collects at most; beyond it data belongs on a disk. */
const MEMORY_LIMIT_BYTES = 2 * 2 ** 30;

/**
 * A dataset over columns in memory, which are not copied: typed arrays, ndarrays [n, …], lists of scalars or strings.
 * @throws DataRefError INVALID_ARGUMENT, MIXED_DTYPES, RAGGED, NULL_VALUE
 */
export function fromColumns<C extends Columns>(columns: C): DataRef<SchemaOfColumns<C>> {
  const { schema, columns: made } = columnsFromUser(columns);
  return new RowDataset(new MemoryRows(schema, made)) as DataRef;
}

/**
 * A dataset of records in memory. The first record fixes the schema where none is given.
 * @throws DataRefError SCHEMA_MISMATCH, RAGGED, NULL_VALUE, LOSSY_CAST, EMPTY; MEMORY_LIMIT beyond 2 GiB: submit them instead
 */
export function fromRecords<R>(
  records: Records<R>,
  options?: { readonly schema?: undefined },
): Promise<DataRef<SchemaOf<R>>>;
export function fromRecords<const S extends Schema>(
  records: Records<RecordOf<NoInfer<S>>>,
  options: { readonly schema: S },
): Promise<DataRef<S>>;
export function fromRecords<const S extends Schema>(
  records: Records<InputOf<NoInfer<S>>>,
  options: { readonly schema: S },
): Promise<DataRef<S>>;
export async function fromRecords(
  records: Records<unknown>,
  options: { readonly schema?: Schema | undefined } = {},
): Promise<DataRef> {
  if (!isIterable(records))
    throw invalidArgument(
      `fromRecords needs an iterable or async iterable of records, got ${describeValue(records)}${insteadOf(records)}`,
    );
  const { schema: given } = optionsOf('fromRecords', options);
  let schema = given === undefined ? undefined : parseSchema(given);
  let builders: ColumnBuilder[] | undefined;
  let index = 0;
  for await (const record of records) {
    schema ??= schemaOfRecord(record, index);
    builders ??= leavesOf(schema).map((leaf) => new ColumnBuilder(leaf));
    pushRecord(schema, builders, record, index++);
    if (builders.reduce((sum, builder) => sum + builder.byteLength, 0) > MEMORY_LIMIT_BYTES) {
      throw new DataRefError(
        'MEMORY_LIMIT',
        `fromRecords holds its data in memory, at most ${MEMORY_LIMIT_BYTES} bytes, reached at record ${index}; storage.submit takes the same records and writes them to disk`,
      );
    }
  }
  if (schema === undefined) throw noRecords('fromRecords(records, { schema })', records);
  builders ??= leavesOf(schema).map((leaf) => new ColumnBuilder(leaf));
  return new RowDataset(
    new MemoryRows(
      schema,
      builders.map((builder) => builder.take()),
    ),
  );
}

export function noRecords(call: string, records: object): DataRefError {
  const once = givesOnce(records)
    ? '. A generator or stream gives its records once: where it was read before, make it anew'
    : '';
  return new DataRefError(
    'EMPTY',
    `there is no record to take the schema from; for an empty dataset give one: ${call}${once}`,
  );
}

/** An iterator: one that is its own iterable. Asked only of one that has ended. */
function givesOnce(records: object): boolean {
  const { next } = records as { readonly next?: unknown };
  return typeof next === 'function';
}

/** What to do with what is no iterable, but gives one. */
export function insteadOf(value: unknown): string {
  if (typeof value === 'function') return ': call it';
  return isThenable(value) ? ': await it' : '';
}

/**
 * A DataRef over data of the user's own, with streams, shuffles, shards and states.
 * @throws DataRefError INVALID_ARGUMENT
 */
export function defineDataRef<const S extends Schema>(source: RecordSource<S>): DataRef<S> {
  if (typeof source !== 'object' || source === null || typeof source.read !== 'function') {
    throw invalidArgument('defineDataRef needs { length, schema, fingerprint, read(indices) }');
  }
  for (const name of ['schema', 'length'] as const)
    if (source[name] === undefined)
      throw invalidArgument(
        `defineDataRef: ${name} is missing; it needs { length, schema, fingerprint, read(indices) }`,
      );
  const schema = parseSchema(source.schema);
  const rows = new CustomRows({
    schema,
    length: countOf('defineDataRef: length', source.length, 0),
    fingerprint: () => source.fingerprint,
    read: async (indices, signal) => source.read(indices, { signal }),
  });
  return new RowDataset(rows) as DataRef;
}

/**
 * The records of several datasets, one after another.
 * @throws DataRefError SCHEMA_MISMATCH, INVALID_ARGUMENT without any
 */
export function concat<S extends Schema>(...datarefs: readonly DataRef<S>[]): DataRef<S> {
  if (datarefs.length === 0) throw invalidArgument('concat needs at least one DataRef');
  return new RowDataset(new ConcatenatedRows(datarefs.map(rowsOf))) as DataRef;
}

/** The rows of any DataRef: of ours as they are, of one made by hand through its own methods. */
export function rowsOf(dataref: DataRef): RowSource {
  if (dataref instanceof RowDataset) return dataref.rows;
  if (!isDataRef(dataref)) throw invalidArgument('expected a DataRef, with length, schema and read(indices)');
  return new CustomRows({
    schema: parseSchema(dataref.schema),
    length: countOf('DataRef: length', dataref.length, 0),
    fingerprint: () => dataref.fingerprint,
    read: async (indices, signal) => (await dataref.read(indices, { signal })).records(),
  });
}

export function isDataRef(value: unknown): value is DataRef {
  if (typeof value !== 'object' || value === null) return false;
  const { read } = value as { read?: unknown };
  if (typeof read !== 'function') return false; // a stream, whose schema may not be known yet
  const { length, schema } = value as { length?: unknown; schema?: unknown };
  return typeof length === 'number' && typeof schema === 'object';
}

export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}
