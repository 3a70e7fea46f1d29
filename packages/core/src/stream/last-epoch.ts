import type { Start } from './plan-node.js';
import type { Passes } from './recipe.js';

/**
 * The epoch that an iteration ends with by its repeats alone, whatever is left of their passes: so ranks that have nothing of
 * the last ones go on with the same epoch. undefined where it has no end, or is cut off by `take`.
 */
export function lastEpochOf(start: Start, passes: Passes): number | undefined {
  if (passes === undefined) return undefined;
  const { epoch, counts } = passesOf(start, passes.length);
  let last = epoch;
  let span = 1;
  for (const [i, count] of passes.entries()) {
    last += Math.max(0, count - 1 - (counts[i] as number)) * span;
    span *= Math.max(1, count);
  }
  return Number.isFinite(last) ? last : undefined;
}

/** The source's epoch, and the pass that each repeat is in, innermost first. */
function passesOf(start: Start, repeats: number): { readonly epoch: number; readonly counts: readonly number[] } {
  const counts: number[] = [];
  if (!('node' in start)) return { epoch: start.epoch, counts: Array.from({ length: repeats }, () => 0) };
  let { node } = start;
  for (; node.kind === 'step'; node = node.input) if (node.name === 'repeat') counts.unshift(node.count);
  return { epoch: node.epoch, counts };
}
