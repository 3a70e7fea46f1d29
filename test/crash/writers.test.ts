import { describe } from '@jest/globals';
import { onDisk } from './place.js';
import { writersSuite } from './writers-suite.js';

describe('nothing is half-visible, a second run completes, and a vacuum leaves what is committed: on the disk', () => {
  writersSuite(onDisk);
});
