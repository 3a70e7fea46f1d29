import { DataRefError, type NumericDType } from '@dataref/core';
import { countOf, didYouMean, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import { chunkCodec } from './chunk-codec.js';
import type { CodecMetadata } from './codec.js';
import { elementBytes } from './values.js';

/** What compresses chunks. `jpeg` loses some of what it is given; the others lose nothing. */
export type Compressor = 'none' | 'gzip' | 'zlib' | 'lz4' | 'zstd' | 'blosc' | 'jpeg' | 'png';

export interface CompressOptions {
  /**
   * Default `zstd`. `{ codec, level }` has the codec's own level: gzip, zlib and blosc 1 to 9, zstd 1 to 22, lz4's
   * acceleration from 1, jpeg's quality 1 to 100, png's zlib level 0 to 9.
   */
  readonly compress?: Compressor | { readonly codec: Compressor; readonly level?: number } | undefined;
  /** From 0, the smallest, to 1, the fastest; nothing to `none`. Default: what the codec itself has as its default. */
  readonly compressLevel?: number | undefined;
  /** A CRC-32C after all else, so that a damaged chunk is CORRUPT and never a wrong number. Default true. */
  readonly checksum?: boolean | undefined;
}

interface Levels {
  readonly least: number;
  readonly most: number;
  readonly usual: number;
  /** Of a `compressLevel`. */
  readonly at: (fastness: number) => number;
}

const LEVELS: Record<Exclude<Compressor, 'none'>, Levels> = {
  gzip: { least: 1, most: 9, usual: 6, at: (fastness) => 9 - 8 * fastness },
  zlib: { least: 1, most: 9, usual: 6, at: (fastness) => 9 - 8 * fastness },
  lz4: { least: 1, most: 65537, usual: 1, at: (fastness) => 1 + 15 * fastness },
  zstd: { least: 1, most: 22, usual: 3, at: (fastness) => 1 + 18 * (1 - fastness) ** 2 },
  blosc: { least: 1, most: 9, usual: 5, at: (fastness) => 9 - 8 * fastness },
  jpeg: { least: 1, most: 100, usual: 90, at: (fastness) => 50 + 45 * fastness },
  png: { least: 0, most: 9, usual: 6, at: (fastness) => 9 - 8 * fastness },
};

/**
 * The `codecs` of an array's zarr.json.
 * @param chunk shape of a chunk; jpeg and png take its last axis as channels where it has 1 or 3 places, or 4 of png
 * @throws DataRefError INVALID_ARGUMENT for a codec, a level, or a dtype and chunk that it cannot store
 */
export function codecsOf(
  options: CompressOptions | undefined,
  dtype: NumericDType,
  chunk: readonly number[],
): CodecMetadata[] {
  const { compress = 'zstd', compressLevel, checksum = true } = optionsOf('array', options);
  const { codec, level, ...unknown } =
    typeof compress === 'object' && compress !== null ? compress : { codec: compress };
  refuseUnknown('array: compress', unknown, ['codec', 'level']);
  const names = ['none', ...Object.keys(LEVELS)] as const;
  if (!names.includes(codec))
    throw invalid(`compress must be one of ${names.join(', ')}, got ${shown(codec)}${didYouMean(codec, names)}`);
  if (typeof checksum !== 'boolean') throw invalid(`checksum must be true or false, got ${shown(checksum)}`);
  if (codec === 'none' && level !== undefined) throw invalid(`compress none has no level, got ${shown(level)}`);
  const stored = codec === 'none' ? [bytesFor(dtype)] : STORED[codec](levelOf(codec, level, compressLevel), dtype);
  const codecs = checksum ? [...stored, { name: 'crc32c' }] : stored;
  chunkCodec(codecs, dtype, chunk); // refuses what images cannot hold
  return codecs;
}

const STORED: Record<keyof typeof LEVELS, (level: number, dtype: NumericDType) => CodecMetadata[]> = {
  gzip: (level, dtype) => [bytesFor(dtype), { name: 'gzip', configuration: { level } }],
  zlib: (level, dtype) => [bytesFor(dtype), { name: 'numcodecs.zlib', configuration: { level } }],
  lz4: (acceleration, dtype) => [bytesFor(dtype), { name: 'numcodecs.lz4', configuration: { acceleration } }],
  zstd: (level, dtype) => [bytesFor(dtype), { name: 'zstd', configuration: { level, checksum: false } }],
  blosc: (clevel, dtype) => [bytesFor(dtype), { name: 'blosc', configuration: bloscFor(clevel, dtype) }],
  jpeg: (level) => [{ name: 'imagecodecs_jpeg', configuration: { level } }],
  png: (level) => [{ name: 'imagecodecs_png', configuration: { level } }],
};

function bytesFor(dtype: NumericDType): CodecMetadata {
  return elementBytes(dtype) === 1 ? { name: 'bytes' } : { name: 'bytes', configuration: { endian: 'little' } };
}

/** Bytes of an element are sorted by their place in it, which is what makes numbers compress. */
function bloscFor(clevel: number, dtype: NumericDType) {
  const typesize = elementBytes(dtype);
  return { typesize, cname: 'lz4', clevel, shuffle: typesize === 1 ? 'noshuffle' : 'shuffle', blocksize: 0 };
}

function levelOf(codec: keyof typeof LEVELS, level: number | undefined, fastness: number | undefined): number {
  const { least, most, usual, at } = LEVELS[codec];
  if (level !== undefined && fastness !== undefined)
    throw invalid('compressLevel and the level of { codec, level } are two ways to say one thing: give one of them');
  if (level !== undefined) return countOf(`array: level of ${codec}`, level, least, most);
  if (fastness === undefined) return usual;
  if (typeof fastness !== 'number' || !(fastness >= 0 && fastness <= 1))
    throw invalid(`compressLevel must be from 0 (smallest) to 1 (fastest), got ${shown(fastness)}`);
  return Math.round(at(fastness));
}

const invalid = (message: string) => new DataRefError('INVALID_ARGUMENT', `array: ${message}`);

const shown = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value));
