import { describe } from '@jest/globals';
import { onDisk } from './place.js';
import { stormSuite } from './storm-suite.js';

describe('submits, copies, deletes, vacuums and readers at once: on the disk', () => stormSuite(onDisk));
