import { DataRefError, type ErrorCode } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import { describeSelection, describeShape } from './describe.js';
import type { Index, Slice } from './slice.js';

/** Places start, start + step, … of one axis, `count` of them. */
export interface AxisSelection {
  readonly start: number;
  readonly step: number;
  readonly count: number;
  /** Whether one place was chosen by its number, so that the result has no such axis. */
  readonly isSqueezed: boolean;
}

/** What a selection says of an array of one shape: plain data. */
export interface ResolvedSelection {
  /** One for each axis of the array. */
  readonly axes: readonly AxisSelection[];
  /** Shape of what is selected: the counts of the axes that are not squeezed. */
  readonly shape: readonly number[];
  /** Whether it is a single value, not an array: every axis has its number, and there is no ellipsis. */
  readonly isScalar: boolean;
  /** The selection as numpy writes it, for messages. */
  readonly text: string;
}

/**
 * A selection as places of every axis, by numpy's rules for basic indexing. Integers count from the end where they are
 * negative, and squeeze their axis; bounds of slices are clamped; axes that are not named are whole.
 * @param what the call, for errors
 * @param shape of the array, integers ≥ 0
 * @throws DataRefError OUT_OF_RANGE for an integer beyond its axis; INVALID_ARGUMENT for what is no index, more indices
 *   than axes, a second ellipsis, and steps below 1
 * @see https://numpy.org/doc/stable/user/basics.indexing.html; negative steps are refused, as Hub does
 */
export function resolveSelection(
  what: string,
  shape: readonly number[],
  selection: readonly Index[],
): ResolvedSelection {
  const text = describeSelection(selection);
  const refuse = (problem: string, code: ErrorCode = 'INVALID_ARGUMENT'): never => {
    throw new DataRefError(code, `${what}: ${problem}. The selection is ${text}, the shape ${describeShape(shape)}`, {
      details: { selection: text, shape: [...shape] },
    });
  };
  if (!Array.isArray(selection)) return refuse('a selection is an array of indices, such as [0, slice(1, 3), null]');
  const given = Array.from(selection as readonly Index[]);
  const ellipsis = given.indexOf('...');
  if (given.indexOf('...', ellipsis + 1) > ellipsis && ellipsis >= 0) refuse("there may be one '...' only");
  const named = given.length - (ellipsis < 0 ? 0 : 1);
  if (named > shape.length) refuse(`there are ${named} indices, and the array has ${shape.length} axes`);
  const whole = new Array<Index>(shape.length - named).fill(null);
  given.splice(ellipsis < 0 ? given.length : ellipsis, ellipsis < 0 ? 0 : 1, ...whole);
  const axes = given.map((index, d) => resolveAxis(index, shape[d] as number, `the index of axis ${d}`, refuse));
  return {
    axes,
    shape: axes.filter(({ isSqueezed }) => !isSqueezed).map(({ count }) => count),
    isScalar: ellipsis < 0 && axes.every(({ isSqueezed }) => isSqueezed),
    text,
  };
}

type Refuse = (problem: string, code?: ErrorCode) => never;

function resolveAxis(index: Index, size: number, name: string, refuse: Refuse): AxisSelection {
  if (index === null) return { start: 0, step: 1, count: size, isSqueezed: false };
  if (Number.isInteger(index)) {
    const place = index as number;
    if (place >= size || place < -size)
      refuse(
        size === 0
          ? `${name} is ${place}, and the axis is empty`
          : `${name} is ${place}, and the axis has the places 0 to ${size - 1} (-1 to -${size} from its end)`,
        'OUT_OF_RANGE',
      );
    return { start: place < 0 ? size + place : place + 0, step: 1, count: 1, isSqueezed: true };
  }
  if (isSlice(index)) return resolveSlice(index, size, name, refuse);
  return refuse(`${name} must be an integer, slice(…), null or '...', got ${describeValue(index)}`);
}

function isSlice(index: unknown): index is Slice {
  return typeof index === 'object' && index !== null && !Array.isArray(index) && !ArrayBuffer.isView(index);
}

function resolveSlice({ start, stop, step }: Slice, size: number, name: string, refuse: Refuse): AxisSelection {
  for (const [part, value] of Object.entries({ start, stop, step })) {
    if (value !== null && !Number.isInteger(value))
      refuse(`${part} of ${name} must be an integer or null, got ${describeValue(value)}`);
  }
  const by = step ?? 1;
  if (by < 1) refuse(`step of ${name} must be 1 or more, got ${by}; read forward, and reverse the result`);
  const from = clamped(start ?? 0, size);
  const to = clamped(stop ?? size, size);
  return { start: from, step: by, count: to > from ? quotient(to - from - 1, by) + 1 : 0, isSqueezed: false };
}

function clamped(bound: number, size: number): number {
  return bound < 0 ? Math.max(0, size + bound) : Math.min(bound, size) + 0;
}

/** floor(a / b) of integers ≥ 0, exact where the division is not. */
export function quotient(a: number, b: number): number {
  return (a - (a % b)) / b;
}
