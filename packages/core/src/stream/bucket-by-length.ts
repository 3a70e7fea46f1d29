import alea from 'seedrandom/lib/alea.js';
import { describeValue } from '../arguments.js';
import { DataRefError, invalidArgument } from '../errors.js';
import { blocks } from './blocks.js';
import { firstLength } from './packed-record.js';
import type { Element } from './stage.js';
import type { OpenStep } from './step-stage.js';
import type { Bucketing } from './transform-options.js';
import { callLengthOf, nameOrigin } from './user-function.js';

/**
 * The same records in another order: each block sorted by length, cut into groups of like length, and the groups
 * shuffled. A function of the block alone, keyed on the order's seed, so that it repeats.
 * @see Khomenko et al., "Accelerating recurrent neural network training using sequence bucketing" (2016)
 */
export function bucketByLength({ groupSize, blockSize, lengthOf }: Bucketing): OpenStep<unknown, unknown> {
  const sizeOf = (element: Element): number => {
    const size = lengthOf === undefined ? arrayLength(element) : callLengthOf('bucketByLength', lengthOf, element);
    if (typeof size === 'number' && !Number.isNaN(size)) return size;
    throw invalidArgument(
      `bucketByLength: lengthOf gave ${describeValue(size)} for ${nameOrigin(element.origin)}, not a number`,
    );
  };
  return blocks(blockSize, (block) => {
    const sized = block.map((element, i) => ({ element, i, size: sizeOf(element) }));
    sized.sort((a, b) => a.size - b.size || a.i - b.i);
    const groups: Element[][] = [];
    for (let i = 0; i < sized.length; i += groupSize)
      groups.push(sized.slice(i, i + groupSize).map(({ element }) => element));
    // A group that is not full stays last, or all that follow would be cut anew.
    const full = groups.filter((group) => group.length === groupSize);
    const { seed, epoch, position } = (block[0] as Element).origin;
    if (seed !== null) shuffle(full, alea(`bucket/${seed}/${epoch}/${position}`));
    return [...full, ...groups.slice(full.length)].flat().map((element) => ({ value: element.value, from: element }));
  });
}

/** @throws DataRefError SCHEMA_MISMATCH where a record has no array */
function arrayLength({ value, origin }: Element): number {
  const size = firstLength(value);
  if (size !== undefined) return size;
  throw new DataRefError(
    'SCHEMA_MISMATCH',
    `bucketByLength: ${nameOrigin(origin)} is ${describeValue(value)}: a record without an array has no length; give lengthOf, a function from record to length`,
    { details: { index: origin.index } },
  );
}

/** @see Fisher and Yates; Durstenfeld (1964) */
function shuffle(list: unknown[], random: () => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
}
