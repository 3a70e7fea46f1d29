import { expect, test } from '@jest/globals';

test('the package can be imported', async () => {
  expect(await import('@dataref/text')).toBeDefined();
});
