import { countOf, oneOf, optionsOf, refuseUnknown } from '../arguments.js';
import { invalidArgument } from '../errors.js';
import type { BucketOptions, PackOptions, WindowOptions } from './types.js';

export interface Windows {
  /** Records of one window. */
  readonly size: number;
  /** Records from one window's first to the next one's. */
  readonly shift: number;
  /** Whether windows at the end that are not full are given too. */
  readonly keepsRemainder: boolean;
}

export interface Packing {
  readonly length: number;
  readonly strategy: 'concatenate' | 'best-fit';
  /** Records that 'best-fit' looks at together. */
  readonly blockSize: number;
  readonly lengthOf: ((record: any) => number) | undefined;
  /** Whether 'best-fit' cuts a record that is longer than a row, or refuses it. */
  readonly cutsLong: boolean;
  /** Whether 'concatenate' gives a last row that is not full. */
  readonly keepsRemainder: boolean;
}

export interface Bucketing {
  /** Records of like length that come one after another: a batch of all shards. */
  readonly groupSize: number;
  /** Records that are sorted together: a multiple of groupSize. */
  readonly blockSize: number;
  readonly lengthOf: ((record: any) => number) | undefined;
}

/** @throws DataRefError INVALID_ARGUMENT, as the others here */
export function checkWindows(size: number, given?: WindowOptions): Windows {
  const { shift = size, remainder = 'drop', ...unknown } = optionsOf('window', given);
  refuseUnknown('window', unknown, ['shift', 'remainder']);
  return {
    size: countOf('window: size', size, 1, 2 ** 20),
    shift: countOf('window: shift', shift, 1),
    keepsRemainder: oneOf('window: remainder', remainder, ['keep', 'drop']) === 'keep',
  };
}

export function checkPacking(length: number, given?: PackOptions): Packing {
  const options = optionsOf('pack', given);
  const { strategy = 'concatenate', blockSize = 1000, lengthOf, longRecords = 'cut', remainder = 'keep', ...unknown } = options; // prettier-ignore
  refuseUnknown('pack', unknown, ['strategy', 'blockSize', 'lengthOf', 'longRecords', 'remainder']);
  const packing: Packing = {
    length: countOf('pack: length', length, 1, 2 ** 24),
    strategy: oneOf('pack: strategy', strategy, ['concatenate', 'best-fit']),
    blockSize: countOf('pack: blockSize', blockSize, 1, 2 ** 20),
    lengthOf: lengthFunction('pack', lengthOf),
    cutsLong: oneOf('pack: longRecords', longRecords, ['cut', 'error']) === 'cut',
    keepsRemainder: oneOf('pack: remainder', remainder, ['keep', 'drop']) === 'keep',
  };
  if (packing.strategy === 'best-fit' && options.remainder !== undefined)
    throw invalidArgument("pack: remainder goes with strategy 'concatenate'; best-fit gives rows as full as it can");
  if (packing.strategy === 'concatenate' && (options.blockSize !== undefined || options.longRecords !== undefined))
    throw invalidArgument("pack: blockSize and longRecords go with strategy 'best-fit'");
  return packing;
}

export function checkBucketing(groupSize: number, given?: BucketOptions): Bucketing {
  const { blockSize = groupSize * 50, lengthOf, ...unknown } = optionsOf('bucketByLength', given);
  refuseUnknown('bucketByLength', unknown, ['blockSize', 'lengthOf']);
  countOf('bucketByLength: groupSize', groupSize, 1, 2 ** 20);
  countOf('bucketByLength: blockSize', blockSize, groupSize, 2 ** 24);
  if (blockSize % groupSize !== 0)
    throw invalidArgument(`bucketByLength: blockSize must be a multiple of groupSize (${groupSize}), got ${blockSize}`);
  return { groupSize, blockSize, lengthOf: lengthFunction('bucketByLength', lengthOf) };
}

function lengthFunction(what: string, fn: unknown): ((record: any) => number) | undefined {
  if (fn !== undefined && typeof fn !== 'function')
    throw invalidArgument(`${what}: lengthOf must be a function from record to length, got ${typeof fn}`);
  return fn as ((record: any) => number) | undefined;
}
