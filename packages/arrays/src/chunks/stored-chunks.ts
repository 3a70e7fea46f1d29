import type { ArrayTypes, NumericDType } from '@dataref/core';
import { arrayType, locksOf, updateObject, type KeyLocks } from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import type { ArrayMetadata } from '../metadata/array-metadata.js';
import { mostEncodedBytes, sizeOf } from '../metadata/limits.js';
import type { ChunkReadOptions } from './chunk-source.js';
import { codecIn } from './codec-in.js';
import { chunkCodec, type ChunkCodec } from '../codec/chunk-codec.js';

/** Chunks that are an object each. */
export class StoredChunks<D extends NumericDType = NumericDType> {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #metadata: ArrayMetadata;
  readonly #codec: ChunkCodec<D>;
  readonly #locks: KeyLocks;
  readonly #limitBytes: number;

  constructor(store: ObjectStore, folder: string, metadata: ArrayMetadata) {
    this.#store = store;
    this.#folder = folder;
    this.#metadata = metadata;
    this.#codec = codecIn(folder, () => chunkCodec(metadata.codecs, metadata.dtype as D, metadata.chunk));
    this.#locks = locksOf(store);
    this.#limitBytes = mostEncodedBytes(sizeOf(metadata.chunk) * arrayType(metadata.dtype).BYTES_PER_ELEMENT);
  }

  async read(place: readonly number[], { signal, into }: ChunkReadOptions = {}): Promise<ArrayTypes[D] | undefined> {
    const key = this.#keyOf(place);
    const held = await this.#store.get(key, this.#limitBytes, { signal });
    return held && this.#codec.decode(held.bytes, key, into);
  }

  /** Writes a chunk whatever is there. @param values as many as a chunk has; they are not changed */
  async write(place: readonly number[], values: ArrayTypes[D], { signal }: IoOptions = {}): Promise<void> {
    const key = this.#keyOf(place);
    const bytes = await this.#codec.encode(values);
    await this.#locks.run(key, () => this.#store.put(key, bytes, { inTurn: true, signal }));
  }

  /** Writes a chunk where there is none yet, without looking; else it is updated. */
  async writeNew(
    place: readonly number[],
    change: (values: ArrayTypes[D] | undefined) => ArrayTypes[D],
    { signal }: IoOptions = {},
  ): Promise<void> {
    const key = this.#keyOf(place);
    const bytes = await this.#codec.encode(change(undefined));
    const put = (): Promise<string | undefined> => this.#store.put(key, bytes, { ifAbsent: true, signal });
    if ((await this.#locks.run(key, put)) === undefined) await this.update(place, change, { signal });
  }

  /**
   * Changes a chunk so that what others change in it at the same time stays.
   * @param change gives what is to be, of what is there, undefined where nothing is; asked again where another writer was
   *   faster. Undefined leaves the chunk as it is
   */
  async update(
    place: readonly number[],
    change: (values: ArrayTypes[D] | undefined) => ArrayTypes[D] | undefined,
    { signal }: IoOptions = {},
  ): Promise<void> {
    const key = this.#keyOf(place);
    const changed = async (held: { readonly bytes: Uint8Array } | undefined): Promise<Uint8Array | undefined> => {
      const values = change(held && (await this.#codec.decode(held.bytes, key)));
      return values && this.#codec.encode(values);
    };
    await this.#locks.run(key, () => updateObject(this.#store, key, this.#limitBytes, changed, { signal }));
  }

  /** Removes a chunk, so that it is as if it had never been written. */
  async remove(place: readonly number[], { signal }: IoOptions = {}): Promise<void> {
    const key = this.#keyOf(place);
    await this.#locks.run(key, () => this.#store.delete(key, { signal }));
  }

  /** Places of the chunks that were written, in no certain order. */
  async *places(options?: IoOptions): AsyncGenerator<number[]> {
    for await (const { key } of this.#store.list(this.#folder, options)) {
      const place = this.#metadata.chunkKeys.placeOf(key.slice(this.#folder.length));
      if (place?.length === this.#metadata.shape.length) yield place;
    }
  }

  #keyOf(place: readonly number[]): string {
    return `${this.#folder}${this.#metadata.chunkKeys.keyOf(place)}`;
  }
}
