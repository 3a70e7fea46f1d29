import { DataRefError, type NumericDType, type Schema } from '@dataref/core';
import { isField } from '@dataref/core/adapter';
import type { SchemaElement, SchemaTree } from 'hyparquet';
import type { ParquetWriter } from 'hyparquet-writer';

type WrittenElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];
type Element = Omit<WrittenElement, 'name'>;

const ELEMENTS: Readonly<Record<NumericDType | 'string' | 'bytes', Element>> = {
  bool: { type: 'BOOLEAN' },
  int8: { type: 'INT32', converted_type: 'INT_8' },
  int16: { type: 'INT32', converted_type: 'INT_16' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  uint8: { type: 'INT32', converted_type: 'UINT_8' },
  uint16: { type: 'INT32', converted_type: 'UINT_16' },
  uint32: { type: 'INT32', converted_type: 'UINT_32' },
  uint64: { type: 'INT64', converted_type: 'UINT_64' },
  float16: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } },
  float32: { type: 'FLOAT' },
  float64: { type: 'DOUBLE' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  bytes: { type: 'BYTE_ARRAY' },
};

/** The columns of records, each by its name; bare records have one column. */
export function columnsOf(schema: Schema): Readonly<Record<string, Schema>> {
  return isField(schema) ? { value: schema } : (schema as Readonly<Record<string, Schema>>);
}

/** Parquet's schema of columns: no nulls, vectors and tensors as lists, records within records as groups. */
export function parquetSchemaOf(columns: Readonly<Record<string, Schema>>): WrittenElement[] {
  const entries = Object.entries(columns);
  const elements = entries.flatMap(([name, column]) => elementsOf(name, column));
  return [{ name: 'root', num_children: entries.length }, ...elements];
}

/** @see https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists */
function elementsOf(name: string, schema: Schema): WrittenElement[] {
  if (!isField(schema)) {
    const members = Object.entries(schema);
    const group: WrittenElement = { name, repetition_type: 'REQUIRED', num_children: members.length };
    return [group, ...members.flatMap(([key, member]) => elementsOf(key, member as Schema))];
  }
  const { dtype, shape } = schema;
  if (shape.length === 0) return [{ name, repetition_type: 'REQUIRED', ...ELEMENTS[dtype] }];
  return [
    { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...elementsOf('element', { dtype, shape: shape.slice(1) }),
  ];
}

/**
 * The schema of records in a Parquet file that was written by somebody else.
 * @throws DataRefError UNSUPPORTED naming a column that no dtype stands for
 */
export function schemaOfParquet(root: SchemaTree, columns: readonly string[] | undefined): Schema {
  const members = root.children.filter(({ element }) => columns?.includes(element.name) !== false);
  return Object.fromEntries(members.map((member) => [member.element.name, schemaOf(member)]));
}

function schemaOf({ element, children, path }: SchemaTree): Schema {
  const name = path.join('.');
  if (children.length === 0) return { dtype: dtypeOf(element, name), shape: [] };
  const repeated = children[0] as SchemaTree;
  if (element.converted_type !== 'LIST' && element.logical_type?.type !== 'LIST') {
    if (element.converted_type === 'MAP' || element.repetition_type === 'REPEATED')
      return refuse(name, 'a map or a repeated group');
    return Object.fromEntries(children.map((member) => [member.element.name, schemaOf(member)]));
  }
  const inner = schemaOf(repeated.children.length === 1 ? (repeated.children[0] as SchemaTree) : repeated);
  if (!isField(inner) || inner.dtype === 'string' || inner.dtype === 'bytes')
    return refuse(name, 'a list of what are no numbers');
  return { dtype: inner.dtype, shape: [null, ...inner.shape] };
}

function dtypeOf(
  { type, converted_type: converted, logical_type: logical }: SchemaElement,
  name: string,
): NumericDType | 'string' | 'bytes' {
  const kind = converted ?? logical?.type;
  if (logical?.type === 'INTEGER') return `${logical.isSigned ? '' : 'u'}int${logical.bitWidth}` as NumericDType;
  if (type === 'BOOLEAN') return 'bool';
  if (kind === undefined && type === 'INT32') return 'int32';
  if (kind === undefined && type === 'INT64') return 'int64';
  if (type === 'FLOAT') return 'float32';
  if (type === 'DOUBLE') return 'float64';
  if (kind === 'FLOAT16') return 'float16';
  if (kind === 'UTF8' || kind === 'STRING' || kind === 'ENUM') return 'string';
  if (kind === undefined && (type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY')) return 'bytes';
  const integer = /^(U?)INT_(8|16|32|64)$/u.exec(String(kind));
  if (integer !== null) return `${integer[1] === '' ? '' : 'u'}int${integer[2]}` as NumericDType;
  return refuse(name, String(kind ?? type));
}

function refuse(name: string, what: string): never {
  throw new DataRefError(
    'UNSUPPORTED',
    `fromParquet: column ${name} is ${what}, which has no dtype here; name the others in columns`,
    { details: { column: name } },
  );
}
