import type { Call } from './functions.js';

/** One call of a rank, which meets the others' of its turn. */
export interface Turn {
  /** Waits until all ranks have said what they call. */
  readonly wait: Call;
  /** Where the outcome then is: `isUnanimous`. */
  readonly claims: Int32Array;
  /** Made where they call different things: gathers what each does. */
  readonly gather: Call;
  /** Made where they call the same, one after the other. */
  readonly calls: readonly Call[];
}

/** @param claims the least of the ranks' words and of the words' complements, which tell the greatest */
export function isUnanimous(claims: Int32Array): boolean {
  const words = claims.length / 2;
  return claims.subarray(0, words).every((word, i) => word === ~claims[words + i]!);
}

/** @returns whether all ranks call the same */
export function carryOut({ wait, claims, gather, calls }: Turn, run: (call: Call) => void): boolean {
  run(wait);
  if (!isUnanimous(claims)) {
    run(gather);
    return false;
  }
  for (const call of calls) run(call);
  return true;
}
