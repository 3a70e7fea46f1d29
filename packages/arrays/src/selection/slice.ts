/** Places `start` to `stop` − 1 of an axis, every `step`-th of them. Null is numpy's omitted bound. */
export interface Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;
}

/** One place of an axis, a slice of it, all of it (`null`), or all axes that the others leave (`'...'`). */
export type Index = number | Slice | null | '...';

/** Places 0 to `stop` − 1 as numpy's `:stop`. */
export function slice(stop: number | null): Slice;
/** Places as numpy's `start:stop:step`; a step must be positive. */
export function slice(start: number | null, stop: number | null, step?: number | null): Slice;
export function slice(first: number | null, stop?: number | null, step: number | null = null): Slice {
  return stop === undefined ? { start: null, stop: first, step } : { start: first, stop, step };
}
