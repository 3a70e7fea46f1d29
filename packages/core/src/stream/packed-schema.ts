import { DataRefError, isDataRefError, shown } from '../errors.js';
import { describeSchema, isField, leavesOf, type Leaf } from '../schema/schema.js';
import type { Field, Schema } from '../schema/types.js';
import type { Packing } from './transform-options.js';

/** Columns of a packed row beside the records' own. */
const ADDED = ['segmentIds', 'positions'];

/**
 * What `packedRecord` makes of records with this schema; undefined where a size differs in an axis that is not packed.
 * @throws DataRefError SCHEMA_MISMATCH where they cannot be packed
 */
export function packedSchema(schema: Schema, length: number): Schema | undefined {
  for (const leaf of leavesOf(schema))
    if (!isArray(leaf))
      throw mismatch('pack', schema, `${shown(leaf.name)} is no array; leave it out with map, or make it one`);
  const columns = isField(schema) ? { values: schema } : schema;
  const taken = ADDED.find((name) => Object.hasOwn(columns, name));
  if (taken !== undefined)
    throw mismatch('pack', schema, `it gives a column ${taken} of its own; name yours otherwise`);
  const added = { dtype: 'int32', shape: [length] } as const;
  const packed = packedColumns(columns, length);
  return packed && { ...packed, segmentIds: added, positions: added };
}

/** A length is that of a record's first array. @throws DataRefError SCHEMA_MISMATCH where records have none */
export function requireLength(what: string, schema: Schema): void {
  if (leavesOf(schema).some(isArray)) return;
  throw mismatch(
    what,
    schema,
    'records without an array have no length; give lengthOf, a function from record to length',
  );
}

/** @throws DataRefError SCHEMA_MISMATCH where a record's arrays cannot all have as many positions; OUT_OF_RANGE where each is too long for a row */
export function requirePositions(schema: Schema, { length, lengthOf, cutsLong, strategy }: Packing): void {
  if (lengthOf !== undefined) return;
  const [first, ...others] = leavesOf(schema).filter(({ shape }) => typeof shape[0] === 'number');
  const other = others.find(({ shape }) => shape[0] !== first?.shape[0]);
  if (other !== undefined)
    throw mismatch(
      'pack',
      schema,
      `${first?.name} has ${first?.shape[0]} positions, ${other.name} has ${other.shape[0]}; make them equal with map, or give lengthOf, a function from record to length`,
    );
  const size = first?.shape[0] ?? 0;
  if (strategy !== 'best-fit' || cutsLong || size <= length) return;
  throw new DataRefError(
    'OUT_OF_RANGE',
    `pack: every record has ${size} positions, a row has ${length}; cut them with map, give longer rows, or longRecords: 'cut'`,
    { details: { size, length } },
  );
}

/** A batch has a column for each leaf of its records. @throws DataRefError SCHEMA_MISMATCH where these are too many */
export function requireColumns(what: string, schema: Schema): void {
  try {
    leavesOf(schema);
  } catch (cause) {
    if (!isDataRefError(cause)) throw cause;
    throw new DataRefError(
      'SCHEMA_MISMATCH',
      `${what}: the records have no columns that fit a batch: ${cause.message}; map them to another structure before ${what}, a long list of numbers to one array`,
      { cause },
    );
  }
}

/** Whether records hold a vector or a tensor there. */
function isArray({ dtype, shape }: Leaf): boolean {
  return dtype === 'bytes' || shape.length > 0;
}

function packedColumns(schema: Schema, length: number): Record<string, Schema> | undefined {
  const packed: Record<string, Schema> = {};
  for (const [name, child] of Object.entries(schema)) {
    const column = isField(child) ? packedColumn(child, length) : packedColumns(child as Schema, length);
    if (column === undefined) return undefined;
    packed[name] = column;
  }
  return packed;
}

function packedColumn({ dtype, shape }: Field, length: number): Field | undefined {
  const row = shape.slice(1);
  if (row.includes(null)) return undefined;
  return { dtype: dtype === 'bytes' ? 'uint8' : dtype, shape: [length, ...row] };
}

function mismatch(what: string, schema: Schema, problem: string): DataRefError {
  return new DataRefError('SCHEMA_MISMATCH', `${what}: the records are ${describeSchema(schema)}: ${problem}`);
}
