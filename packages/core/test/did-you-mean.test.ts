import { expect, test } from '@jest/globals';
import { didYouMean } from '@dataref/core/adapter';

test.each([
  ['unit8', ['int8', 'uint8', 'uint16'], '; did you mean "uint8"?'],
  ['imgae', ['mage', 'image'], '; did you mean "image"?'],
  ['LABEL', ['table', 'label'], '; did you mean "label"?'],
  ['y', ['x'], '; did you mean "x"?'],
  ['weight', ['image', 'label'], ''],
  [undefined, ['undefined'], ''],
])('of %s and the names %j', (wanted, names, expected) => {
  expect(didYouMean(wanted, names)).toBe(expected);
});
