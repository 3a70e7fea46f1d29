import { beforeEach, describe, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays, type Arrays } from '@dataref/arrays';
import { announceSeed, randomOf, runs } from '../../core/test/scale.js';
import { tempFolder } from '../../core/test/temp-folder.js';
import { behaviours } from './behaviours.js';
import { hubSuite } from './hub-suite.js';
import { randomOperations } from './random-operations.js';

const random = randomOf(announceSeed('arrays'));

describe.each([
  ['memory', () => new ObjectStorage(new MemoryStore())],
  ['a folder', () => new FileStorage(tempFolder())],
])('arrays in %s', (place, open) => {
  let arrays: Arrays;
  beforeEach(() => void (arrays = openArrays(open())));

  for (const { name, run } of [...hubSuite, ...behaviours]) test(name, () => run(arrays));

  test('any operations on any array give what they give on a plain one', async () => {
    for (let i = 0; i < runs(place === 'memory' ? 600 : 60); i++)
      await randomOperations(random, arrays, `a${i % 3}`, 12);
  });
});
