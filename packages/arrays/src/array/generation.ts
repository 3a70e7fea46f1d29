import { DataRefError, isDataRefError } from '@dataref/core';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { readNode } from '../metadata/array-file.js';
import type { ArrayMetadata } from '../metadata/array-metadata.js';
import { isSameKeys } from '../metadata/chunk-keys.js';

/** How long a description that was seen is believed without another look, unless this process itself puts one in its place. */
const BELIEVED_MS = 10_000;

const ofStores = new WeakMap<ObjectStore, Map<string, number>>();

/** Notes that what a folder describes was replaced or removed by this process, once it was. */
export function noteChange(store: ObjectStore, folder: string): void {
  const changes = ofStores.get(store) ?? new Map<string, number>();
  ofStores.set(store, changes.set(folder, changesOf(store, folder) + 1));
}

function changesOf(store: ObjectStore, folder: string): number {
  return ofStores.get(store)?.get(folder) ?? 0;
}

/** When a description was looked at. */
export interface Look {
  readonly ms: number;
  readonly changes: number;
}

/** To be taken before the description is read. */
export function lookAt(store: ObjectStore, folder: string): Look {
  return { ms: performance.now(), changes: changesOf(store, folder) };
}

/** Whether the array that was opened is still the one under its name. */
export class Generation {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #name: string;
  readonly #opened: ArrayMetadata;
  #look: Look;

  constructor(store: ObjectStore, folder: string, name: string, opened: ArrayMetadata, look: Look) {
    this.#store = store;
    this.#folder = folder;
    this.#name = name;
    this.#opened = opened;
    this.#look = look;
  }

  /** Whether it is time to look again. */
  get isInDoubt(): boolean {
    const { ms, changes } = this.#look;
    return changes !== changesOf(this.#store, this.#folder) || performance.now() - ms > BELIEVED_MS;
  }

  /** What `read` gives, unless the array is in doubt then, and another one. @throws DataRefError GENERATION_GONE */
  async whileThere<T>(read: () => Promise<T>, options: IoOptions): Promise<T> {
    try {
      return await read();
    } finally {
      if (this.isInDoubt) await this.check(options);
    }
  }

  /**
   * Looks at the description.
   * @param length rows that there are to be at least
   * @throws DataRefError GENERATION_GONE
   */
  async check(options: IoOptions, length = 0): Promise<void> {
    const look = lookAt(this.#store, this.#folder);
    const node = await readNode(this.#store, this.#folder, options);
    const isSame = node?.kind === 'array' && this.isOf(node.metadata) && (node.metadata.shape[0] ?? 0) >= length;
    if (!isSame) throw this.gone();
    this.#look = look;
  }

  /**
   * Looks at the description after a write.
   * @param remove takes away what was written, where nothing is described any more
   * @throws DataRefError GENERATION_GONE
   */
  async checkWritten(options: IoOptions, remove: () => Promise<void>): Promise<void> {
    try {
      await this.check(options);
    } catch (error) {
      if (
        isDataRefError(error, 'GENERATION_GONE') &&
        (await readNode(this.#store, this.#folder, options)) === undefined
      )
        await remove();
      throw error;
    }
  }

  /** Whether a description is of this array, though perhaps of another size. */
  isOf({ chunkKeys, own }: ArrayMetadata): boolean {
    return isSameKeys(chunkKeys, this.#opened.chunkKeys) && own.generation === this.#opened.own.generation;
  }

  gone(): DataRefError {
    return generationGone(this.#name);
  }
}

export function generationGone(name: string): DataRefError {
  return new DataRefError(
    'GENERATION_GONE',
    `${name} was replaced, cut or deleted since it was opened; open it anew, or the dataset that it is of`,
    { details: { name } },
  );
}
