import { DataRefError } from '../errors.js';
import type { ColumnData, ElementArray } from './column-data.js';
import { arrayType, dtypeOfArray, isGone, isTypedArray, type NumericDType, type TypedArray } from './dtypes.js';
import { nullValue } from './infer.js';
import { areBooleans, describeValue, GONE, isNDArray, isSize, NO_BOOLEANS, storageDType } from './ndarray.js';
import { arrayFromLists } from './nested-array.js';
import { toElement } from './scalar.js';
import type { Leaf } from './schema.js';

/** Collects the values of one leaf into growing buffers; `take` hands them over and starts anew. */
export class ColumnBuilder {
  readonly leaf: Leaf;
  #data: ElementArray;
  #used = 0;
  #rows = 0;
  #offsets: Float64Array | undefined;
  #shapes: Int32Array | undefined;

  constructor(leaf: Leaf) {
    this.leaf = leaf;
    this.#data = new (arrayType(leaf.dtype))(Math.max(16, leaf.size * 16));
    if (leaf.kind !== 'fixed') this.#offsets = new Float64Array(17);
    if (leaf.kind === 'ragged' && leaf.shape.length > 1) this.#shapes = new Int32Array(16 * leaf.shape.length);
  }

  /** Bytes of values collected since the last `take`. */
  get byteLength(): number {
    return this.#used * this.leaf.elementBytes;
  }

  /**
   * Appends the value of one record.
   * @param index the record, for errors
   * @throws DataRefError NULL_VALUE, SCHEMA_MISMATCH, RAGGED, LOSSY_CAST
   */
  push(value: unknown, index: number): void {
    const { leaf } = this;
    if (value === null || value === undefined) throw nullValue(leaf.name, index);
    if (leaf.kind === 'text') this.#pushText(value, index);
    else if (leaf.shape.length === 0 && !isNDArray(value)) {
      this.#reserve(1);
      this.#data[this.#used++] = toElement(leaf, value, index) as never;
    } else this.#pushArray(value, index);
    this.#rows++;
    if (this.#offsets !== undefined) {
      if (this.#rows >= this.#offsets.length) this.#offsets = grown(this.#offsets, this.#rows + 1);
      this.#offsets[this.#rows] = this.#used;
    }
  }

  /** The rows so far. The builder starts anew with buffers of the same size. */
  take(): ColumnData {
    const { leaf } = this;
    const length = this.#rows;
    const taken: ColumnData = {
      leaf,
      length,
      data: this.#data.subarray(0, this.#used),
      offsets: this.#offsets?.subarray(0, length + 1),
      shapes: this.#shapes?.subarray(0, length * leaf.shape.length),
    };
    this.#data = new (arrayType(leaf.dtype))(this.#data.length);
    if (this.#offsets !== undefined) this.#offsets = new Float64Array(this.#offsets.length);
    if (this.#shapes !== undefined) this.#shapes = new Int32Array(this.#shapes.length);
    this.clear();
    return taken;
  }

  /** Forgets the rows so far; their buffers are written anew. */
  clear(): void {
    this.#used = 0;
    this.#rows = 0;
  }

  #pushText(value: unknown, index: number): void {
    const { leaf } = this;
    if (leaf.dtype === 'string') {
      if (typeof value !== 'string') throw mismatch(leaf, value, index);
      if (!isWellFormed(value)) throw malformed(leaf, value, index);
      this.#reserve(value.length * 3);
      this.#used += utf8.encodeInto(value, this.#data.subarray(this.#used) as Uint8Array).written;
      return;
    }
    if (!isTypedArray(value) || value.BYTES_PER_ELEMENT !== 1) throw mismatch(leaf, value, index);
    if (isGone(value)) throw unusable(leaf, index, GONE);
    this.#reserve(value.length);
    this.#data.set(value as never, this.#used);
    this.#used += value.length;
  }

  #pushArray(value: unknown, index: number): void {
    const { leaf } = this;
    const array = arrayOf(leaf, value, index);
    const fits =
      array.shape.length === leaf.shape.length &&
      leaf.shape.every((size, d) => size === null || size === array.shape[d]);
    if (!fits) throw otherShape(leaf, array.shape, index);
    this.#reserve(array.data.length);
    this.#data.set(array.data as never, this.#used);
    this.#used += array.data.length;
    if (this.#shapes !== undefined) {
      const at = this.#rows * leaf.shape.length;
      if (at + leaf.shape.length > this.#shapes.length) this.#shapes = grown(this.#shapes, at + leaf.shape.length);
      this.#shapes.set(array.shape, at);
    }
  }

  #reserve(count: number): void {
    const needed = this.#used + count;
    if (needed <= this.#data.length) return;
    if (needed * this.leaf.elementBytes > 2 ** 31 - 1) {
      throw new DataRefError('OUT_OF_RANGE', `${this.leaf.name}: more than 2^31 − 1 bytes in one record or batch`);
    }
    this.#data = grown(this.#data, needed);
  }
}

const utf8 = new TextEncoder();

function arrayOf(leaf: Leaf, value: unknown, index: number): { shape: readonly number[]; data: TypedArray } {
  if (Array.isArray(value)) return arrayFromLists(leaf, value, index);
  const array = isNDArray(value) ? value : isTypedArray(value) ? { shape: [value.length], data: value } : undefined;
  if (array === undefined) throw mismatch(leaf, value, index);
  if (isGone(array.data)) throw unusable(leaf, index, GONE);
  const wanted = leaf.dtype as NumericDType;
  const declared = isNDArray(value) ? value.dtype : undefined;
  const given = dtypeOfArray(array.data) as NumericDType;
  if ((declared ?? wanted) !== wanted || storageDType(given) !== storageDType(wanted)) {
    throw mismatch(leaf, value, index, declared ?? given);
  }
  const shape = array.shape as readonly number[];
  const bits =
    given === 'float16' ? new Uint16Array(array.data.buffer, array.data.byteOffset, array.data.length) : array.data;
  if (elementCount(shape) !== bits.length)
    throw unusable(
      leaf,
      index,
      `its shape is [${Array.from(shape, String).join(', ')}], its data has ${bits.length} elements`,
    );
  if (wanted === 'bool' && !areBooleans(bits as Uint8Array)) throw unusable(leaf, index, NO_BOOLEANS);
  return { shape, data: bits };
}

/** NaN for what is no shape: sizes are integers from 0 to 2^31 − 1. */
function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d] as number;
    if (!isSize(size) || size > 2 ** 31 - 1) return NaN;
    count *= size;
  }
  return count;
}

