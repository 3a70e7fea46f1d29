import { DataRefError } from '../errors.js';
import type { ElementArray } from './column-data.js';
import { arrayType } from './dtypes.js';
import { toElement } from './scalar.js';
import type { Leaf } from './schema.js';

/**
 * A nested list, as JSON has it, as the array that a field wants.
 * @throws DataRefError RAGGED for rows of differing lengths; SCHEMA_MISMATCH, LOSSY_CAST for an element that does not fit
 */
export function arrayFromLists(
  leaf: Leaf,
  lists: readonly unknown[],
  index: number,
): { shape: number[]; data: ElementArray } {
  const rank = leaf.shape.length;
  const shape: number[] = [];
  for (let level: unknown = lists; Array.isArray(level) && shape.length < rank; level = level[0])
    shape.push(level.length);
  while (shape.length < rank) shape.push(0);
  const data = new (arrayType(leaf.dtype))(shape.reduce((product, n) => product * n, 1));
  let at = 0;
  const fill = (level: unknown, depth: number): void => {
    if (depth === rank) {
      data[at++] = toElement(leaf, level, index) as never;
      return;
    }
    if (!Array.isArray(level) || level.length !== shape[depth]) {
      throw new DataRefError(
        'RAGGED',
        `record ${index}: ${leaf.name} has lists of differing lengths at depth ${depth}; each record is one full array`,
        {
          details: { column: leaf.name, index },
        },
      );
    }
    for (const item of level) fill(item, depth + 1);
  };
  fill(lists, 0);
  return { shape, data };
}
