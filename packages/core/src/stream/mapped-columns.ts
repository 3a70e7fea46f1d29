import { DataRefError, isDataRefError } from '../errors.js';
import { convertColumn } from '../rows/convert.js';
import { pushRecord } from '../rows/custom-rows.js';
import type { ColumnRequest } from '../rows/row-source.js';
import { ColumnBuilder } from '../schema/column-builder.js';
import { allocateFresh, valueAt, type ColumnData } from '../schema/column-data.js';
import { schemaOfRecord } from '../schema/infer.js';
import { leavesOf } from '../schema/schema.js';
import { assemble } from '../schema/structure.js';
import type { Schema } from '../schema/types.js';
import { stepThatDeclared } from './declared-schemas.js';
import type { Learned } from './learned.js';
import type { Picker } from './recipe.js';
import type { Origin } from './stage.js';

/** What the user's functions made, as columns. Where no schema is known, the first record fixes it. */
export class MappedColumns {
  readonly #learned: Learned;

  constructor(learned: Learned) {
    this.#learned = learned;
  }

  /** Takes the schema of a record, where none is known. @param index the record, for errors */
  learn(record: unknown, index: number): void {
    const { schema } = this.#learned;
    refuseNothing(record, index, schema && stepThatDeclared(schema));
    this.#learned.schema ??= schemaOfRecord(record, index);
  }

  /**
   * @param origins of the records
   * @throws DataRefError SCHEMA_MISMATCH, NULL_VALUE, RAGGED, LOSSY_CAST, each naming the record and the column
   */
  columnsOf(records: readonly unknown[], origins: readonly Origin[]): ColumnData[] {
    if (records.length > 0) this.learn(records[0], (origins[0] as Origin).index);
    const schema = this.#learned.schema as Schema;
    const builders = leavesOf(schema).map((leaf) => new ColumnBuilder(leaf));
    for (let i = 0; i < records.length; i++) pushMapped(schema, builders, records[i], origins[i] as Origin);
    return builders.map((builder) => builder.take());
  }

  /** A record with the columns that an adapter asks for. */
  pick(record: unknown, origin: Origin, picker: Picker): unknown {
    const columns = this.columnsOf([record], [origin]);
    const { schema, requests } = picker.resolve(this.#learned.schema as Schema);
    return assemble(schema, (place) => {
      const { leaf, to } = requests[place] as ColumnRequest;
      const column = columns[leaf] as ColumnData;
      return valueAt(to === undefined ? column : convertColumn(column, to, allocateFresh, () => origin.index), 0);
    });
  }
}

/** Checks what a step gave for each record against the schema that was declared for the step. */
export function declaredCheck(schema: Schema): (record: unknown, origin: Origin) => void {
  const builders = leavesOf(schema).map((leaf) => new ColumnBuilder(leaf));
  return (record, origin) => {
    try {
      pushMapped(schema, builders, record, origin);
    } finally {
      for (const builder of builders) builder.clear();
    }
  };
}

/** A function that forgets its `return` gives undefined. @throws DataRefError NULL_VALUE */
function refuseNothing(record: unknown, index: number, step = 'map'): void {
  if (record !== null && record !== undefined) return;
  throw new DataRefError(
    'NULL_VALUE',
    `record ${index}: ${step} gave ${String(record)} for it; is a \`return\` missing in its function? To leave records out, filter them`,
    { details: { column: '', index } },
  );
}

function pushMapped(schema: Schema, builders: readonly ColumnBuilder[], mapped: unknown, origin: Origin): void {
  const step = stepThatDeclared(schema);
  refuseNothing(mapped, origin.index, step);
  try {
    pushRecord(schema, builders, mapped, origin.index);
  } catch (error) {
    if (!isDataRefError(error)) throw error;
    const { joined } = origin;
    const from = joined === undefined ? '' : `${joined}: `;
    const by = step === undefined ? '' : `, with the schema declared for ${step}`;
    throw new DataRefError(error.code, `${from}what the transforms gave${by}: ${error.message}`, {
      cause: error,
      details: error.details,
    });
  }
}
