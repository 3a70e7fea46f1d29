import { DataRefError, invalidArgument, shown } from '../errors.js';
import { DTYPES, elementBytes, isDType, isNumericDType, type DType, type NumericDType } from './dtypes.js';
import { describeValue } from './ndarray.js';
import type { Field, Schema, SchemaObject, Shape } from './types.js';

/** Above this many dimensions or columns a schema is refused, so that a hostile manifest cannot exhaust memory. */
const MAX_RANK = 32;
const MAX_LEAVES = 4096;
export const MAX_DEPTH = 64;
/** Characters of a schema in a message. */
const MAX_DESCRIPTION = 4_000;

/**
 * One column of a schema: `field('float32', [28, 28])`, `field('int32', [null])` for vectors of differing lengths,
 * `field('string')`.
 * @throws DataRefError INVALID_ARGUMENT for an unknown dtype or a bad size
 */
export function field<D extends DType>(dtype: D): Field<D, readonly []>;
export function field<D extends NumericDType, const S extends Shape>(dtype: D, shape: S): Field<D, S>;
export function field(dtype: DType, shape: Shape = []): Field {
  if (!Array.isArray(shape))
    throw invalidArgument(`field: the shape must be a list of sizes, such as [28, 28], got ${String(shape)}`);
  const made = { dtype, shape: [...shape] };
  checkField(made, 'field');
  return made;
}

export function isField(schema: unknown): schema is Field {
  if (typeof schema !== 'object' || schema === null) return false;
  const { dtype, shape } = schema as { dtype?: unknown; shape?: unknown };
  return typeof dtype === 'string' && Array.isArray(shape);
}

/** One column in the flat list that a schema stands for, in the order of its keys. */
export interface Leaf {
  /** Name of the column: keys joined by dots; `value` where the record is bare. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** `fixed`: every record has `size` elements; `ragged`: sizes differ; `text`: strings and bytes. */
  readonly kind: 'fixed' | 'ragged' | 'text';
  /** Elements a record; 0 unless fixed. */
  readonly size: number;
  readonly elementBytes: number;
  /** `elementBytes · size`; 0 unless fixed. */
  readonly recordBytes: number;
}

/** A schema's leaves, once for each schema object. @throws DataRefError INVALID_ARGUMENT for a malformed schema */
export function leavesOf(schema: Schema): readonly Leaf[] {
  const known = leavesCache.get(schema);
  if (known !== undefined) return known;
  const leaves: Leaf[] = [];
  collect(schema, [], leaves);
  if (leaves.length === 0) throw invalidArgument('schema: a record needs at least one column');
  const names = new Set<string>();
  for (const { name } of leaves) {
    if (names.has(name)) throw invalidArgument(`schema: two columns are called ${JSON.stringify(name)}`);
    names.add(name);
  }
  leavesCache.set(schema, leaves);
  return leaves;
}
const leavesCache = new WeakMap<object, readonly Leaf[]>();

function collect(schema: Schema, path: readonly string[], leaves: Leaf[]): void {
  const name = path.length === 0 ? 'value' : path.join('.');
  if (path.length > MAX_DEPTH || leaves.length >= MAX_LEAVES) {
    throw invalidArgument(`schema: more than ${MAX_LEAVES} columns or ${MAX_DEPTH} levels`);
  }
  if (isField(schema)) {
    leaves.push(leafOf(checkField(schema, name), name));
    return;
  }
  if (typeof schema !== 'object' || schema === null) {
    throw noSchema(name, schema);
  }
  for (const [key, child] of Object.entries(schema as SchemaObject)) {
    if (key === '__proto__') throw invalidArgument('schema: a column cannot be called __proto__');
    collect(child, [...path, key], leaves);
  }
}

/** Names of dtypes elsewhere. */
const MEANT: Readonly<Record<string, DType | undefined>> = Object.assign(
  Object.create(null) as object,
  {
    float: 'float32',
    double: 'float64',
    number: 'float64',
    int: 'int32',
    uint: 'uint32',
    long: 'int64',
    bigint: 'int64',
    boolean: 'bool',
    text: 'string',
    str: 'string',
    utf8: 'string',
    binary: 'bytes',
  } as const,
);

function meantBy(value: unknown): DType | undefined {
  return typeof value === 'string' ? MEANT[value] : undefined;
}

