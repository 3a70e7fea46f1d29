import { DataRefError, type Field } from '@dataref/core';
import {
  allocateElements,
  allocateFresh,
  convertColumn,
  leavesOf,
  type ColumnData,
  type IndexArray,
  type Leaf,
  type ReadRequest,
  type RowSource,
} from '@dataref/core/adapter';
import type { TokenDType } from '../npy/header.js';
import type { NpyArray } from '../npy/npy-array.js';

/** What a document looks like: its ids. */
export type DocumentSchema = {
  readonly tokens: Field<'int32', readonly [null]>;
};

const SCHEMA: DocumentSchema = { tokens: { dtype: 'int32', shape: [null] } };
const [LEAF] = leavesOf(SCHEMA) as readonly [Leaf];

/** The documents of a token file: document i is the tokens from the end of the one before it to its own. */
export class DocumentRows implements RowSource {
  readonly id = '';
  readonly version = '';
  readonly schema = SCHEMA;
  readonly length: number;
  readonly hold = () => async () => undefined;
  readonly partRecords = () => undefined;
  readonly #tokens: NpyArray<TokenDType>;
  readonly #ends: NpyArray<'int64'>;
  readonly #fingerprint: string;

  constructor(tokens: NpyArray<TokenDType>, ends: NpyArray<'int64'>, fingerprint: string) {
    this.length = ends.length;
    this.#tokens = tokens;
    this.#ends = ends;
    this.#fingerprint = fingerprint;
  }

  fingerprint(): string {
    return this.#fingerprint;
  }

  async read(indices: IndexArray, { columns, allocate, signal }: ReadRequest): Promise<readonly ColumnData[]> {
    const { starts, offsets } = await this.#places(indices, signal);
    const sizes = Array.from(indices, (_, row) => (offsets[row + 1] as number) - (offsets[row] as number));
    const read = await this.#tokens.stretches(starts, sizes, signal);
    return columns.map(({ to }) => {
      const data = allocateElements(
        LEAF,
        offsets[indices.length] as number,
        to === undefined ? allocate : allocateFresh,
      ) as Int32Array;
      sizes.forEach((size, row) => {
        const start = read.starts[row] as number;
        data.set(read.data.subarray(start, start + size), offsets[row]);
      });
      const column = { leaf: LEAF, length: indices.length, data, offsets };
      return to === undefined ? column : convertColumn(column, to, allocate, (row) => indices[row] as number);
    });
  }

  /** Where documents begin in the file, and where in a column of them. @throws DataRefError CORRUPT where their ends are not in order */
  async #places(indices: IndexArray, signal: AbortSignal | undefined) {
    // The end before the document, which the first has not, and its own.
    const firsts = Float64Array.from(indices, (index) => Math.max(0, index - 1));
    const sizes = Uint32Array.from(indices, (index) => (index === 0 ? 1 : 2));
    const ends = await this.#ends.stretches(firsts, sizes, signal);
    const starts = new Float64Array(indices.length);
    const offsets = new Float64Array(indices.length + 1);
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row] as number;
      const at = ends.starts[row] as number;
      const start = index === 0 ? 0 : Number(ends.data[at]);
      const end = Number(ends.data[index === 0 ? at : at + 1]);
      if (!(start >= 0 && start <= end && end <= this.#tokens.length))
        throw new DataRefError(
          'CORRUPT',
          `${this.#ends.path}: document ${index} is tokens ${start} to ${end} of ${this.#tokens.length}`,
        );
      starts[row] = start;
      offsets[row + 1] = (offsets[row] as number) + end - start;
    }
    return { starts, offsets };
  }
}
