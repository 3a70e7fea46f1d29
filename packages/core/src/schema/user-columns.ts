import { DataRefError, invalidArgument, isDataRefError } from '../errors.js';
import { ColumnBuilder } from './column-builder.js';
import type { ColumnData } from './column-data.js';
import { dtypeOfArray } from './dtypes.js';
import { schemaOfRecord, tooDeep } from './infer.js';
import { checkedArray, describeValue, isNDArray } from './ndarray.js';
import { leavesOf, MAX_DEPTH, type Leaf } from './schema.js';
import type { Field, Schema } from './types.js';

export interface UserColumns {
  readonly schema: Schema;
  readonly columns: readonly ColumnData[];
  readonly length: number;
}

/**
 * Columns as users write them: typed arrays (scalars of their dtype), NDArrays [n, …] and lists, in nested objects.
 * @param length rows that there must be; undefined takes the first column's
 * @throws DataRefError INVALID_ARGUMENT, MIXED_DTYPES, RAGGED, NULL_VALUE
 */
export function columnsFromUser(columns: unknown, length?: number): UserColumns {
  const made: NamelessColumn[] = [];
  let rows = length;
  const walk = (value: unknown, name: string, depth: number): Schema => {
    if (isColumn(value)) {
      const [field, column] = columnOf(value, name, length !== undefined);
      if (rows !== undefined && column.length !== rows) {
        throw invalidArgument(`columns: ${name} has ${column.length} rows, the others have ${rows}`, { column: name });
      }
      rows = column.length;
      made.push(column);
      return field;
    }
    if (typeof value !== 'object' || value === null) {
      throw invalidArgument(
        `columns: ${name} must be a typed array, an ndarray, a list or an object of them, got ${describeValue(value)}`,
      );
    }
    if (depth === MAX_DEPTH) throw tooDeep('columns: ', name, { column: name });
    const next = (key: string, item: unknown): Schema => walk(item, depth === 0 ? key : `${name}.${key}`, depth + 1);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, next(key, item)]));
  };
  const schema = walk(columns, 'value', 0);
  const leaves = leavesOf(schema);
  return { schema, columns: made.map((column, i) => ({ ...column, leaf: leaves[i] as Leaf })), length: rows ?? 0 };
}

function isColumn(value: unknown): boolean {
  return Array.isArray(value) || isNDArray(value) || dtypeOfArray(value) !== undefined;
}

type NamelessColumn = Omit<ColumnData, 'leaf'>;

function columnOf(value: unknown, name: string, isBatch: boolean): [Field, NamelessColumn] {
  if (Array.isArray(value)) return listColumn(value, name, isBatch);
  const { data, shape, dtype } = isNDArray(value)
    ? value
    : { data: value, shape: [(value as Uint8Array).length], dtype: undefined };
  const array = checkedArray(`columns: ${name}`, data, shape as readonly number[], dtype, { column: name });
  const [length, ...rowShape] = array.shape;
  if (length === undefined)
    throw invalidArgument(`columns: ${name} has no first axis to count records along; give it the shape [n, …]`);
  return [
    { dtype: array.dtype, shape: rowShape },
    { length: length as number, data: array.data },
  ];
}

function listColumn(list: readonly unknown[], name: string, isBatch: boolean): [Field, NamelessColumn] {
  if (list.length === 0)
    throw invalidArgument(`columns: ${name} is an empty list, which has no dtype; give an empty typed array`);
  const inferred = schemaOfRecord(list[0], 0) as Field;
  if (typeof inferred.dtype !== 'string')
    throw invalidArgument(`columns: ${name} is a list of ${describeValue(list[0])}; use fromRecords for records`);
  // A batch's ragged columns are lists too, and stay so.
  const field: Field =
    isBatch && isNDArray(list[0]) ? { dtype: inferred.dtype, shape: inferred.shape.map(() => null) } : inferred;
  const builder = new ColumnBuilder({ ...(leavesOf(field)[0] as Leaf), name });
  list.forEach((item, i) => {
    try {
      builder.push(item, i);
    } catch (error) {
      if (!isDataRefError(error, 'SCHEMA_MISMATCH')) throw error;
      throw new DataRefError(
        'MIXED_DTYPES',
        `columns: ${error.message}; the first item makes it ${field.dtype}, and all must be so`,
        {
          cause: error,
          details: error.details,
        },
      );
    }
  });
  return [field, builder.take()];
}
