import { DataRefError } from '@dataref/core';
import { numpyPermutation } from './pcg64.js';

export const SPLITS = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof SPLITS)[number];

/** How splits that a source does not have are taken from those that it has. */
export interface SplitSettings {
  /** Share of train, 0..1, that becomes the validation where there is none. */
  readonly validationSplit: number;
  readonly splitShuffle: boolean;
  readonly splitSeed: number;
}

/** Where a split's rows come from: all of a source's split in their order, or some of them in another. */
export interface SplitRows {
  readonly source: string;
  readonly rows: Uint32Array | undefined;
}

/** Share of the validation that becomes the test where there is none, as in Archai. */
const TEST_SHARE = 0.25;
/** As in Archai where none, or 0, is given. */
export const VALIDATION_SHARE = 0.1;

/** The splits of a source that are needed. @throws DataRefError EMPTY where it has no train */
export function neededSplits(names: readonly string[]): readonly string[] {
  if (!names.includes('train'))
    throw new DataRefError(
      'EMPTY',
      `the source has no split train, from which all is taken that is missing; it has ${names.join(', ') || 'none'}`,
    );
  return SPLITS.filter((name) => names.includes(name));
}

/**
 * Says for train, validation and test which rows they have. A missing validation is taken from train, and then a missing
 * test from the validation.
 * @param rowCounts of the splits that the source has, train among them
 * @throws DataRefError EMPTY where a split that gives rows away has none left
 */
export function planSplits(
  rowCounts: ReadonlyMap<string, number>,
  settings: SplitSettings,
): Readonly<Record<SplitName, SplitRows>> {
  const whole = (source: SplitName): SplitRows => ({ source, rows: undefined });
  const take = (name: SplitName, from: SplitName, { source, rows }: SplitRows, share: number) => {
    const length = rows?.length ?? rowCounts.get(source) ?? 0;
    const { train, test } = trainTestSplit(length, share, settings);
    if (train.length === 0 || test.length === 0)
      throw new DataRefError(
        'EMPTY',
        `${name} is to be ${share} of ${from}, which has ${length} rows: that leaves ${from} ${train.length} and gives ${name} ${test.length}. Give more rows, another validationSplit, or splits of their own`,
        { details: { split: name, rows: length } },
      );
    const picked = (indices: Uint32Array): SplitRows => ({
      source,
      rows: rows === undefined ? indices : indices.map((index) => rows[index] as number),
    });
    return { kept: picked(train), taken: picked(test) };
  };
  let train = whole('train');
  let validation = whole('validation');
  let test = whole('test');
  if (!rowCounts.has('validation'))
    ({ kept: train, taken: validation } = take('validation', 'train', train, settings.validationSplit));
  if (!rowCounts.has('test')) ({ kept: validation, taken: test } = take('test', 'validation', validation, TEST_SHARE));
  return { train, validation, test };
}

/**
 * Two disjoint lists of 0..length − 1, the second of ceil(share · length).
 * @see `train_test_split` of Hugging Face's datasets: shuffled by numpy's `default_rng(seed).permutation`, whose first entries are
 *   the test and whose next ones the train; in their order, the test last, where it is not shuffled
 */
export function trainTestSplit(
  length: number,
  share: number,
  { splitShuffle, splitSeed }: Pick<SplitSettings, 'splitShuffle' | 'splitSeed'>,
): { readonly train: Uint32Array; readonly test: Uint32Array } {
  const testLength = Math.min(length, Math.ceil(share * length));
  if (splitShuffle) {
    const order = numpyPermutation(splitSeed, length);
    return { train: order.subarray(testLength), test: order.subarray(0, testLength) };
  }
  const order = Uint32Array.from({ length }, (_, i) => i);
  return { train: order.subarray(0, length - testLength), test: order.subarray(length - testLength) };
}
