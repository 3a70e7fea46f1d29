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
    const { length } = indices;
    const packed = pack(read, length, this.#sequenceLength);
    let wideInputs: BigInt64Array | undefined;
    return columns.map(({ leaf: place, to }) => {
      const dtype = isPlain(to) ? to.dtype : this.#dtype;
      const leaf = leavesOf(schemaOf(dtype, this.#sequenceLength))[place] as Leaf;
      const memory = isPlain(to) || to === undefined ? allocate : allocateFresh;
      const data = allocateElements(leaf, packed.length, memory) as Int32Array | BigInt64Array;
      if (leaf.name === 'labels') {
        // A copy of the inputs takes ten times as long where the arrays lie some bytes apart but for whole pages, as they
        // often do; only what is slow to convert is worth that.
        if (data instanceof BigInt64Array && wideInputs !== undefined) data.set(wideInputs.subarray(1));
        else copyIds(packed.subarray(1), data);
        lastLabels(read, leaf.size, data);
      } else {
        copyIds(packed, data);
        if (data instanceof BigInt64Array) wideInputs = data;
      }
      const column = { leaf, length, data };
      return to === undefined || isPlain(to)
        ? column
        : convertColumn(column, to, allocate, (row) => indices[row] as number);
    });
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

/**
 * The inputs as they are in the file, one window after the other, in ordinary memory that the next read may write anew: V8
 * converts tokens out of shared memory one by one, and those of ordinary memory several at a time.
 */
function pack({ data, starts }: Stretches<TokenDType>, rows: number, size: number): Uint16Array | Int32Array {
  const packed = scratch(data, rows * size);
  if (packed.byteLength <= SCRATCH_BYTES) visit(data, starts, size, packed);
  for (let row = 0; row < rows; row++) {
    const start = starts[row] as number;
    packed.set(data.subarray(start, start + size), row * size);
  }
  return packed;
}

/** What of a window is visited: its first token, one for each so many bytes after it, and its last label. */
const VISIT_BYTES = 2048;

/**
 * Reads some tokens of every window, so that the processor fetches windows that lie far apart side by side: copies, one
 * after the other, would wait for each.
 * @param into gets what was read, and is written anew
 */
function visit(
  data: Uint16Array | Int32Array,
  starts: ArrayLike<number>,
  size: number,
  into: Uint16Array | Int32Array,
): void {
  const step = VISIT_BYTES / data.BYTES_PER_ELEMENT;
  for (let at = 0; at < size; at += step)
    for (let row = 0; row < starts.length; row++) into[row] = data[(starts[row] as number) + at] as number;
  for (let row = 0; row < starts.length; row++) into[row] = data[(starts[row] as number) + size] as number;
}

/** The token after each window: the others of its labels are inputs. */
function lastLabels({ data, starts }: Stretches<TokenDType>, size: number, labels: Int32Array | BigInt64Array): void {
  for (let row = 0; row < starts.length; row++) {
    const token = data[(starts[row] as number) + size] as number;
    labels[(row + 1) * size - 1] = (labels instanceof BigInt64Array ? BigInt(token) : token) as never;
  }
}

/** Room for the tokens of a batch, up to so many bytes: the same again and again. */
const SCRATCH_BYTES = 2 ** 20;
let scratchBuffer = new ArrayBuffer(0);

function scratch(like: Uint16Array | Int32Array, count: number): Uint16Array | Int32Array {
  const byteLength = count * like.BYTES_PER_ELEMENT;
  const isLarge = byteLength > SCRATCH_BYTES;
  if (!isLarge && scratchBuffer.byteLength < byteLength) scratchBuffer = new ArrayBuffer(byteLength);
  const buffer = isLarge ? new ArrayBuffer(byteLength) : scratchBuffer;
  return like instanceof Uint16Array ? new Uint16Array(buffer, 0, count) : new Int32Array(buffer, 0, count);
}
