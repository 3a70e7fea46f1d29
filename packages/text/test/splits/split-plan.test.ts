import { expect, test } from '@jest/globals';
import { neededSplits, planSplits, trainTestSplit } from '../../dist/splits/split-plan.js';

const settings = { validationSplit: 0.1, splitShuffle: true, splitSeed: 42 };
const sizes = (counts: Record<string, number>, changes = {}) => {
  const plan = planSplits(new Map(Object.entries(counts)), { ...settings, ...changes });
  return Object.fromEntries(
    Object.entries(plan).map(([name, { source, rows }]) => [name, `${source} ${rows?.length ?? 'all'}`]),
  );
};

test('a missing validation is taken from train, a missing test from the validation, both rounded up', () => {
  expect(sizes({ train: 68 })).toEqual({ train: 'train 61', validation: 'train 5', test: 'train 2' });
  expect(sizes({ train: 68, validation: 5 })).toEqual({
    train: 'train all',
    validation: 'validation 3',
    test: 'validation 2',
  });
  expect(sizes({ train: 68, test: 5 })).toEqual({ train: 'train 61', validation: 'train 7', test: 'test all' });
  expect(sizes({ train: 1, validation: 1, test: 1 })).toEqual({
    train: 'train all',
    validation: 'validation all',
    test: 'test all',
  });
});

test('the first of the permutation are the test, the next the train, and the test of the validation is permuted again', () => {
  // numpy: default_rng(42).permutation(10) is 5 6 0 7 3 2 4 9 1 8, and permutation(4) is 3 2 1 0
  const { train, validation, test: last } = planSplits(new Map([['train', 10]]), { ...settings, validationSplit: 0.4 });
  const order = [train, validation, last].map(({ rows }) => Array.from(rows ?? []));
  expect(order).toEqual([[3, 2, 4, 9, 1, 8], [0, 6, 5], [7]]);
});

test('without a shuffle the rows keep their order, and the test comes last', () => {
  const { train, test: last } = trainTestSplit(10, 0.25, { splitShuffle: false, splitSeed: 42 });
  expect([Array.from(train), Array.from(last)]).toEqual([
    [0, 1, 2, 3, 4, 5, 6],
    [7, 8, 9],
  ]);
});

test('a split that would be left without rows is refused, and a source without train', () => {
  expect(() => sizes({ train: 1 })).toThrow(/validation is to be 0\.1 of train, which has 1 rows/u);
  expect(() => neededSplits(['test'])).toThrow(/no split train.*it has test/u);
});
