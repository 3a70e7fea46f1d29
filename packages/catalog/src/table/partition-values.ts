import { DataRefError, type DataRef, type Schema } from '@dataref/core';
import { describeSchema, describeValue, didYouMean, isField, isNumericDType } from '@dataref/core/adapter';

/** Records of one value of each column that a table is partitioned by. */
export interface Partition {
  readonly values: readonly string[];
  /** Of the records, in order. */
  readonly indices: readonly number[];
}

const MOST_PARTITIONS = 4096;
const RECORDS_AT_ONCE = 8192;

/**
 * The columns that a table is to be partitioned by, if it can be.
 * @throws DataRefError INVALID_ARGUMENT for what is no list of columns that have one string, boolean or number a record
 */
export function checkPartitionBy(schema: Schema, given: unknown): readonly string[] {
  if (!Array.isArray(given) || given.length === 0 || new Set(given).size !== given.length)
    throw invalid(`partitionBy must be a list of columns, such as ['label'], got ${describeValue(given)}`);
  if (isField(schema)) throw invalid('partitionBy: the records have no named columns');
  for (const name of given as unknown[]) {
    const column =
      typeof name === 'string' && Object.hasOwn(schema, name) ? (schema as Record<string, Schema>)[name] : undefined;
    if (column === undefined) {
      const close = typeof name === 'string' ? didYouMean(name, Object.keys(schema)) : '';
      throw invalid(`partitionBy: no column ${describeValue(name)} in ${describeSchema(schema)}${close}`);
    }
    const isValue =
      isField(column) &&
      column.shape.length === 0 &&
      (column.dtype === 'string' || (isNumericDType(column.dtype) && column.dtype !== 'float16'));
    if (!isValue)
      throw invalid(
        `partitionBy: ${String(name)} is ${describeSchema(column)}; a column to partition by has one string, boolean or whole number a record`,
      );
  }
  return given as readonly string[];
}

/**
 * The records of a dataset by what they have in some columns, in the order of their first ones.
 * @throws DataRefError INVALID_ARGUMENT for a number that is not whole, and for too many partitions; EMPTY without records
 */
export async function partitionsOf(
  dataref: DataRef,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly Partition[]> {
  const found = new Map<string, { readonly values: string[]; readonly indices: number[] }>();
  let index = 0;
  const schema = dataref.schema as Record<string, { readonly dtype: string }>;
  for await (const batch of dataref
    .select(...columns)
    .stream()
    .batch(RECORDS_AT_ONCE)) {
    signal?.throwIfAborted();
    const read = columns.map((name) => valuesIn(batch.columns as Record<string, unknown>, name, schema));
    for (let i = 0; i < batch.length; i++, index++) {
      const values = read.map((textAt) => textAt(i));
      const key = JSON.stringify(values);
      const known = found.get(key);
      if (known !== undefined) known.indices.push(index);
      else {
        if (found.size === MOST_PARTITIONS)
          throw invalid(
            `partitionBy: ${columns.join(', ')} have more than ${MOST_PARTITIONS} different values by record ${index}; partition by columns with few of them`,
          );
        found.set(key, { values, indices: [index] });
      }
    }
  }
  if (found.size > 0) return [...found.values()];
  throw new DataRefError('EMPTY', 'partitionBy: there are no records, so no partitions; save them without it');
}

/** What a partition's text stands for, as a record has it. */
export function valueOf(schema: Schema, column: string, text: string): string | number | bigint | boolean {
  const { dtype } = (schema as Record<string, { readonly dtype: string }>)[column] as { readonly dtype: string };
  if (dtype === 'string') return text;
  if (dtype === 'bool') return text === 'true';
  return dtype === 'int64' || dtype === 'uint64' ? BigInt(text) : Number(text);
}

function valuesIn(
  columns: Record<string, unknown>,
  name: string,
  schema: Record<string, { readonly dtype: string }>,
): (row: number) => string {
  const { dtype } = schema[name] as { readonly dtype: string };
  if (dtype === 'string') return (row) => (columns[name] as readonly string[])[row] as string;
  const { data } = columns[name] as { readonly data: ArrayLike<number | bigint> };
  if (dtype === 'bool') return (row) => String(Number(data[row]) !== 0);
  return (row) => {
    const value = data[row] as number | bigint;
    if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
    throw invalid(`partitionBy: ${name} has ${value}; a number to partition by must be whole`);
  };
}

function invalid(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', message);
}
