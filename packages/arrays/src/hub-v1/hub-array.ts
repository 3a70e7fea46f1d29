import { DataRefError, type ArrayTypes, type NumericDType } from '@dataref/core';
import { arrayType } from '@dataref/core/adapter';
import type { ChunkSource } from '../chunks/chunk-source.js';
import type { BytesCodec, ValuesCodec } from '../codec/codec.js';
import { gzip, zlib } from '../codec/deflate.js';
import { endian } from '../codec/endian.js';
import { jpeg, png } from '../codec/images.js';
import type { JsonObject } from '../metadata/array-metadata.js';
import { checkSizes, sizesOf } from '../metadata/geometry.js';
import { MOST_AXES, sizeOf } from '../metadata/limits.js';
import { numpyDType } from '../metadata/v2-metadata.js';
import { corruptFile, hubPath, type HubFiles } from './files.js';
import { readLz4Frame } from './lz4-frame.js';
import { readPickle, type Constant } from './pickle.js';

/** How Hub stores the values of a chunk; `jpeg` and `png` as images of its last three axes. */
export const HUB_CODECS = ['default', 'gzip', 'zlib', 'lz4', 'jpeg', 'png'] as const;
export type HubCodec = (typeof HUB_CODECS)[number];

/** More than any codec makes of what does not compress, and what a pickle says beside it. */
const mostStored = (byteLength: number): number => 2 * byteLength + 2 ** 16;

/**
 * An array as Hub v1 stores it: `info.json`, and a pickle a chunk, named by the places that it has: `chunks/0-3_4-8`.
 * Follows hub 0.5.0, array.py and codec/.
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
    const path = `${name}/info.json`;
    const corrupt = (field: string, problem: string): never => {
      throw corruptFile(path, `${field}: ${problem}`);
    };
    const { dtype: numpy, compress, darray } = info;
    const type = numpyDType(numpy);
    if (type === undefined)
      throw new DataRefError('UNSUPPORTED', `${path}: dtype: ${JSON.stringify(numpy)}; numbers and bools are read`);
    const codec = HUB_CODECS.find((known) => known === compress);
    if (codec === undefined)
      throw new DataRefError(
        'UNSUPPORTED',
        `${path}: compress: ${JSON.stringify(compress)}; known are ${HUB_CODECS.join(', ')}`,
      );
    this.dtype = type.dtype;
    this.#isBig = type.endian === '>';
    this.codec = codec;
    this.shape = sizesOf('shape', info['shape'], 0, corrupt);
    this.chunk = sizesOf('chunk_shape', info['chunk_shape'], 1, corrupt);
    checkSizes(this.dtype, ['shape', this.shape], ['chunk_shape', this.chunk], corrupt);
    if (darray !== undefined && typeof darray !== 'string') corrupt('darray', 'must name an array');
    this.shapesName = typeof darray === 'string' ? hubPath(`${name}/${darray}`) : undefined;
    this.#name = name;
    this.#files = files;
  }

  async readChunk(place: readonly number[]): Promise<ArrayTypes[NumericDType] | undefined> {
    const bounds = place.map((at, axis) => {
      const [size, length] = [this.chunk[axis] as number, this.shape[axis] as number];
      return `${at * size}-${Math.min(length, (at + 1) * size)}`;
    });
    const path = `${this.#name}/chunks/${bounds.join('_')}`;
    const values = arrayType(this.dtype);
    const byteLength = sizeOf(this.chunk) * values.BYTES_PER_ELEMENT;
    const stored = await this.#files.read(path, mostStored(byteLength));
    if (stored === undefined) return undefined;
    const bytes = await this.#decode(stored, byteLength).catch((error: unknown) => {
      if (error instanceof DataRefError && error.code !== 'CORRUPT') throw error;
      throw corruptFile(path, `no chunk of Hub: ${error instanceof Error ? error.message : String(error)}`, error);
    });
    if (bytes.length !== byteLength) throw corruptFile(path, `has ${bytes.length} bytes, expected ${byteLength}`);
    const turned = this.#isBig
      ? await endian({ endian: 'big' }, { dtype: this.dtype, shape: this.chunk }).decode(bytes)
      : bytes;
    return new values(new Uint8Array(turned).buffer); // aligned
  }

  /** A chunk's values as numpy had them in memory. */
  async #decode(stored: Uint8Array, byteLength: number): Promise<Uint8Array> {
    const chunk = readPickle(stored);
    if (!(chunk instanceof Map)) throw new TypeError('its pickle is no dict');
    const shape = chunk.get('shape');
    if (!isSizes(shape)) throw new TypeError('its shape is no list of sizes');
    if (String(shape) !== String(this.chunk))
      throw new RangeError(`its shape is [${shape.join(', ')}], expected [${this.chunk.join(', ')}]`);
    if (this.codec === 'jpeg' || this.codec === 'png') return this.#decodeImages(this.codec, chunk.get('images'));
    const data = chunk.get('data');
    if (!(data instanceof Uint8Array)) throw new TypeError('it has no data');
    if (this.codec === 'default') return data;
    if (this.codec === 'lz4') return readLz4Frame(data, byteLength);
    const codec = (this.codec === 'gzip' ? gzip : zlib)({}, { dtype: this.dtype, shape: this.chunk }) as BytesCodec;
    return codec.decode(data, { byteLength, isExact: true });
  }

  async #decodeImages(format: 'jpeg' | 'png', images: Constant | undefined): Promise<Uint8Array> {
    const shape = this.chunk.slice(-3);
    const size = sizeOf(shape);
    const count = sizeOf(this.chunk) / size;
    if (!Array.isArray(images) || images.length !== count) throw new TypeError(`it has no list of ${count} images`);
    const codec = (format === 'jpeg' ? jpeg : png)({}, { dtype: this.dtype, shape }) as ValuesCodec;
    const out = new Uint8Array(count * size);
    for (const [i, image] of images.entries()) {
      if (!(image instanceof Uint8Array)) throw new TypeError(`image ${i} is no bytes`);
      out.set(await codec.decode(image), i * size);
    }
    return out;
  }
}

/** Of numbers alone: a list that has itself many times over has no end as a text. */
function isSizes(value: Constant | undefined): value is readonly number[] {
  return Array.isArray(value) && value.length <= MOST_AXES && value.every((size) => typeof size === 'number');
}
