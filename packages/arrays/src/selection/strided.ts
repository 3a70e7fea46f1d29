import type { ArrayTypes, NumericDType } from '@dataref/core';

/** Elements of an array of any number of axes: the first, and the steps to the next along each axis, in elements. */
export interface Strided {
  readonly data: ArrayTypes[NumericDType];
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Elements one after another from which on the engine's own copy is faster than a loop. */
const LEAST_RUN = 32;

/**
 * Copies elements bit by bit between arrays of one class. Axes that lie one after another in both count as one; where the
 * source's stride is 0 its element is repeated.
 * @param counts of elements along each axis, ≥ 1
 */
export function copyStrided(from: Strided, to: Strided, counts: readonly number[]): void {
  const axes = mergedAxes(from.strides, to.strides, counts);
  const [inner = SINGLE] = axes;
  if (inner.to === 1 && inner.from === 0 && inner.count >= LEAST_RUN) {
    const [source, target] = [wordsOf(from.data), wordsOf(to.data)];
    eachOffset(axes, 1, from.offset, to.offset, (f, t) => {
      target.fill(source[f] as never, t, t + inner.count);
    });
  } else if (inner.to === 1 && inner.from === 1 && inner.count >= LEAST_RUN) {
    eachOffset(axes, 1, from.offset, to.offset, (f, t) => {
      to.data.set(from.data.subarray(f, f + inner.count) as never, t);
    });
  } else {
    const outer = axes[1] ?? SINGLE;
    const copy = from.data.BYTES_PER_ELEMENT === 8 ? copyPairs : copyPlane;
    const [source, target] = [bitsOf(from.data), bitsOf(to.data)];
    eachOffset(axes, 2, from.offset, to.offset, (f, t) => copy(source, f, target, t, outer, inner));
  }
}

interface Axis {
  count: number;
  readonly from: number;
  readonly to: number;
}
const SINGLE: Axis = { count: 1, from: 1, to: 1 };

/** Axes of more than one place, the innermost first. */
function mergedAxes(from: readonly number[], to: readonly number[], counts: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  for (let d = counts.length - 1; d >= 0; d--) {
    const axis = { count: counts[d] as number, from: from[d] as number, to: to[d] as number };
    const inner = axes.at(-1);
    if (axis.count === 1) continue;
    if (inner !== undefined && axis.from === inner.from * inner.count && axis.to === inner.to * inner.count)
      inner.count *= axis.count;
    else axes.push(axis);
  }
  return axes;
}

/** Visits all places of the axes from `depth` on. */
function eachOffset(
  axes: readonly Axis[],
  depth: number,
  from: number,
  to: number,
  visit: (from: number, to: number) => void,
): void {
  const places = new Array<number>(axes.length).fill(0);
  let d: number;
  do {
    visit(from, to);
    for (d = depth; d < axes.length; d++) {
      const axis = axes[d] as Axis;
      const place = (places[d] as number) + 1;
      const isLast = place === axis.count;
      places[d] = isLast ? 0 : place;
      from += isLast ? -axis.from * (place - 1) : axis.from;
      to += isLast ? -axis.to * (place - 1) : axis.to;
      if (!isLast) break;
    }
  } while (d < axes.length);
}

type Bits = Uint8Array | Uint16Array | Uint32Array;

/** The same memory as integers: a float that goes through a number may come out as another NaN. 64 bits are two of 32. */
function bitsOf({ buffer, byteOffset, byteLength, BYTES_PER_ELEMENT: width }: ArrayTypes[NumericDType]): Bits {
  if (width === 1) return new Uint8Array(buffer, byteOffset, byteLength);
  return width === 2
    ? new Uint16Array(buffer, byteOffset, byteLength / 2)
    : new Uint32Array(buffer, byteOffset, byteLength / 4);
}

/** `bitsOf` with one integer an element. */
function wordsOf(data: ArrayTypes[NumericDType]): Bits | BigUint64Array {
  const { buffer, byteOffset, length, BYTES_PER_ELEMENT: width } = data;
  return width === 8 ? new BigUint64Array(buffer, byteOffset, length) : bitsOf(data);
}

function copyPlane(from: Bits, f: number, to: Bits, t: number, outer: Axis, inner: Axis): void {
  const { count, from: fromStep, to: toStep } = inner;
  for (let i = 0; i < outer.count; i++) {
    for (let j = 0, a = f, b = t; j < count; j++, a += fromStep, b += toStep) to[b] = from[a] as number;
    f += outer.from;
    t += outer.to;
  }
}

function copyPairs(from: Bits, f: number, to: Bits, t: number, outer: Axis, inner: Axis): void {
  const { count, from: fromStep, to: toStep } = inner;
  for (let i = 0; i < outer.count; i++) {
    for (let j = 0, a = 2 * f, b = 2 * t; j < count; j++, a += 2 * fromStep, b += 2 * toStep) {
      to[b] = from[a] as number;
      to[b + 1] = from[a + 1] as number;
    }
    f += outer.from;
    t += outer.to;
  }
}
