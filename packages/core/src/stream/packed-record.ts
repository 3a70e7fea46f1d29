import { DataRefError } from '../errors.js';
import { arrayType, dtypeOfArray, type TypedArray } from '../schema/dtypes.js';
import { describeValue, isNDArray, ndarray, type NDArray } from '../schema/ndarray.js';
import type { Element, Origin } from './stage.js';
import { nameOrigin } from './user-function.js';

/** Some positions of a record, in a packed row. */
export interface Piece {
  readonly element: Element;
  /** First position of the record that is in the row. */
  readonly start: number;
  readonly end: number;
}

/**
 * One row of `length` positions: the pieces one after another, the rest zero. It has the records' columns, each with
 * `length` along its first axis, and two more: `segmentIds` (int32[length]: 1 for the first piece, 2 for the second, …,
 * 0 where there is none) and `positions` (int32[length]: the place in the record). A record that is a lone vector is
 * column `values`.
 */
export function packedRecord(pieces: readonly Piece[], length: number): Record<string, unknown> {
  const segmentIds = new Int32Array(length);
  const positions = new Int32Array(length);
  let at = 0;
  const starts = pieces.map(({ start, end }, i) => {
    const from = at;
    for (let position = start; position < end; position++, at++) {
      segmentIds[at] = i + 1;
      positions[at] = position;
    }
    return from;
  });
  const walk = (values: readonly unknown[], path: string): unknown => {
    const [first] = values;
    const array = arrayOf(first);
    if (array !== undefined) return packColumn(pieces, starts, values, path, length);
    if (typeof first !== 'object' || first === null) throw notPackable(pieces[0] as Piece, path, first);
    return Object.fromEntries(
      Object.keys(first).map((key) => [
        key,
        walk(
          values.map((value) => (value as Record<string, unknown> | null)?.[key]),
          path === '' ? key : `${path}.${key}`,
        ),
      ]),
    );
  };
  const values = pieces.map(({ element }) => element.value);
  const columns = arrayOf(values[0]) === undefined ? (walk(values, '') as object) : { values: walk(values, 'values') };
  return { ...columns, segmentIds: ndarray(segmentIds, [length]), positions: ndarray(positions, [length]) };
}

/**
 * The origin of a row: that of its first record, where it is the record's first row. Those after it are told apart as
 * `|1`, `|2`, …; so are first rows of what is such a row itself, as `|0`, or packing twice would give one branch to two.
 * @param number of the row, from 0, among those that begin with this record
 */
export function rowOrigin({ origin }: Element, number: number): Origin {
  const { branch } = origin;
  return number === 0 && !branch.includes('|') ? origin : { ...origin, branch: `${branch}|${number}` };
}

/** Positions of a record: the size of the first axis of its first array. @throws DataRefError SCHEMA_MISMATCH where it has none */
export function lengthOfRecord(element: Element): number {
  const length = firstLength(element.value);
  if (length !== undefined) return length;
  throw notPackable({ element, start: 0, end: 0 }, '', element.value);
}

/** Size of the first axis of the first array in a value; undefined where it has none. */
export function firstLength(value: unknown): number | undefined {
  const array = arrayOf(value);
  if (array !== undefined) return array.shape[0] as number;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const item of Object.values(value)) {
    const found = firstLength(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function packColumn(
  pieces: readonly Piece[],
  starts: readonly number[],
  values: readonly unknown[],
  path: string,
  length: number,
): NDArray {
  const model = arrayOf(values[0]) as NDArray;
  const rowShape = model.shape.slice(1) as number[];
  const width = rowShape.reduce((product: number, size) => product * size, 1);
  const out = new (arrayType(model.dtype))(length * width);
  for (const [i, { start, end }] of pieces.entries()) {
    const array = arrayOf(values[i]);
    const isLike = array?.dtype === model.dtype && array.shape.slice(1).join() === rowShape.join();
    if (array === undefined || !isLike || (array.shape[0] as number) < end)
      throw notPackable(pieces[i] as Piece, path, values[i]);
    const from = array.data.subarray(start * width, end * width);
    out.set(from as never, (starts[i] as number) * width);
  }
  return ndarray(out as never, [length, ...rowShape], model.dtype as never);
}

/** A vector or tensor; undefined for anything else. */
function arrayOf(value: unknown): NDArray | undefined {
  if (isNDArray(value)) return value.shape.length > 0 ? value : undefined;
  const dtype = dtypeOfArray(value);
  return dtype === undefined ? undefined : ndarray(value as never, [(value as TypedArray).length]);
}

function notPackable({ element }: Piece, path: string, value: unknown): DataRefError {
  return new DataRefError(
    'SCHEMA_MISMATCH',
    `pack: ${nameOrigin(element.origin)}: ${path === '' ? 'the record' : path} is ${describeValue(value)}; every column must be an array with as many rows as the record has positions, of one dtype. Leave the others out with map`,
    { details: { column: path, index: element.origin.index } },
  );
}
