import { expect, test } from '@jest/globals';
import { localCollectives } from '@dataref/horovod-shard';

test.each([0, 1.5, NaN])('%d ranks are refused', (size) => {
  expect(() => localCollectives(size)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
