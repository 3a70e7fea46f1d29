import { DataRefError, type ArrayTypes, type NumericDType } from '@dataref/core';
import { chunkCodec, type ChunkCodec } from './chunk-codec.js';
import type { CodecMetadata } from './codec.js';
import { damaged } from './damaged.js';
import { sizeOf } from '../metadata/limits.js';

/** Bytes `start` to `start + length` − 1 of a stored shard. */
export type ReadBytes = (start: number, length: number) => Promise<Uint8Array>;

/** Inner chunks of shards, which are read one by one. Shards are not written. */
export interface ShardCodec<D extends NumericDType = NumericDType> {
  /** Shape of an inner chunk. */
  readonly chunk: readonly number[];
  /**
   * Where the inner chunks of a stored shard lie.
   * @param byteLength of the shard @param key of it, for messages @throws DataRefError CORRUPT
   */
  readIndex(byteLength: number, read: ReadBytes, key: string): Promise<ShardIndex>;
  /**
   * @param place of the inner chunk in its shard's grid
   * @returns its values in C order; undefined where it was never written
   * @throws DataRefError CORRUPT, and what `read` throws
   */
  readChunk(
    place: readonly number[],
    index: ShardIndex,
    read: ReadBytes,
    key: string,
  ): Promise<ArrayTypes[D] | undefined>;
}

export interface ShardIndex {
  readonly byteLength: number;
  /** Offset and length of each inner chunk, in C order of the grid. */
  readonly ranges: BigUint64Array;
}

const ABSENT = 2n ** 64n - 1n;

/**
 * The codec of shards, undefined where an array's codecs are others.
 * @param codecs of its zarr.json @param shard shape of a shard, which the metadata calls its chunk
 * @throws DataRefError UNSUPPORTED, CORRUPT
 * @see Zarr v3, "Sharding codec"
 */
export function shardCodec<D extends NumericDType>(
  codecs: readonly CodecMetadata[],
  dtype: D,
  shard: readonly number[],
): ShardCodec<D> | undefined {
  const at = codecs.findIndex(({ name }) => name === 'sharding_indexed');
  if (at < 0) return undefined;
  if (codecs.length > 1)
    throw new DataRefError('UNSUPPORTED', 'sharding_indexed is read as the only codec of an array, not among others');
  const { chunk, inner, index, isAtEnd } = configurationOf(codecs[at]?.configuration ?? {}, shard);
  const grid = shard.map((size, axis) => size / (chunk[axis] as number));
  const values: ChunkCodec<D> = chunkCodec(inner, dtype, chunk);
  const ranges = chunkCodec(index, 'uint64', [...grid, 2]);
  const indexBytes = 16 * sizeOf(grid) + index.filter(({ name }) => name === 'crc32c').length * 4;
  return {
    chunk,
    async readIndex(byteLength, read, key) {
      if (byteLength < indexBytes)
        throw new DataRefError(
          'CORRUPT',
          `${key}: ${byteLength} bytes have no room for a shard's index of ${indexBytes}`,
        );
      const stored = await read(isAtEnd ? byteLength - indexBytes : 0, indexBytes);
      return { byteLength, ranges: await ranges.decode(stored, `${key}, index`) };
    },
    async readChunk(place, found, read, key) {
      const number = place.reduce((sum, n, axis) => sum * (grid[axis] as number) + n, 0);
      const [start, length] = [found.ranges[2 * number] as bigint, found.ranges[2 * number + 1] as bigint];
      if (start === ABSENT && length === ABSENT) return undefined;
      const name = `${key}, inner chunk ${place.join('/')}`;
      if (start + length > BigInt(found.byteLength))
        throw new DataRefError(
          'CORRUPT',
          `${name}: bytes ${start} to ${start + length} of a shard of ${found.byteLength}`,
        );
      return values.decode(await read(Number(start), Number(length)), name);
    },
  };
}

interface Sharding {
  readonly chunk: readonly number[];
  readonly inner: readonly CodecMetadata[];
  readonly index: readonly CodecMetadata[];
  readonly isAtEnd: boolean;
}

function configurationOf(configuration: Readonly<Record<string, unknown>>, shard: readonly number[]): Sharding {
  const { chunk_shape: chunk, codecs: inner, index_codecs: index, index_location: location = 'end' } = configuration;
  const divides = (size: unknown, axis: number) =>
    Number.isSafeInteger(size) && (shard[axis] as number) % (size as number) === 0;
  if (
    !Array.isArray(chunk) ||
    chunk.length !== shard.length ||
    !chunk.every((size, axis) => size > 0 && divides(size, axis))
  )
    throw damaged(`sharding_indexed: chunks ${JSON.stringify(chunk)} do not divide shards [${shard.join(', ')}]`);
  if (!Array.isArray(inner) || !Array.isArray(index))
    throw damaged('sharding_indexed: codecs and index_codecs must be lists');
  if (!index.every(({ name }) => name === 'bytes' || name === 'crc32c'))
    throw new DataRefError('UNSUPPORTED', 'sharding_indexed: an index is read with the codecs bytes and crc32c alone');
  if (location !== 'end' && location !== 'start')
    throw damaged(`sharding_indexed: index_location must be start or end`);
  return { chunk, inner, index, isAtEnd: location === 'end' };
}
