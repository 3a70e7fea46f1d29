import { DataRefError, type ArrayTypes, type NumericDType } from '@dataref/core';
import { arrayType, orAbort } from '@dataref/core/adapter';
import type { IoOptions, ObjectReader, ObjectStore } from '@dataref/core/store';
import { shardCodec, type ReadBytes, type ShardCodec, type ShardIndex } from '../codec/shard-codec.js';
import type { ArrayMetadata } from '../metadata/array-metadata.js';
import { mostEncodedBytes, sizeOf } from '../metadata/limits.js';
import { quotient } from '../selection/resolve.js';
import { codecIn } from './codec-in.js';

/** Indices that are kept, so that chunks of one shard that are read one after another need it once. */
const MOST_INDICES = 32;

/** Chunks of which many are in an object, each with its place in the object's index: for reading. */
export class ShardedChunks<D extends NumericDType = NumericDType> {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #metadata: ArrayMetadata;
  readonly #codec: ShardCodec<D>;
  /** Chunks along each axis of a shard. */
  readonly #grid: readonly number[];
  readonly #mostBytes: number;
  readonly #indices = new Map<string, Promise<ShardIndex | undefined>>();

  constructor(store: ObjectStore, folder: string, metadata: ArrayMetadata, shard: readonly number[]) {
    this.#store = store;
    this.#folder = folder;
    this.#metadata = metadata;
    const { codecs, dtype, chunk } = metadata;
    this.#grid = shard.map((size, d) => size / (chunk[d] as number));
    this.#codec = codecIn(folder, () => shardCodec(codecs, dtype as D, shard)) as ShardCodec<D>;
    this.#mostBytes = mostEncodedBytes(sizeOf(chunk) * arrayType(dtype).BYTES_PER_ELEMENT);
  }

  async read(place: readonly number[], { signal }: IoOptions = {}): Promise<ArrayTypes[D] | undefined> {
    const shard = place.map((n, d) => quotient(n, this.#grid[d] as number));
    const key = `${this.#folder}${this.#metadata.chunkKeys.keyOf(shard)}`;
    const index = await orAbort(this.#index(key), signal);
    if (index === undefined) return undefined;
    const inShard = place.map((n, d) => n % (this.#grid[d] as number));
    const read: ReadBytes = async (start, length) => {
      if (length > this.#mostBytes)
        throw new DataRefError(
          'CORRUPT',
          `${key}: its index names ${length} bytes, and a chunk has at most ${this.#mostBytes}`,
          {
            details: { key, place, length },
          },
        );
      const reader = await this.#store.open(key, { signal, byteLength: index.byteLength });
      if (reader === undefined)
        throw new DataRefError('GENERATION_GONE', `${key}: was deleted while it was read`, { details: { key } });
      return readFrom(reader, start, length, signal);
    };
    return this.#codec.readChunk(inShard, index, read, key);
  }

  /** An index is read once for all who wait for it. */
  #index(key: string): Promise<ShardIndex | undefined> {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.#readIndex(key);
    const [oldest] = this.#indices.keys();
    if (this.#indices.size >= MOST_INDICES) this.#indices.delete(oldest as string);
    this.#indices.set(key, index);
    // A failure may pass, and a shard that is not there may be written.
    const forget = (): unknown => this.#indices.get(key) === index && this.#indices.delete(key);
    index.then((found) => found ?? forget(), forget);
    return index;
  }

  async #readIndex(key: string): Promise<ShardIndex | undefined> {
    const reader = await this.#store.open(key);
    if (reader === undefined) return undefined;
    try {
      return await this.#codec.readIndex(reader.byteLength, (start, length) => bytesFrom(reader, start, length), key);
    } finally {
      await reader.close();
    }
  }
}

async function readFrom(
  reader: ObjectReader,
  start: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  try {
    return await bytesFrom(reader, start, length, signal);
  } finally {
    await reader.close();
  }
}

async function bytesFrom(
  reader: ObjectReader,
  start: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await reader.read(bytes, start, { signal });
  return bytes;
}
