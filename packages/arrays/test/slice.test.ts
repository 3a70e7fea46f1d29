import { expect, test } from '@jest/globals';
import { slice } from '@dataref/arrays';

test('slice(stop) and slice(start, stop, step) are numpy’s :stop and start:stop:step', () => {
  expect(slice(3)).toEqual({ start: null, stop: 3, step: null });
  expect(slice(1, null, 2)).toEqual({ start: 1, stop: null, step: 2 });
});
