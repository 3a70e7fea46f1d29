import { DataRefError } from '@dataref/core';
import { blosc } from './blosc.js';
import { endian } from './endian.js';
import type { CodecMaker } from './codec.js';
import { crc32cCodec } from './crc32c-codec.js';
import { gzip, zlib } from './deflate.js';
import { jpeg, png } from './images.js';
import { lz4 } from './lz4.js';
import { transpose } from './transpose.js';
import { arrayOfZarrita } from './of-zarrita.js';
import { shuffle } from './shuffle.js';
import { zstd } from './zstd.js';

/** By the name in a zarr.json; `numcodecs.NAME` is how Zarr v2's filters and compressors are called in v3. */
const CODECS: ReadonlyMap<string, CodecMaker> = new Map([
  ['bytes', endian],
  ['transpose', transpose],
  ['crc32c', crc32cCodec],
  ...bothNames({ gzip, zlib, lz4, zstd, blosc }),
  ['imagecodecs_jpeg', jpeg],
  ['imagecodecs_png', png],
  ['scale_offset', arrayOfZarrita('scale_offset')],
  ['cast_value', arrayOfZarrita('cast_value')],
  ...bothNames({ bitround: arrayOfZarrita('bitround') }),
  ['numcodecs.delta', arrayOfZarrita('numcodecs.delta')],
  ['numcodecs.shuffle', shuffle],
]);

function bothNames(codecs: Record<string, CodecMaker>): [string, CodecMaker][] {
  return Object.entries(codecs).flatMap(([name, codec]) => [
    [name, codec],
    [`numcodecs.${name}`, codec],
  ]);
}

/** @throws DataRefError UNSUPPORTED that names the codecs that there are */
export function codecNamed(name: string): CodecMaker {
  const codec = CODECS.get(name);
  if (codec !== undefined) return codec;
  throw new DataRefError(
    'UNSUPPORTED',
    `codec ${JSON.stringify(name.slice(0, 80))} is not known here; known are ${[...CODECS.keys()].join(', ')}, and sharding_indexed around them. Python's zarr can store the array anew with one of them`,
    { details: { codec: name } },
  );
}
