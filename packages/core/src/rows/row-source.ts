import type { Allocate, ColumnData } from '../schema/column-data.js';
import type { Leaf } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import type { Conversion } from './convert.js';

export type IndexArray = Uint32Array | Float64Array;

export interface ColumnRequest {
  /** Place of the column among the source's leaves. */
  readonly leaf: number;
  readonly to?: Conversion | undefined;
}

export interface ReadRequest {
  readonly columns: readonly ColumnRequest[];
  readonly allocate: Allocate;
  readonly signal?: AbortSignal | undefined;
}

/** Rows start to end − 1. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Tells which rows will be read, soonest first, as far as that is known; asked anew, it tells it from the place reached. */
export type Outlook = () => Iterable<RowRange>;

/** What streams read: rows by index. Every kind of dataset has one. */
export interface RowSource {
  readonly id: string;
  readonly version: string;
  readonly schema: Schema;
  readonly length: number;
  /** Same rows, same text. @throws DataRefError NO_FINGERPRINT where a custom dataset has none */
  fingerprint(): string;
  /** The requested columns of rows `indices`, which are checked already. Answers at once where the data is at hand. */
  read(indices: IndexArray, request: ReadRequest): readonly ColumnData[] | Promise<readonly ColumnData[]>;
  /** Rows start to end without a copy, where they are in memory. */
  slice?(start: number, end: number): readonly ColumnData[];
  /** Records of each piece that is stored, and can be fetched, as one; undefined where records have no such neighbours. */
  partRecords(): readonly number[] | undefined;
  /**
   * Bytes of a record on average, where reading waits for a network, so that it pays to read ahead. Undefined where the
   * data is near, and as long as that is not known.
   */
  farRecordBytes?(): number | undefined;
  /**
   * Keeps what reading needs open until the returned function is called, once.
   * @param reader whose outlook it is, the same object in every epoch
   */
  hold(outlook?: Outlook, reader?: object): () => Promise<void>;
}

export const noHold = (): (() => Promise<void>) => async () => undefined;

/** A request for every column as it is. */
export function allColumns(leaves: readonly Leaf[]): ColumnRequest[] {
  return leaves.map((_, leaf) => ({ leaf }));
}

/** Room for `count` indices into a dataset of `length` records. */
export function indexArray(count: number, length: number): IndexArray {
  return length <= 2 ** 32 ? new Uint32Array(count) : new Float64Array(count);
}
