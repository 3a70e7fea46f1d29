import type { Data, DataType, Field as ArrowField, Table as ArrowTable, Vector } from 'apache-arrow';
import { DataRefError, type DataRef, type Field, type NumericDType, type Schema } from '@dataref/core';
import {
  allocateElements,
  allocateFresh,
  concatColumns,
  describeValue,
  leavesOf,
  MemoryRows,
  parseSchema,
  RowDataset,
  type ColumnData,
  type Leaf,
} from '@dataref/core/adapter';

// Numbers of Arrow's types. @see https://github.com/apache/arrow/blob/main/format/Schema.fbs
const [DICTIONARY, INT, FLOAT, BINARY, UTF8, BOOL, LIST, STRUCT, FIXED_BINARY, FIXED_LIST] = [
  -1, 2, 3, 4, 5, 6, 12, 13, 15, 16,
];
const [LARGE_BINARY, LARGE_UTF8, LARGE_LIST, BINARY_VIEW, UTF8_VIEW] = [19, 20, 21, 23, 24];
const LISTS = [LIST, LARGE_LIST];
const TEXTS = [UTF8, LARGE_UTF8, UTF8_VIEW];
const BYTES = [BINARY, LARGE_BINARY, BINARY_VIEW, FIXED_BINARY];

/**
 * The rows of an Arrow table of apache-arrow, whose memory is not copied where it is of one batch. Integers and floats are
 * scalars of their dtype, utf8 and dictionaries of it strings, binary bytes, fixed-size lists vectors and tensors, lists
 * vectors of differing lengths, structs records within the record. What `toArrow` made has its schema again, unless its
 * columns are others by now.
 * @throws DataRefError INVALID_ARGUMENT for what is no Arrow table, and one with two columns of one name; NULL_VALUE naming
 *   the column; UNSUPPORTED for a type that has no dtype, such as a timestamp
 */
export function fromArrow(table: ArrowTable): DataRef {
  const { schema: arrowSchema, batches } = Object(table) as Partial<ArrowTable>;
  if (!Array.isArray(batches) || !Array.isArray(arrowSchema?.fields))
    throw new DataRefError('INVALID_ARGUMENT', `fromArrow needs a table of apache-arrow, got ${describeValue(table)}`);
  const names = arrowSchema.fields.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw new DataRefError('INVALID_ARGUMENT', `fromArrow: two columns are called ${JSON.stringify(twice)}`);
  const own = writtenSchema(arrowSchema.metadata.get('dataref:schema'), table);
  const schema = own ?? structure(arrowSchema.fields);
  const vectorOf = (leaf: Leaf): Vector | null =>
    own === undefined ? child(table, leaf.name) : table.getChild(leaf.name);
  const columns = leavesOf(schema).map((leaf) => columnOf(leaf, vectorOf(leaf), table.numRows));
  return new RowDataset(new MemoryRows(schema, columns));
}

