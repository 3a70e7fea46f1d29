import { describe } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { announceSeed, randomOf } from '../../core/test/scale.js';
import { tempFolder } from '../../core/test/temp-folder.js';
import { arraysSuite } from './arrays-suite.js';

const random = randomOf(announceSeed('arrays'));

describe('arrays in memory', () => arraysSuite(random, () => new ObjectStorage(new MemoryStore()), 300));
describe('arrays in a folder', () => arraysSuite(random, () => new FileStorage(tempFolder()), 60));
