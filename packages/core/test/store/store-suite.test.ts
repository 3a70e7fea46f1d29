import { describe, test } from '@jest/globals';
import { storeSuite } from '@dataref/core/testing';
import { FileStore } from '../../dist/store/file-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { tempFolder } from '../temp-folder.js';

describe.each([
  ['FileStore', () => ({ store: new FileStore(tempFolder()) })],
  ['MemoryStore', () => ({ store: new MemoryStore() })],
])('%s keeps the promises of a store', (_, open) => {
  for (const { name, run } of storeSuite(open)) test(name, run);
});
