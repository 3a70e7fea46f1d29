import type { NumericDType } from '@dataref/core';
import { arrayType, describeValue } from '@dataref/core/adapter';
import { MOST_AXES, MOST_CHUNK_BYTES, MOST_ELEMENTS, sizeOf } from './limits.js';

/** Says which field is wrong, and in what. */
export type Refuse = (field: string, problem: string) => never;

/** A list of sizes. */
export function sizesOf(field: string, value: unknown, least: 0 | 1, refuse: Refuse): readonly number[] {
  if (!Array.isArray(value))
    return refuse(field, `must be a list of sizes, such as [100, 28, 28], got ${describeValue(value)}`);
  if (value.length > MOST_AXES) refuse(field, `has ${value.length} axes, at most ${MOST_AXES}`);
  for (const size of value)
    if (!Number.isSafeInteger(size) || (size as number) < least)
      refuse(
        field,
        `must be integers ≥ ${least}, got ${describeValue(size)} in [${value.map((n) => describeValue(n)).join(', ')}]`,
      );
  return Array.from(value as readonly number[]);
}

/** Refuses sizes that do not go together, or beyond what can be handled. */
export function checkSizes(
  dtype: NumericDType,
  [shapeField, shape]: readonly [string, readonly number[]],
  [chunkField, chunk]: readonly [string, readonly number[]],
  refuse: Refuse,
): void {
  if (sizeOf(shape) > MOST_ELEMENTS) refuse(shapeField, `[${shape.join(', ')}] has more than 2^53 elements`);
  if (chunk.length !== shape.length)
    refuse(chunkField, `[${chunk.join(', ')}] needs a size for each axis of the shape [${shape.join(', ')}]`);
  const bytes = sizeOf(chunk) * arrayType(dtype).BYTES_PER_ELEMENT;
  if (bytes > MOST_CHUNK_BYTES)
    refuse(chunkField, `[${chunk.join(', ')}] of ${dtype} has ${bytes} bytes, at most ${MOST_CHUNK_BYTES} fit a chunk`);
}
