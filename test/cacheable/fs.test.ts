import { describe, jest } from '@jest/globals';
import { announceSeed, randomOf } from '../../packages/core/test/scale.js';
import { openFolder } from './stores.js';
import { cacheableSuite } from './suite.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('cacheable/fs'));

describe('cacheable over a folder', () => {
  cacheableSuite(random, openFolder);
});
