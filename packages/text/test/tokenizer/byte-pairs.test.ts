import { describe, expect, test } from '@jest/globals';
import { encode as reference } from 'gpt-tokenizer/encoding/r50k_base';
import ranks from 'gpt-tokenizer/bpeRanks/r50k_base';
import { BytePairs } from '../../dist/tokenizer/byte-pairs.js';

const pairs = new BytePairs(ranks);
const idsOf = (word: string) => {
  const ids: number[] = [];
  pairs.encode(word, ids);
  return ids;
};
/** Letters in no order that is in the vocabulary. */
const letters = (length: number, alphabet: string) =>
  Array.from({ length }, (_, i) => Array.from(alphabet)[(i * i * 7 + (i >> 3)) % Array.from(alphabet).length]).join('');

describe('ids of a word', () => {
  test.each([1, 2, 3, 17, 127, 128, 129, 130, 500, 3000])(
    'of %i letters are those of a search of every pair',
    (length) => {
      for (const alphabet of ['abcdefghijklmnopqrstuvwxyz', 'a', 'ab', 'éßøñ漢字', 'ètaoin'])
        expect(idsOf(letters(length, alphabet))).toEqual(reference(letters(length, alphabet)));
    },
  );

  test('are the same when it comes again', () => {
    expect(idsOf('antidisestablishmentarianism')).toEqual(idsOf('antidisestablishmentarianism'));
  });

  test('of a million letters without space come in the time of a sort', () => {
    const word = letters(1_000_000, 'abcdefghijklmnopqrstuvwxyz');
    const ids = idsOf(word);
    expect(ids.map((id) => ranks[id]).join('')).toBe(word);
  });
});
