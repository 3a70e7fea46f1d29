import { DataRefError, ndarray, type NDArray, type NumericDType } from '@dataref/core';
import { arrayType, countOf, describeValue, isNDArray, oneOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { IGNORED_LABEL } from './labels.js';

export interface PadOptions {
  /** Id that fills rows of tokens. */
  readonly padId: number;
  /** Positions of every row, from 1: longer ones are cut. Default: those of the longest row of the batch. */
  readonly length?: number | undefined;
  /** Rows that are cut keep their last token, which ends a text (EOS, [SEP]). Default false. */
  readonly keepLast?: boolean | undefined;
  /** Rows are as long as a multiple of this; only without `length`. */
  readonly multipleOf?: number | undefined;
  /** Where the padding goes. Default right. */
  readonly side?: 'right' | 'left' | undefined;
}

type Ids = NDArray<'int32', readonly [number, number]>;
type Lists = readonly NDArray<NumericDType, readonly [number]>[];

/** Lists of arrays become one array; all else stays as it is. */
export type PaddedColumns<C> = {
  readonly [K in Exclude<keyof C, 'tokens'>]: C[K] extends readonly NDArray<infer D>[]
    ? NDArray<D, readonly [number, number]>
    : C[K];
} & { readonly input_ids: Ids; readonly attention_mask: Ids };

/**
 * What batches of documents are mapped with for models that take whole texts:
 * `documents.stream().batch(16).map(pad({ padId: 0, length: 128 }))`. Column `tokens` becomes `input_ids`, int32[rows,
 * positions], beside which `attention_mask`, int32[rows, positions], is 1 for tokens and 0 for padding. Other columns with
 * a list for each row are padded alike, `labels` with IGNORED_LABEL and others with 0; all else is handed on.
 * @throws DataRefError INVALID_ARGUMENT; when it maps SCHEMA_MISMATCH where the lists of a row differ in length
 * @see `DataCollatorWithPadding` of transformers, whose names the columns have
 */
export function pad(
  options: PadOptions,
): <C extends { readonly tokens: Lists }>(batch: { readonly columns: C }) => PaddedColumns<C> {
  const { padId, length, keepLast = false, multipleOf = 1, side = 'right', ...unknown } = optionsOf('pad', options);
  refuseUnknown('pad', unknown, ['padId', 'length', 'keepLast', 'multipleOf', 'side']);
  countOf('pad: padId', padId, 0, 2 ** 31 - 1);
  if (length !== undefined) countOf('pad: length', length, 1);
  countOf('pad: multipleOf', multipleOf, 1);
  oneOf('pad: keepLast', keepLast, [true, false]);
  oneOf('pad: side', side, ['right', 'left']);
  return <C extends { readonly tokens: Lists }>({ columns }: { readonly columns: C }) => {
    const { tokens, ...others } = columns;
    if (!isListOfArrays(tokens))
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `pad needs a column tokens with an array for each row, as of documents(split), got ${describeValue(tokens)}`,
      );
    const sizes = tokens.map(({ data }) => data.length);
    const width = length ?? Math.ceil(Math.max(1, ...sizes) / multipleOf) * multipleOf;
    const place = { sizes, width, keepLast, isLeft: side === 'left' };
    const padded = Object.entries(others).map(([name, column]) => [
      name,
      isListOfArrays(column) ? padLists(name, column, name === 'labels' ? IGNORED_LABEL : 0, place) : column,
    ]);
    const input_ids = padLists('tokens', tokens, padId, place);
    return { ...Object.fromEntries(padded), input_ids, attention_mask: maskOf(place) } as PaddedColumns<C>;
  };
}

/** Where rows of so many positions go, in rows of `width`. */
interface Place {
  readonly sizes: readonly number[];
  readonly width: number;
  readonly keepLast: boolean;
  readonly isLeft: boolean;
}

function isListOfArrays(column: unknown): column is Lists {
  return Array.isArray(column) && column.length > 0 && column.every((row) => isNDArray(row) && row.shape.length === 1);
}

function padLists(name: string, lists: Lists, filler: number, { sizes, width, keepLast, isLeft }: Place): NDArray {
  const { dtype } = lists[0] as Lists[number];
  const out = new (arrayType(dtype))(lists.length * width);
  out.fill((out instanceof BigInt64Array || out instanceof BigUint64Array ? BigInt(filler) : filler) as never);
  for (const [row, { data }] of lists.entries()) {
    if (data.length !== sizes[row])
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `pad: row ${row} of the batch has ${sizes[row]} tokens and ${data.length} of ${name}; they must be as many`,
      );
    const count = Math.min(width, data.length);
    const at = row * width + (isLeft ? width - count : 0);
    out.set(data.subarray(0, count) as never, at);
    if (keepLast && count < data.length) out[at + count - 1] = data.at(-1) as never;
  }
  return ndarray(out as never, [lists.length, width], dtype as never);
}

function maskOf({ sizes, width, isLeft }: Place): Ids {
  const mask = new Int32Array(sizes.length * width);
  for (const [row, size] of sizes.entries()) {
    const [start, end] = [row * width, (row + 1) * width];
    const count = Math.min(width, size);
    if (isLeft) mask.fill(1, end - count, end);
    else mask.fill(1, start, start + count);
  }
  return ndarray(mask, [sizes.length, width]);
}