function unusable(leaf: Leaf, index: number, problem: string): DataRefError {
  return new DataRefError('SCHEMA_MISMATCH', `record ${index}: ${leaf.name}: ${problem}`, {
    details: { column: leaf.name, index },
  });
}

function otherShape(leaf: Leaf, given: readonly number[], index: number): DataRefError {
  const { name, dtype, shape, kind, size } = leaf;
  const sizes = shape.map((n) => n ?? 'null').join(', ');
  const isStored = dtype === 'bool' || dtype === 'float16';
  let cure: string;
  if (given.length === shape.length)
    cure = `Where sizes differ from record to record, give a schema with null: field('${dtype}', [${shape.map(() => 'null').join(', ')}])`;
  else if (kind === 'fixed' && elementCount(given) === size)
    cure = `It has as many elements: give ndarray(${name}, [${sizes}]${isStored ? `, '${dtype}'` : ''})`;
  else
    cure = `Give an ndarray of ${shape.length} ${shape.length === 1 ? 'dimension' : 'dimensions'}, or a schema that has ${given.length}: field('${dtype}', [${given.join(', ')}])`;
  return new DataRefError(
    'RAGGED',
    `record ${index}: ${name} has the shape [${given.join(', ')}], the schema says [${sizes}]. ${cure}`,
    { details: { column: name, index } },
  );
}

export function mismatch(leaf: Leaf, value: unknown, index: number, dtype?: string): DataRefError {
  return new DataRefError(
    'SCHEMA_MISMATCH',
    `record ${index}: ${leaf.name} should be ${leaf.dtype}${leaf.shape.length > 0 ? `[${leaf.shape.map((n) => n ?? '?').join(',')}]` : ''}, got ${dtype === undefined ? describeValue(value) : `an array of ${dtype}`}`,
    { details: { column: leaf.name, index } },
  );
}

/** Strings of other engines' age have no such method. */
function isWellFormed(text: string): boolean {
  const { isWellFormed: method } = text as { isWellFormed?: () => boolean };
  return method === undefined ? !/\p{Surrogate}/u.test(text) : method.call(text);
}

function malformed(leaf: Leaf, value: string, index: number): DataRefError {
  return new DataRefError(
    'LOSSY_CAST',
    `record ${index}: ${leaf.name} is ${describeValue(value)}, with half of a surrogate pair, which UTF-8 cannot hold. Mend it with toWellFormed(), or store bytes`,
    { details: { column: leaf.name, index } },
  );
}

function grown<A extends ElementArray>(array: A, needed: number): A {
  const larger = new (array.constructor as new (length: number) => A)(Math.max(needed, array.length * 2));
  larger.set(array as never);
  return larger;
}
