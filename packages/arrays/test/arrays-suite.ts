import { expect, jest, test } from '@jest/globals';
import type { Storage } from '@dataref/core';
import { openArrays } from '@dataref/arrays';
import { runs } from '../../core/test/scale.js';
import { behaviours } from './behaviours.js';
import { hubSuite } from './hub-suite.js';
import { randomOperations } from './random-operations.js';

jest.setTimeout(600_000);

/** What holds of arrays in a storage of any kind. @param open makes one that is empty */
export function arraysSuite(random: () => number, open: () => Storage | Promise<Storage>, thoroughness: number): void {
  for (const { name, run } of [...hubSuite, ...behaviours]) test(name, async () => run(openArrays(await open())));

  test('any operations on any array give what they give on a plain one', async () => {
    const arrays = openArrays(await open());
    for (let i = 0; i < runs(thoroughness); i++) await randomOperations(random, arrays, `a${i % 3}`, 12);
    expect(await arrays.has('a0')).toBe(true);
  });
}