/** The schema that is written in a table, where it is that of its columns: others keep it when they change those. */
function writtenSchema(text: string | undefined, table: ArrowTable): Schema | undefined {
  if (text === undefined) return undefined;
  try {
    const schema = parseSchema(JSON.parse(text));
    const stored = leavesOf(schema).filter(({ kind, recordBytes }) => kind !== 'fixed' || recordBytes > 0);
    const isSame =
      stored.length === table.numCols && stored.every((leaf) => isStoredAs(leaf, table.getChild(leaf.name)));
    return isSame ? schema : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a column is as the stored parts have it. */
function isStoredAs({ name, kind, dtype, shape }: Leaf, vector: Vector | null): boolean {
  if (vector === null) return false;
  const type = vector.type as DataType;
  const isStruct = (type.typeId as number) === STRUCT;
  const { dtype: is, shape: sizes } = schemaOf(name, isStruct ? ((type.children[0] as ArrowField).type as DataType) : type) as Field; // prettier-ignore
  if (kind === 'text') return is === dtype && !isStruct;
  const hasDType = is === dtype || (dtype === 'bool' && is === 'uint8') || (dtype === 'float16' && is === 'uint16');
  if (kind === 'fixed') return hasDType && !isStruct && sizes.join() === shape.join();
  return hasDType && sizes.join() === [null].join() && isStruct === shape.length > 1;
}

function structure(fields: readonly ArrowField[]): Record<string, Schema> {
  return Object.fromEntries(fields.map((field) => [field.name, schemaOf(field.name, field.type as DataType)]));
}

function schemaOf(name: string, type: DataType): Schema {
  const { typeId } = type as { readonly typeId: number };
  const children = (type.children ?? []) as readonly ArrowField[];
  if (typeId === STRUCT) return Object.fromEntries(children.map((field) => [field.name, schemaOf(`${name}.${field.name}`, field.type as DataType)])); // prettier-ignore
  if (TEXTS.includes(typeId)) return { dtype: 'string', shape: [] };
  if (BYTES.includes(typeId)) return { dtype: 'bytes', shape: [] };
  if (
    typeId === DICTIONARY &&
    TEXTS.includes((type as unknown as { dictionary: { typeId: number } }).dictionary.typeId)
  )
    return { dtype: 'string', shape: [] };
  const sizes: number[] = [];
  let element = type;
  while ((element.typeId as number) === FIXED_LIST) {
    sizes.push((element as unknown as { readonly listSize: number }).listSize);
    element = (element.children[0] as ArrowField).type as DataType;
  }
  if (LISTS.includes(typeId)) element = (children[0] as ArrowField).type as DataType;
  const dtype = dtypeOf(element);
  if (dtype === undefined || (typeId !== FIXED_LIST && !LISTS.includes(typeId) && element !== type))
    throw new DataRefError(
      'UNSUPPORTED',
      `fromArrow: column ${name} is ${(type as { toString(): string }).toString()}, which has no dtype here; cast it, or leave it out`,
      { details: { column: name } },
    );
  return { dtype, shape: LISTS.includes(typeId) ? [null] : sizes };
}

function dtypeOf(type: DataType): NumericDType | undefined {
  const { typeId, bitWidth, isSigned, precision } = type as unknown as Record<string, number>;
  if (typeId === BOOL) return 'bool';
  if (typeId === FLOAT) return `float${16 * 2 ** (precision as number)}` as NumericDType;
  return typeId === INT ? (`${isSigned ? '' : 'u'}int${bitWidth}` as NumericDType) : undefined;
}

/** A column of a table or, after a dot, of a struct. */
function child(table: Pick<ArrowTable, 'getChild'>, path: string): Vector | null {
  const whole = table.getChild(path);
  if (whole !== null) return whole;
  const [first = '', ...rest] = path.split('.');
  const vector = table.getChild(first);
  if (vector === null || rest.length === 0) return null;
  if (vector.nullCount > 0) throw nulls(first, vector.nullCount);
  return child(vector, rest.join('.'));
}

function columnOf(leaf: Leaf, vector: Vector | null, length: number): ColumnData {
  if (vector === null) {
    // Nothing is stored of a column that has no elements.
    if (leaf.kind === 'fixed' && leaf.size === 0) return emptyColumn(leaf, length);
    throw new DataRefError('INVALID_ARGUMENT', `fromArrow: the table has no column ${leaf.name}, its schema does`);
  }
  if (vector.length === 0) return emptyColumn(leaf, 0);
  if (vector.nullCount > 0) throw nulls(leaf.name, vector.nullCount);
  return concatColumns(vector.data.map((data) => chunkOf(leaf, data as Data, vector)));
}

function chunkOf(leaf: Leaf, data: Data, vector: Vector): ColumnData {
  const { length } = data;
  const { typeId } = data.type as { readonly typeId: number };
  if (leaf.kind === 'text') return textsOf(leaf, data, vector);
  if (leaf.kind === 'fixed') return { leaf, length, data: elementsOf(leaf, data).subarray(0, length * leaf.size) };
  const list = typeId === STRUCT ? (data.children[0] as Data) : data;
  const offsets = list.valueOffsets as ArrayLike<number | bigint>; // bigints in large lists
  const [start, end] = [Number(offsets[0] ?? 0), Number(offsets[length] ?? 0)];
  const shapes = typeId === STRUCT ? elementsOf(leaf, data.children[1] as Data) : undefined;
  return {
    leaf,
    length,
    data: elementsOf(leaf, list.children[0] as Data).subarray(start, end),
    offsets: Uint32Array.from({ length: length + 1 }, (_, i) => Number(offsets[i] ?? 0) - start),
    shapes: shapes as Int32Array | undefined,
  };
}

/** The elements at the bottom of lists of fixed size, as one typed array. */
function elementsOf(leaf: Leaf, data: Data): Uint8Array {
  if (data.nullCount > 0)
    throw new DataRefError('NULL_VALUE', `fromArrow: column ${leaf.name} has nulls among its elements; fill them`);
  const inner = data.children[0];
  if (inner !== undefined) return elementsOf(leaf, inner);
  const { typeId } = data.type as { readonly typeId: number };
  if (typeId !== BOOL) return (data.values as Uint8Array).subarray(0, data.length);
  const bits = data.values as Uint8Array;
  return Uint8Array.from({ length: data.length }, (_, i) => {
    const at = i + data.offset;
    return ((bits[at >> 3] as number) >> (at & 7)) & 1;
  });
}

function textsOf(leaf: Leaf, data: Data, vector: Vector): ColumnData {
  const { length } = data;
  const { typeId } = data.type as { readonly typeId: number };
  if (typeId === UTF8 || typeId === BINARY) {
    const offsets = data.valueOffsets as Int32Array;
    const start = offsets[0] ?? 0;
    return {
      leaf,
      length,
      data: (data.values as Uint8Array).subarray(start, offsets[length] ?? start),
      offsets: Uint32Array.from({ length: length + 1 }, (_, i) => (offsets[i] ?? 0) - start),
    };
  }
  const first = vector.data.slice(0, vector.data.indexOf(data as never)).reduce((sum, chunk) => sum + chunk.length, 0);
  const encoder = new TextEncoder();
  const values = Array.from({ length }, (_, i): Uint8Array => {
    const value: unknown = vector.get(first + i);
    if (value === null) throw nulls(leaf.name, 1); // of its dictionary
    return typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array);
  });
  const offsets = new Uint32Array(length + 1);
  values.forEach((value, i) => (offsets[i + 1] = (offsets[i] as number) + value.length));
  const bytes = new Uint8Array(offsets[length] as number);
  values.forEach((value, i) => bytes.set(value, offsets[i]));
  return { leaf, length, data: bytes, offsets };
}

function nulls(column: string, count: number): DataRefError {
  return new DataRefError(
    'NULL_VALUE',
    `fromArrow: column ${column} has ${count} nulls, which a dataset cannot hold; fill or drop them`,
    { details: { column } },
  );
}

function emptyColumn(leaf: Leaf, length: number): ColumnData {
  const data = allocateElements(leaf, 0, allocateFresh);
  if (leaf.kind === 'fixed') return { leaf, length, data };
  const shapes = leaf.shape.length > 1 ? new Int32Array(0) : undefined;
  return { leaf, length, data, offsets: new Uint32Array(length + 1), shapes };
}
