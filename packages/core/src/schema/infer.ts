import { DataRefError, invalidArgument } from '../errors.js';
import { dtypeOfArray, isNumericDType } from './dtypes.js';
import { describeValue, isNDArray } from './ndarray.js';
import { isField, MAX_DEPTH } from './schema.js';
import type { Field, Schema } from './types.js';

/** A longer list is taken for a vector that somebody forgot to type. */
const MAX_TUPLE = 64;

/**
 * The schema of one record: number → float64, bigint → int64, boolean → bool, string, Uint8Array → bytes,
 * other typed arrays → vectors of their dtype, NDArray → its dtype and shape, objects and arrays → their structure.
 * @param index the record, for errors
 * @throws DataRefError NULL_VALUE, SCHEMA_MISMATCH for a value that has no dtype
 */
export function schemaOfRecord(record: unknown, index: number): Schema {
  let empty: string | undefined;
  const walk = (value: unknown, path: string, depth: number): Schema => {
    const leaf = fieldOfValue(value);
    if (leaf !== undefined) return leaf;
    if (value === null || value === undefined) throw nullValue(path, index);
    if (typeof value !== 'object' || ArrayBuffer.isView(value)) {
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `record ${index}: ${path || 'the record'} is ${describeValue(value)}, which has no dtype`,
      );
    }
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (tag !== 'Object' && tag !== 'Array') {
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `record ${index}: ${path || 'the record'} is a ${tag}, which has no dtype; give a number, a string or bytes that stand for it`,
        { details: { column: path, index } },
      );
    }
    if (Array.isArray(value) && value.length > MAX_TUPLE) {
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `record ${index}: ${path || 'the record'} is a list of ${value.length}, which would be as many columns. Give a typed array, such as Float32Array.from(list), or a schema: field('float32', [${value.length}])`,
      );
    }
    if (Array.isArray(value) && value.length === 0) empty ??= path;
    if (depth === MAX_DEPTH) throw tooDeep(`record ${index}: `, path, { column: path, index });
    const next = (key: string, item: unknown): Schema => walk(item, join(path, key), depth + 1);
    if (Array.isArray(value)) return value.map((item, i) => next(String(i), item));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, next(key, item)]));
  };
  const schema = walk(record, '', 0);
  if (empty !== undefined && !hasColumns(schema))
    throw invalidArgument(
      `record ${index}: ${empty === '' ? 'the record' : `column ${JSON.stringify(empty)}`} is an empty list, which has no dtype; give typed arrays, such as new Float32Array(0), or a schema: field('float32', [null])`,
      { column: empty, index },
    );
  return schema;
}

function hasColumns(schema: Schema): boolean {
  return isField(schema) || Object.values(schema).some(hasColumns);
}

function fieldOfValue(value: unknown): Field | undefined {
  switch (typeof value) {
    case 'number':
      return { dtype: 'float64', shape: [] };
    case 'bigint':
      return { dtype: 'int64', shape: [] };
    case 'boolean':
      return { dtype: 'bool', shape: [] };
    case 'string':
      return { dtype: 'string', shape: [] };
    default:
  }
  if (isNDArray(value) && isNumericDType(value.dtype)) return { dtype: value.dtype, shape: [...value.shape] };
  const dtype = dtypeOfArray(value);
  if (dtype === undefined) return undefined;
  return dtype === 'uint8' && Object.prototype.toString.call(value) === '[object Uint8Array]'
    ? { dtype: 'bytes', shape: [] }
    : { dtype, shape: [(value as { length: number }).length] };
}

export function nullValue(path: string, index: number): DataRefError {
  return new DataRefError(
    'NULL_VALUE',
    `record ${index}: ${path || 'the record'} is null or undefined. Datasets have no nulls: leave the record out, or store a value that stands for "missing"`,
    { details: { column: path, index } },
  );
}

/** The refusal of a value that is cyclic, or as good as that. @param path of what is too deep */
export function tooDeep(where: string, path: string, details: Readonly<Record<string, unknown>>): DataRefError {
  return new DataRefError(
    'SCHEMA_MISMATCH',
    `${where}${path.slice(0, 60)}… has more than ${MAX_DEPTH} levels, or holds itself; give flat values, or bytes that stand for them`,
    { details },
  );
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
