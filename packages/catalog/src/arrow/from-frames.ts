import { DataRefError, fromRecords, type DataRef, type Records, type Schema } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import { fromArrow } from './from-arrow.js';
import { loadArrow } from './to-arrow.js';

/** A DataFrame of nodejs-polars, as far as it is asked for. */
export interface PolarsFrame {
  writeIPC(options?: { compression?: 'uncompressed' }): Uint8Array;
}

/** A DataFrame of danfojs or danfojs-node, as far as it is asked for. */
export interface DanfoFrame {
  readonly columns: readonly string[];
  readonly dtypes: readonly string[];
  column(name: string): { readonly values: unknown };
}

/**
 * The rows of a DataFrame of nodejs-polars, by its Arrow.
 * @throws DataRefError INVALID_ARGUMENT for what is none; MISSING_PACKAGE without apache-arrow; and as `fromArrow`
 */
export async function fromPolars(frame: PolarsFrame): Promise<DataRef> {
  if (typeof (Object(frame) as Partial<PolarsFrame>).writeIPC !== 'function')
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `fromPolars needs a DataFrame of nodejs-polars, got ${describeValue(frame)}${'collect' in Object(frame) ? ': await frame.collect()' : ''}`,
    );
  const arrow = await loadArrow();
  return fromArrow(arrow.tableFromIPC(frame.writeIPC({ compression: 'uncompressed' })));
}

const DTYPES: Readonly<Record<string, Schema>> = {
  float32: { dtype: 'float64', shape: [] }, // danfo's word for any number that is not whole, which it keeps in full
  int32: { dtype: 'int32', shape: [] },
  string: { dtype: 'string', shape: [] },
  boolean: { dtype: 'bool', shape: [] },
};

/**
 * The rows of a DataFrame of danfojs: int32, string and bool as they are, its float32, which has numbers of 64 bits, as float64.
 * @throws DataRefError INVALID_ARGUMENT for what is none; UNSUPPORTED naming a column of another dtype; NULL_VALUE; LOSSY_CAST
 *   for whole numbers above 32 bits: `frame.asType(name, 'float32')` keeps them
 */
export async function fromDanfo(frame: DanfoFrame): Promise<DataRef> {
  const { columns, dtypes } = Object(frame) as Partial<DanfoFrame>;
  if (!Array.isArray(columns) || !Array.isArray(dtypes) || typeof frame.column !== 'function')
    throw new DataRefError('INVALID_ARGUMENT', `fromDanfo needs a DataFrame of danfojs, got ${describeValue(frame)}`);
  const schema = Object.fromEntries(
    (columns as string[]).map((name, i): [string, Schema] => {
      const column = DTYPES[dtypes[i] as string];
      if (column !== undefined) return [name, column];
      throw new DataRefError(
        'UNSUPPORTED',
        `fromDanfo: column ${name} is ${String(dtypes[i])}; cast it, or leave it out`,
        {
          details: { column: name },
        },
      );
    }),
  );
  const values = (columns as string[]).map((name) => [name, frame.column(name).values as readonly unknown[]] as const);
  const [, first = []] = values[0] ?? [];
  function* records(): Generator<Record<string, unknown>> {
    for (let i = 0; i < first.length; i++) yield Object.fromEntries(values.map(([name, list]) => [name, list[i]]));
  }
  return fromRecords(records() as Records<any>, { schema });
}
