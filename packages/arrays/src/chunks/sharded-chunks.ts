import { DataRefError, type ArrayTypes, type NumericDType } from '@dataref/core';
import { arrayType, orAbort } from '@dataref/core/adapter';
import type { IoOptions, ObjectReader, ObjectStore } from '@dataref/core/store';
import { chunkCodec, type ChunkCodec } from '../codec/chunk-codec.js';
import type { ArrayMetadata, Sharding } from '../metadata/array-metadata.js';
import { mostEncodedBytes, sizeOf } from '../metadata/limits.js';
import { cStrides } from '../selection/grid.js';
import { quotient } from '../selection/resolve.js';

/** Offset and length of each chunk in a shard. */
interface ShardIndex {
  readonly shardBytes: number;
  readonly entries: BigUint64Array;
}

const INDEX_ENTRY_BYTES = 16;
const CHECKSUM_BYTES = 4;
const NOT_THERE = 2n ** 64n - 1n;
/** Indices that are kept, so that chunks of one shard that are read one after another need it once. */
const MOST_INDICES = 32;

/**
 * Chunks of which many are in an object, each with its place in the object's index: for reading.
 * @see https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/index.html
 */
export class ShardedChunks<D extends NumericDType = NumericDType> {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #metadata: ArrayMetadata;
  readonly #codec: ChunkCodec<D>;
  readonly #indexCodec: ChunkCodec<'uint64'>;
  readonly #indexBytes: number;
  /** Chunks along each axis of a shard. */
  readonly #chunks: readonly number[];
  readonly #limitBytes: number;
  readonly #indices = new Map<string, Promise<ShardIndex | undefined>>();

  constructor(store: ObjectStore, folder: string, metadata: ArrayMetadata, { shard, indexCodecs }: Sharding) {
    this.#store = store;
    this.#folder = folder;
    this.#metadata = metadata;
    this.#chunks = shard.map((size, d) => size / (metadata.chunk[d] as number));
    this.#codec = chunkCodec(metadata.codecs, metadata.dtype as D, metadata.chunk);
    this.#indexCodec = chunkCodec(indexCodecs, 'uint64', [...this.#chunks, 2]);
    const checksums = indexCodecs.filter(({ name }) => name === 'crc32c').length;
    this.#indexBytes = sizeOf(this.#chunks) * INDEX_ENTRY_BYTES + checksums * CHECKSUM_BYTES;
    this.#limitBytes = mostEncodedBytes(sizeOf(metadata.chunk) * arrayType(metadata.dtype).BYTES_PER_ELEMENT);
  }

  async read(place: readonly number[], { signal }: IoOptions = {}): Promise<ArrayTypes[D] | undefined> {
    const shard = place.map((n, d) => quotient(n, this.#chunks[d] as number));
    const key = `${this.#folder}${this.#metadata.chunkKeys.keyOf(shard)}`;
    const index = await orAbort(this.#index(key), signal);
    if (index === undefined) return undefined;
    const strides = cStrides(this.#chunks);
    const at = place.reduce((sum, n, d) => sum + (n % (this.#chunks[d] as number)) * (strides[d] as number), 0);
    const [offset = 0n, length = 0n] = index.entries.subarray(2 * at, 2 * at + 2);
    if (offset === NOT_THERE && length === NOT_THERE) return undefined;
    const { shardBytes } = index;
    if (offset + length > BigInt(shardBytes) || length > BigInt(this.#limitBytes)) {
      throw new DataRefError(
        'CORRUPT',
        `${key}: its index says that chunk [${place.join(', ')}] has ${length} bytes from ${offset} on, in a shard of ${shardBytes}; at most ${this.#limitBytes} are a chunk`,
        { details: { key, place, offset, length, shardBytes } },
      );
    }
    const bytes = new Uint8Array(Number(length));
    const reader = await this.#store.open(key, { signal, byteLength: shardBytes });
    if (reader === undefined) return undefined; // removed since its index was read
    await readAll(reader, bytes, Number(offset), signal);
    return this.#codec.decode(bytes, `${key}: chunk [${place.join(', ')}]`);
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
    const { byteLength } = reader;
    if (byteLength < this.#indexBytes) {
      await reader.close();
      throw new DataRefError('CORRUPT', `${key}: has ${byteLength} bytes, and its index alone ${this.#indexBytes}`, {
        details: { key, byteLength },
      });
    }
    const bytes = new Uint8Array(this.#indexBytes);
    await readAll(reader, bytes, byteLength - bytes.length, undefined);
    return { shardBytes: byteLength, entries: await this.#indexCodec.decode(bytes, `${key}: its index`) };
  }
}

async function readAll(
  reader: ObjectReader,
  into: Uint8Array,
  position: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await reader.read(into, position, { signal });
  } finally {
    await reader.close();
  }
}
