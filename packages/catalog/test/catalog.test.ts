import { describe } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { tempFolder } from '../../core/test/temp-folder.js';
import { catalogSuite } from './catalog-suite.js';

describe('a catalog in a folder', () => {
  catalogSuite(async () => {
    const folder = tempFolder();
    return () => new FileStorage(folder);
  });
});

describe('a catalog in memory', () => {
  catalogSuite(async () => {
    const store = new MemoryStore();
    return () => new ObjectStorage(store);
  });
});
