import { DataRefError, isDataRefError, type Batch, type Field, type NumericDType, type Schema } from '@dataref/core';
import {
  didYouMean,
  leavesOf,
  pickColumns,
  refuseNoTensor,
  type CheckedSpec,
  type Leaf,
  type Picked,
  type Picker,
} from '@dataref/core/adapter';
import { shapeOf } from './batch-feeds.js';
import { checkDimensions, type Fed, type Size } from './dimensions.js';
import { describe, inputError, isModelInput, type ModelBinding, type ModelInput } from './model-inputs.js';
import { isWidening } from './widening.js';

/** What a stream's batches are like. */
export interface BatchShape {
  readonly batchSize: number;
  readonly everyLength: number | undefined;
  readonly padsRemainder: boolean;
  readonly padsRagged: boolean;
  readonly hasMaps: boolean;
}

/** One input, and the column that feeds it. */
interface Bound {
  readonly input: ModelInput;
  readonly column: string;
}

/** Which columns feed which inputs. All is checked as soon as the schema is known; what only a batch can tell, with it. */
export class Binding implements Picker {
  readonly mask: ModelInput | undefined;
  readonly #given: ModelBinding;
  readonly #batches: BatchShape;
  #last: { readonly schema: Schema; readonly picked: Picked; readonly bound: readonly Bound[] } | undefined;

  /** @throws DataRefError INVALID_ARGUMENT */
  constructor(given: ModelBinding, batches: BatchShape) {
    this.mask = given.mask;
    this.#given = given;
    this.#batches = batches;
    if (batches.padsRemainder && given.mask === undefined && given.state.length > 0) {
      throw new DataRefError(
        'INVALID_ARGUMENT',
        `toOrtFeeds: the stream pads its last batch, and the model trains (${String(given.state[0])} is learned): rows of padding would be learned from. Name the input that masks them, maskInput: 'mask', or drop them: batch(n, { remainder: 'drop' })`,
      );
    }
  }

