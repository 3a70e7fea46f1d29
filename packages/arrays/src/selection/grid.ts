import type { ChunkSource } from '../chunks/chunk-source.js';
import { quotient, type AxisSelection, type ResolvedSelection } from './resolve.js';

/** What a selection takes of one chunk. */
export interface ChunkPart {
  /** The chunk's place in the grid of chunks. */
  readonly place: readonly number[];
  /** Whether every place of the chunk that is within the array is selected. */
  readonly isWhole: boolean;
  /** How many places along each axis of the array. */
  readonly counts: readonly number[];
  /** The first of them in the chunk, in elements from its start, and the steps to the next along each axis. */
  readonly offset: number;
  readonly strides: readonly number[];
  /** Which of the selection's places along each axis the first one is. */
  readonly first: readonly number[];
}

/** What one axis' selection takes of the chunks of one index. */
interface Span {
  readonly chunk: number;
  readonly at: number;
  readonly first: number;
  readonly count: number;
  readonly isWhole: boolean;
}

/** The chunks that a selection touches, in C order, one at a time: the grid may have more than fit in memory. */
export function* chunkParts(
  { shape, chunk }: Pick<ChunkSource, 'shape' | 'chunk'>,
  { axes }: ResolvedSelection,
): Generator<ChunkPart, void> {
  if (axes.some(({ count }) => count === 0)) return;
  const spanOf = (axis: number, first: number): Span =>
    spanFrom(axes[axis] as AxisSelection, first, shape[axis] as number, chunk[axis] as number);
  const inChunk = cStrides(chunk);
  const strides = inChunk.map((stride, axis) => stride * (axes[axis] as AxisSelection).step);
  const spans = axes.map((_, axis) => spanOf(axis, 0));
  let d: number;
  do {
    yield {
      place: spans.map((span) => span.chunk),
      isWhole: spans.every((span) => span.isWhole),
      counts: spans.map((span) => span.count),
      offset: spans.reduce((sum, { at }, axis) => sum + at * (inChunk[axis] as number), 0),
      strides,
      first: spans.map((span) => span.first),
    };
    for (d = axes.length - 1; d >= 0; d--) {
      const { first, count } = spans[d] as Span;
      const next = first + count;
      const isLast = next === (axes[d] as AxisSelection).count;
      spans[d] = spanOf(d, isLast ? 0 : next);
      if (!isLast) break;
    }
  } while (d >= 0);
}

function spanFrom({ start, step, count }: AxisSelection, first: number, size: number, chunkSize: number): Span {
  const position = start + first * step;
  const chunk = quotient(position, chunkSize);
  const begin = chunk * chunkSize;
  const end = Math.min(begin + chunkSize, size);
  const here = Math.min(count - first, quotient(end - position - 1, step) + 1);
  return { chunk, at: position - begin, first, count: here, isWhole: here === end - begin };
}

/** Elements from one place to the next along each axis of an array in C order. */
export function cStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let d = shape.length - 1, stride = 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d] as number;
  }
  return strides;
}
