import type { Reducible, Reduction } from './types.js';

const sum = (a: number, b: number): number => a + b;
const STEPS: Record<Reduction, (a: number, b: number) => number> = { sum, mean: sum, min: Math.min, max: Math.max };

/**
 * Reduces the ranks' values in the order of their ranks, in double precision, so that the result is the same wherever it
 * is made.
 * @param parts one array a rank, each as long as `into`, which may be one of them
 */
export function reduceInto(into: Reducible, parts: readonly Reducible[], reduction: Reduction): void {
  const step = STEPS[reduction];
  for (let i = 0; i < into.length; i++) {
    let value = parts[0]?.[i] as number;
    for (let rank = 1; rank < parts.length; rank++) value = step(value, parts[rank]?.[i] as number);
    into[i] = reduction === 'mean' ? value / parts.length : value;
  }
}