  /** @throws DataRefError INVALID_ARGUMENT, UNSUPPORTED for bytes, RAGGED, each naming input and column */
  resolve(schema: Schema): Picked {
    if (this.#last?.schema !== schema) this.#last = { schema, ...this.#bind(schema) };
    return this.#last.picked;
  }

  /** What was bound last, in the order of the columns. */
  get bound(): readonly Bound[] {
    return this.#last?.bound ?? [];
  }

  /** Checks what only a batch can tell; undefined where nothing is left to tell. */
  get check(): ((batch: Batch) => void) | undefined {
    if (!this.#batches.hasMaps && !this.#batches.padsRagged) return undefined;
    return (batch) =>
      this.#check(
        this.bound.map(({ input, column }) => ({ input, column, sizes: shapeOf(batch, input.name) })),
        batch.length,
      );
  }

  #bind(schema: Schema): { readonly picked: Picked; readonly bound: readonly Bound[] } {
    const specs = this.#given.specs ?? this.#specsByName(schema);
    const fields: Record<string, Field> = {};
    const requests: Picked['requests'][number][] = [];
    const bound: Bound[] = [];
    const fed: Fed[] = [];
    for (const [name, spec] of specs) {
      const input = this.#given.model.find((candidate) => candidate.name === name) as ModelInput;
      const { schema: made, requests: asked } = this.#pick(schema, input, spec);
      const leaf = leavesOf(made)[0] as Leaf;
      fields[name] = (made as Record<string, Field>)[name] as Field;
      requests.push(...asked);
      bound.push({ input, column: spec.column });
      fed.push({ input, column: spec.column, sizes: [this.#rows(), ...this.#sizesOf(leaf, input, spec.column)] });
    }
    this.#check(fed, this.#rows());
    // Names such as '0' come first in an object, whenever they were added.
    const order = Object.keys(fields).map((name) => bound.findIndex(({ input }) => input.name === name));
    return {
      picked: { schema: fields, requests: order.map((place) => requests[place] as (typeof requests)[0]) },
      bound: order.map((place) => bound[place] as Bound),
    };
  }

  #rows(): Size {
    return this.#batches.hasMaps ? undefined : (this.#batches.everyLength ?? 'kept short');
  }

  #sizesOf({ shape }: Leaf, input: ModelInput, column: string): readonly Size[] {
    return shape.map((size, axis) => {
      const wanted = input.shape[axis + 1];
      if (size === null && typeof wanted === 'number')
        throw inputError(
          input.name,
          `the model takes ${describe(input.type, input.shape)}, and ${column} is padded to the largest row of each batch: pad to ${wanted} with map, and give its schema`,
          column,
        );
      return size ?? undefined;
    });
  }

  #check(fed: readonly Fed[], rows: Size): void {
    const { mask } = this.#given;
    const masked = mask === undefined ? [] : [{ input: mask, sizes: [rows], column: 'the mask' }];
    checkDimensions([...fed, ...masked], this.#batches.batchSize);
  }

  /** The column of one input, with the conversion that it needs. */
  #pick(schema: Schema, input: ModelInput, spec: CheckedSpec): Picked {
    const { name, type } = input;
    const leaf = leavesOf(schema).find((candidate) => candidate.name === spec.column);
    try {
      if (leaf !== undefined) {
        refuseNoTensor(leaf, { method: 'toOrtFeeds', option: 'inputs', isPadded: this.#batches.padsRagged });
        refuseLossy(leaf, input, spec);
      }
      const isAsIs = leaf?.dtype === type && spec.scale === undefined && spec.oneHot === undefined;
      const wanted = isAsIs ? { column: spec.column } : { ...spec, dtype: type as NumericDType };
      return pickColumns({ [name]: wanted }, () => undefined, 'inputs').resolve(schema);
    } catch (error) {
      if (!isDataRefError(error) || error.details['input'] !== undefined) throw error;
      const where = error.message.startsWith(`inputs.${name}:`) ? '' : `input ${name}: `;
      const cure = leaf === undefined ? noColumnCure(schema, name, spec.column) : '';
      throw new DataRefError(error.code, `toOrtFeeds: ${where}${error.message}${cure}`, {
        cause: error,
        details: { ...error.details, input: name, column: spec.column },
      });
    }
  }

  #specsByName(schema: Schema): ReadonlyMap<string, CheckedSpec> {
    const { model, state, mask } = this.#given;
    const columns = leavesOf(schema).map(({ name }) => name);
    const specs = new Map<string, CheckedSpec>();
    const missing: string[] = [];
    for (const input of model) {
      const { name } = input;
      if (name === mask?.name || state.includes(name)) continue;
      if (!columns.includes(name)) {
        if (!isModelInput(input) || this.#takesBatches(input)) missing.push(name);
      } else if (isModelInput(input)) specs.set(name, { column: name });
      else throw inputError(name, `${input.problem}, so that column ${name} cannot feed it`, name);
    }
    const [first] = missing;
    if (first !== undefined) throw unmapped(missing, columns, specs.keys());
    if (specs.size > 0) return specs;
    throw new DataRefError(
      'INVALID_ARGUMENT',
      `toOrtFeeds: no input of the model has a column of its name; inputs are ${model.map(({ name }) => name).join(', ')}, columns ${columns.join(', ')}: inputs: { ${model[0]?.name ?? 'x'}: '${columns[0] as string}' }`,
    );
  }

  /** Whether an input could be fed a row for each record. */
  #takesBatches({ shape: [rows] }: ModelInput): boolean {
    const { everyLength, batchSize } = this.#batches;
    return typeof rows === 'string' || rows === (everyLength ?? batchSize);
  }
}

function noColumnCure(schema: Schema, input: string, column: string): string {
  const inside = leavesOf(schema).find(({ name }) => name.startsWith(`${column}.`));
  if (inside !== undefined)
    return `. ${column} is several columns, such as ${inside.name}: where it is a vector, records give it as a typed array, Float32Array.of(…)`;
  return column === input ? `. Say which column feeds it: inputs: { ${input}: '…' }` : '';
}

function unmapped(missing: readonly string[], columns: readonly string[], mapped: Iterable<string>): DataRefError {
  const [input] = missing as readonly [string];
  const isMask = /mask/iu.test(input) ? `, or maskInput: '${input}' where it masks padding` : '';
  const given = Array.from(mapped, (name) => `${name}: '${name}'`);
  const entries = [...given, ...missing.map((name) => `${name}: '…'`)].join(', ');
  const meant = didYouMean(input, columns) || '.';
  return new DataRefError(
    'INVALID_ARGUMENT',
    `toOrtFeeds: no column for ${missing.map((name) => `input ${name}`).join(', ')}; there are ${columns.join(', ')}${meant} Say which feeds which: inputs: { ${entries} }${isMask}. What you add to the feeds yourself, leave out of inputs`,
    { details: { input, inputs: missing } },
  );
}

/** @throws DataRefError INVALID_ARGUMENT where values could be lost, and nobody has asked for it */
function refuseLossy(leaf: Leaf, { name, type }: ModelInput, spec: CheckedSpec): void {
  const { dtype } = leaf;
  if (dtype === 'string' || type === 'string') {
    if (dtype === type) return;
    const cure = dtype === 'string' ? 'tokenize or decode it with map first' : 'take a column of strings';
    throw inputError(name, `it takes ${type}, and column ${leaf.name} is ${dtype}: ${cure}`, leaf.name);
  }
  const isAsked = (spec.dtype ?? spec.scale ?? spec.oneHot) !== undefined;
  if (isAsked || isWidening(dtype as NumericDType, type)) return;
  throw inputError(
    name,
    `it takes ${type}, which cannot hold every ${dtype} of column ${leaf.name}: let the model take ${dtype} and begin with a Cast, or ask for the conversion: { column: '${leaf.name}', dtype: '${type}' }, which rounds to floats and refuses integers that do not fit${dtype === 'float64' ? '. Numbers in records, and in what a map returns, are float64 where no schema says otherwise' : ''}`,
    leaf.name,
  );
}
