import { arrayType } from '@dataref/core/adapter';
import { DataRefError, type ArrayTypes, type NumericDType } from '@dataref/core';
import type { ChunkSource } from '../chunks/chunk-source.js';
import type { ChunkForm } from '../codec/codec.js';
import { gzip, zlib } from '../codec/deflate.js';
import { endian } from '../codec/endian.js';
import { jpeg, png } from '../codec/images.js';
import { elementCount } from '../codec/values.js';
import { sizesOf } from '../metadata/geometry.js';
import type { JsonObject } from '../metadata/array-metadata.js';
import { DTYPE_OF_NUMPY } from '../metadata/v2-metadata.js';
import { corruptFile, type HubFiles } from './files.js';
import { readLz4Frame } from './lz4-frame.js';
import { readPickle, type Constant } from './pickle.js';

/** How Hub stored the values of a chunk; `jpeg` and `png` as an image for each place of all but the last three axes. */
const CODECS = ['default', 'gzip', 'zlib', 'lz4', 'jpeg', 'png'] as const;
export type HubCodec = (typeof CODECS)[number];

/** More than any codec makes of bytes that do not compress, and what a pickle says beside them. */
const mostStored = (byteLength: number): number => 2 * byteLength + 2 ** 16;

/**
 * An array that Hub 0.5 to 0.10, "Hub v1", has stored: `info.json`, and a pickle a chunk in `chunks/0-3_4-8`, named by the
 * places that it has.
 */
export class HubArray implements ChunkSource {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  readonly codec: HubCodec;
  /** Name of the array of its records' shapes, where each has its own. */
  readonly shapesName: string | undefined;
  readonly #name: string;
  readonly #files: HubFiles;
  readonly #isBig: boolean;

  /** @throws DataRefError CORRUPT, UNSUPPORTED with the file and the field */
  constructor(name: string, info: JsonObject, files: HubFiles) {
    const file = `${name}/info.json`;
    const corrupt = (field: string, problem: string): never => {
      throw corruptFile(file, `${field}: ${problem}`);
    };
    const { dtype: numpy, compress, darray } = info;
    const [, order, kind = ''] = typeof numpy === 'string' ? (/^([<>|])(.*)$/u.exec(numpy) ?? []) : [];
    const dtype = Object.hasOwn(DTYPE_OF_NUMPY, kind) ? DTYPE_OF_NUMPY[kind] : undefined;
    if (dtype === undefined)
      throw new DataRefError('UNSUPPORTED', `${file}: dtype is ${JSON.stringify(numpy)}; numbers and bools are read`);
    const codec = CODECS.find((known) => known === compress);
    if (codec === undefined)
      throw new DataRefError(
        'UNSUPPORTED',
        `${file}: compress is ${JSON.stringify(compress)}; known are ${CODECS.join(', ')}`,
      );
    if (darray !== undefined && typeof darray !== 'string') corrupt('darray', 'must name an array');
    this.dtype = dtype;
    this.shape = sizesOf('shape', info['shape'], 0, corrupt);
    this.chunk = sizesOf('chunk_shape', info['chunk_shape'], 1, corrupt);
    if (this.shape.length !== this.chunk.length) corrupt('chunk_shape', 'has another number of axes than shape');
    this.codec = codec;
    this.shapesName = darray === undefined ? undefined : `${name}/${darray}`;
    this.#name = name;
    this.#files = files;
    this.#isBig = order === '>';
  }

  async readChunk(place: readonly number[]): Promise<ArrayTypes[NumericDType] | undefined> {
    const bounds = place.map((at, axis) => {
      const start = at * (this.chunk[axis] as number);
      return `${start}-${Math.min(this.shape[axis] as number, start + (this.chunk[axis] as number))}`;
    });
    const path = `${this.#name}/chunks/${bounds.join('_')}`;
    const { BYTES_PER_ELEMENT, from } = arrayType(this.dtype);
    const count = elementCount(this.chunk);
    const stored = await this.#files.read(path, mostStored(count * BYTES_PER_ELEMENT));
    if (stored === undefined) return undefined;
    try {
      const bytes = await this.#decode(readPickle(stored), count * BYTES_PER_ELEMENT);
      if (bytes.length !== count * BYTES_PER_ELEMENT)
        throw new RangeError(`has ${bytes.length} bytes of values, expected ${count * BYTES_PER_ELEMENT}`);
      const values = this.#isBig ? await endian({ endian: 'big' }, this.#form()).decode(bytes) : bytes;
      const aligned = values.slice();
      void from;
      return new (arrayType(this.dtype))(aligned.buffer, 0, count);
    } catch (error) {
      if (error instanceof DataRefError && error.code !== 'CORRUPT') throw error;
      throw corruptFile(path, error instanceof Error ? error.message : String(error), error);
    }
  }
}
