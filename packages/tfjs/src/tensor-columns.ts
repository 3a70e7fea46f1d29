import { DataRefError, type Schema } from '@dataref/core';
import {
  checkColumnSpec,
  leavesOf,
  pickColumns,
  refuseNoTensor,
  type Leaf,
  type Picked,
  type Picker,
} from '@dataref/core/adapter';
import { mapLeaves } from './structure.js';

type Conversion = { readonly dtype: 'int32' | 'float32' };

/** What tensors can be. */
const TENSOR_DTYPES = ['float32', 'int32', 'bool'];

type Specs = Readonly<Record<string, unknown>>;

/** How elements come: single records, or batches whose ragged columns are padded or are not. */
export type ElementMode = 'records' | 'batches' | 'padded batches';

/** The columns that become tensors: those that are named, or all of them in the record's structure. */
export class TensorColumns implements Picker {
  readonly #specs: Specs | undefined;
  readonly #mode: ElementMode;
  readonly #picker: Picker;
  #last: { readonly schema: Schema; readonly picked: Picked } | undefined;

  /** @throws DataRefError INVALID_ARGUMENT for a bad specification */
  constructor(specs: Specs | undefined, mode: ElementMode) {
    if (specs !== undefined) checkSpecs(specs);
    this.#specs = specs;
    this.#mode = mode;
    this.#picker =
      specs === undefined
        ? wholeRecord
        : pickColumns(
            Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, checkSpec(name, spec)])),
            fallback,
          );
  }

  /** @throws DataRefError INVALID_ARGUMENT, RAGGED, UNSUPPORTED, each naming the column */
  resolve(schema: Schema): Picked {
    if (this.#last?.schema !== schema) {
      const picked = this.#picker.resolve(schema);
      const isPadded = this.#mode !== 'batches';
      for (const leaf of leavesOf(picked.schema))
        refuseNoTensor(leaf, { method: 'toTfDataset', option: 'columns', isPadded });
      this.#last = { schema, picked };
    }
    return this.#last.picked;
  }

  /** The schema of what was picked last. */
  get schema(): Schema {
    return (this.#last as { picked: Picked }).picked.schema;
  }

  /** The same columns for elements that come otherwise. */
  for(mode: ElementMode): TensorColumns {
    return new TensorColumns(this.#specs, mode);
  }
}

/** Every column, in the structure that records have. */
const wholeRecord: Picker = {
  resolve(schema) {
    const requests = leavesOf(schema).map((leaf, i) => ({ leaf: i, to: fallback(leaf) }));
    const converted = mapLeaves(schema, (field, i) => ({ ...field, dtype: requests[i]?.to?.dtype ?? field.dtype }));
    return { schema: converted as Schema, requests };
  },
};

/**
 * Conversions that may fail, or that only DataRef can do. The small integers, and float64, are left to `toTensor`,
 * which widens or rounds a whole array at once.
 */
function fallback({ dtype }: Leaf): Conversion | undefined {
  if (dtype === 'int64' || dtype === 'uint64' || dtype === 'uint32') return { dtype: 'int32' };
  return dtype === 'float16' ? { dtype: 'float32' } : undefined;
}

function checkSpecs(specs: unknown): void {
  if (typeof specs === 'object' && specs !== null && !Array.isArray(specs)) return;
  const [xs = 'image', ys = 'label'] = (Array.isArray(specs) ? specs : [specs]).filter(
    (name) => typeof name === 'string',
  );
  throw new DataRefError(
    'INVALID_ARGUMENT',
    `toTfDataset: columns must be an object, by the names that the model wants: columns: { xs: '${xs}', ys: '${ys}' }`,
  );
}

function checkSpec(name: string, spec: unknown): any {
  if (typeof spec === 'string') return spec;
  const { dtype, scale, oneHot, ...rest } = checkColumnSpec('columns', name, spec);
  if (dtype !== undefined && !TENSOR_DTYPES.includes(dtype)) {
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `columns.${name}: TensorFlow.js has no ${JSON.stringify(dtype)} tensors; there are ${TENSOR_DTYPES.join(', ')}`,
      { details: { column: name } },
    );
  }
  return { ...rest, scale, oneHot, dtype: dtype ?? ((scale ?? oneHot) === undefined ? undefined : 'float32') };
}