function noSchema(name: string, value: unknown): DataRefError {
  const got = typeof value === 'string' ? JSON.stringify(value) : String(value);
  const dtype = isDType(value) ? value : meantBy(value);
  const meant = dtype === undefined ? '' : `: did you mean field('${dtype}')?`;
  return invalidArgument(`schema: ${name} must be a field('…'), a tuple or an object, got ${got}${meant}`);
}

function leafOf({ dtype, shape }: Field, name: string): Leaf {
  const bytes = elementBytes(dtype);
  const kind = !isNumericDType(dtype) ? 'text' : shape.includes(null) ? 'ragged' : 'fixed';
  const size = kind === 'fixed' ? shape.reduce<number>((product, n) => product * (n as number), 1) : 0;
  return { name, dtype, shape, kind, size, elementBytes: bytes, recordBytes: size * bytes };
}

function checkField(made: Field, name: string): Field {
  const { dtype, shape } = made;
  if (!isDType(dtype)) {
    const meant = meantBy(dtype);
    throw invalidArgument(
      `schema: ${name} has an unknown dtype ${describeValue(dtype)}${meant === undefined ? '' : `: did you mean '${meant}'?`}; there are ${DTYPES.join(', ')}`,
    );
  }
  if (shape.length > MAX_RANK) throw invalidArgument(`schema: ${name} has more than ${MAX_RANK} dimensions`);
  if (!isNumericDType(dtype) && shape.length > 0)
    throw invalidArgument(`schema: ${name} is ${dtype}, which has no shape`);
  let bytes = elementBytes(dtype);
  for (const size of shape) {
    if (size !== null && (!Number.isSafeInteger(size) || size < 0)) {
      throw invalidArgument(`schema: ${name} has the size ${describeValue(size)}; sizes are integers ≥ 0, or null`);
    }
    bytes *= size ?? 1;
  }
  if (bytes > 2 ** 31 - 1) {
    throw new DataRefError('INVALID_ARGUMENT', `schema: a record of ${name} has ${bytes} bytes; at most 2^31 − 1`);
  }
  return made;
}

/** A checked copy, for schemas that come from outside. @throws DataRefError INVALID_ARGUMENT */
export function parseSchema(value: unknown): Schema {
  const copy = copySchema(value, [], { columns: 0 });
  leavesOf(copy);
  return copy;
}

/** @param seen counts what was copied: a hostile schema ends where it is too large, before it costs time */
function copySchema(value: unknown, path: readonly string[], seen: { columns: number }): Schema {
  if (path.length > MAX_DEPTH) throw invalidArgument(`schema: more than ${MAX_DEPTH} levels`);
  if (isField(value) && ++seen.columns > MAX_LEAVES) throw invalidArgument(`schema: more than ${MAX_LEAVES} columns`);
  if (isField(value)) return { dtype: value.dtype, shape: [...value.shape] };
  if (Array.isArray(value)) return value.map((item, i) => copySchema(item, [...path, String(i)], seen));
  if (typeof value !== 'object' || value === null) throw noSchema(path.join('.') || 'value', value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copySchema(item, [...path, key], seen)]));
}

/** The same columns, dtypes, shapes and structure. */
export function sameSchema(a: Schema, b: Schema): boolean {
  return canonicalSchema(a) === canonicalSchema(b);
}

/** A schema as JSON without white space, each field as {"dtype","shape"}: what fingerprints hash. */
export function canonicalSchema(schema: Schema): string {
  return JSON.stringify(copySchema(schema, [], { columns: 0 }));
}

/** For a message: `{ image: uint8[28,28], label: uint8 }` */
export function describeSchema(schema: Schema): string {
  return shown(textOf(schema), MAX_DESCRIPTION);
}

function textOf(schema: Schema): string {
  if (isField(schema)) {
    return schema.shape.length === 0 ? schema.dtype : `${schema.dtype}[${schema.shape.map((n) => n ?? '?').join(',')}]`;
  }
  if (Array.isArray(schema)) return `[${(schema as readonly Schema[]).map(textOf).join(', ')}]`;
  return `{ ${Object.entries(schema)
    .map(([name, child]) => `${name}: ${textOf(child)}`)
    .join(', ')} }`;
}
