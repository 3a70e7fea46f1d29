import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Storage } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { listing, tempFolder } from './process.js';

/** Where datasets are written by processes that are killed. */
export interface Place {
  /** For other processes. */
  readonly spec: string;
  readonly storage: Storage;
  /** Every file or object, and whatever else lies there. */
  everything(): Promise<string[]>;
  read(key: string): Promise<string>;
  /** What changes when a file is written anew. */
  stamp(key: string): Promise<string>;
}

export async function onDisk(): Promise<Place> {
  const directory = tempFolder();
  return {
    spec: JSON.stringify({ directory }),
    storage: new FileStorage(directory),
    everything: async () => listing(directory),
    read: async (key) => readFileSync(join(directory, key), 'utf8'),
    async stamp(key) {
      const { ino, mtimeMs, size } = statSync(join(directory, key));
      return `${ino} ${mtimeMs} ${size}`;
    },
  };
}
