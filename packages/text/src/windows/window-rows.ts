import type { Field } from '@dataref/core';
import {
  allocateElements,
  allocateFresh,
  convertColumn,
  leavesOf,
  type ColumnData,
  type ColumnRequest,
  type IndexArray,
  type Leaf,
  type ReadRequest,
  type RowSource,
} from '@dataref/core/adapter';
import type { TokenDType } from '../npy/header.js';
import type { NpyArray, Stretches } from '../npy/npy-array.js';
import { copyIds, type IdDType } from './ids.js';

/** What a window looks like: `sequenceLength` ids, and for each the one that follows it. */
export type WindowSchema<D extends IdDType = IdDType> = {
  readonly inputs: Field<D, readonly [number]>;
  readonly labels: Field<D, readonly [number]>;
};

/** Windows over the tokens of a file: window i is its tokens from i · stride on, the labels those one further. */
export class WindowRows implements RowSource {
  readonly id = '';
  readonly version = '';
  readonly schema: WindowSchema;
  readonly length: number;
  readonly hold = () => async () => undefined;
  readonly partRecords = () => undefined;
  readonly #tokens: NpyArray<TokenDType>;
  readonly #sequenceLength: number;
  readonly #stride: number;
  readonly #dtype: IdDType;
  readonly #fingerprint: string;

  constructor(tokens: NpyArray<TokenDType>, size: number, stride: number, dtype: IdDType, fingerprint: string) {
    this.schema = schemaOf(dtype, size);
    this.length = windowCount(tokens.length, size, stride);
    this.#tokens = tokens;
    this.#sequenceLength = size;
    this.#stride = stride;
    this.#dtype = dtype;
    this.#fingerprint = fingerprint;
  }

  fingerprint(): string {
    return this.#fingerprint;
  }

  read(indices: IndexArray, request: ReadRequest): readonly ColumnData[] | Promise<readonly ColumnData[]> {
    const starts = new Float64Array(indices.length);
    for (let i = 0; i < indices.length; i++) starts[i] = (indices[i] as number) * this.#stride;
    const sizes = new Uint32Array(indices.length).fill(this.#sequenceLength + 1);
    const read = this.#tokens.stretches(starts, sizes, request.signal);
    return read instanceof Promise
      ? read.then((stretches) => this.#columns(stretches, indices, request))
      : this.#columns(read, indices, request);
  }

  #columns(read: Stretches<TokenDType>, indices: IndexArray, { columns, allocate }: ReadRequest): ColumnData[] {
    const made: ColumnData[] = [];
    for (const { leaf: place, to } of columns) {
      const dtype = isPlain(to) ? to.dtype : this.#dtype;
      const leaf = leavesOf(schemaOf(dtype, this.#sequenceLength))[place] as Leaf;
      const length = indices.length;
      const column = {
        leaf,
        length,
        data: allocateElements(leaf, length * leaf.size, isPlain(to) || !to ? allocate : allocateFresh),
      };
      const inputs = made.find(({ leaf: other }) => other.name === 'inputs' && other.dtype === dtype);
      if (leaf.name === 'labels' && inputs !== undefined) followInputs(read, inputs, column);
      else fill(read, leaf.name === 'labels' ? 1 : 0, column);
      made.push(
        to === undefined || isPlain(to) ? column : convertColumn(column, to, allocate, (row) => indices[row] as number),
      );
    }
    return made;
  }
}

/** Windows of `size` tokens and their labels that begin `stride` apart, in so many tokens. */
export function windowCount(tokens: number, size: number, stride: number): number {
  return tokens <= size ? 0 : Math.floor((tokens - 1 - size) / stride) + 1;
}

/** A schema object once for each kind: its leaves are looked up by it. */
const schemas = new Map<string, WindowSchema>();
function schemaOf(dtype: IdDType, size: number): WindowSchema {
  const key = `${dtype} ${size}`;
  let schema = schemas.get(key);
  if (schema === undefined) {
    schema = { inputs: { dtype, shape: [size] }, labels: { dtype, shape: [size] } };
    schemas.set(key, schema);
  }
  return schema;
}

/** A conversion to the dtype of ids alone, which is done while they are copied. */
function isPlain(to: ColumnRequest['to']): to is { readonly dtype: IdDType } {
  return (
    to !== undefined &&
    to.scale === undefined &&
    to.oneHot === undefined &&
    (to.dtype === 'int32' || to.dtype === 'int64')
  );
}

/** Rows of a column from stretches, `shift` tokens after the beginning of each. */
function fill({ data, starts }: Stretches<TokenDType>, shift: number, column: ColumnData): void {
  const { length, leaf } = column;
  const packed = scratch(data, length * leaf.size);
  for (let row = 0; row < length; row++) {
    const start = (starts[row] as number) + shift;
    packed.set(data.subarray(start, start + leaf.size), row * leaf.size);
  }
  copyIds(packed, column.data as Int32Array | BigInt64Array);
}

/** Labels from the inputs, which are at hand and converted: each row but its last is theirs, one further. */
function followInputs({ data, starts }: Stretches<TokenDType>, inputs: ColumnData, labels: ColumnData): void {
  const { size } = labels.leaf;
  const [from, into] = [inputs.data, labels.data];
  into.set(from.subarray(1) as never);
  for (let row = 0; row < labels.length; row++) {
    const last = (row + 1) * size - 1;
    const token = data[(starts[row] as number) + size] as number;
    into[last] = (into instanceof BigInt64Array ? BigInt(token) : token) as never;
  }
}

/** Room for the tokens of a batch, up to so many bytes: the same again and again. */
const SCRATCH_BYTES = 2 ** 20;
let scratchBuffer = new ArrayBuffer(0);

/**
 * Room for `count` tokens in ordinary memory. V8 converts tokens out of shared memory one by one, and those of ordinary
 * memory several at a time: it pays to bring them there first, as they are.
 */
function scratch(like: Uint16Array | Int32Array, count: number): Uint16Array | Int32Array {
  const byteLength = count * like.BYTES_PER_ELEMENT;
  const isLarge = byteLength > SCRATCH_BYTES;
  if (!isLarge && scratchBuffer.byteLength < byteLength) scratchBuffer = new ArrayBuffer(byteLength);
  const buffer = isLarge ? new ArrayBuffer(byteLength) : scratchBuffer;
  return like instanceof Uint16Array ? new Uint16Array(buffer, 0, count) : new Int32Array(buffer, 0, count);
}
