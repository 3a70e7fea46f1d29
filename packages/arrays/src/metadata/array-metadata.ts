import { DataRefError, type NumericDType } from '@dataref/core';
import { describeValue, isNumericDType } from '@dataref/core/adapter';
import { chunkKeys, type ChunkKeys } from './chunk-keys.js';
import { fillValue } from './fill-value.js';
import { checkSizes, sizesOf, type Refuse } from './geometry.js';
import { MOST_CHUNKS_OF_SHARD, MOST_CODECS, sizeOf } from './limits.js';
import type { CodecMetadata } from '../codec/codec.js';
import { ownAttributes, type OwnAttributes } from './own-attributes.js';

const SHARDING = 'sharding_indexed';

/** A description as JSON has it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What is known of a stored array: of its `zarr.json`, or its `.zarray`. */
export interface ArrayMetadata {
  readonly format: 2 | 3;
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  /** Of an object: of a chunk, or of a shard. */
  readonly codecs: readonly CodecMetadata[];
  /** Sizes of what an object holds, where that is many chunks; undefined where each chunk is an object. */
  readonly shard: readonly number[] | undefined;
  readonly chunkKeys: ChunkKeys;
  /** What is not written, as the dtype's array holds it. */
  readonly fill: number | bigint;
  readonly own: OwnAttributes;
  /** All of it, as it was read. */
  readonly document: JsonObject;
}

/** Errors that name the key and the field. */
export interface MetadataErrors {
  readonly corrupt: Refuse;
  readonly unsupported: Refuse;
}

export function metadataErrors(key: string): MetadataErrors {
  const refuse =
    (code: 'CORRUPT' | 'UNSUPPORTED'): Refuse =>
    (field, problem) => {
      throw new DataRefError(code, `${key}: ${field} ${problem}`, { details: { key, field } });
    };
  return { corrupt: refuse('CORRUPT'), unsupported: refuse('UNSUPPORTED') };
}

/** The object of a JSON text. @throws DataRefError CORRUPT */
export function parseJson(bytes: Uint8Array, { corrupt }: MetadataErrors): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return corrupt('it', 'is no JSON');
  }
  return objectOf('it', value, corrupt);
}

export function objectOf(field: string, value: unknown, corrupt: Refuse): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  return corrupt(field, `must be an object, got ${describeValue(value)}`);
}

/**
 * An array's `zarr.json`.
 * @see https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#array-metadata
 * @throws DataRefError CORRUPT, UNSUPPORTED with the key and the field
 */
export function parseArrayV3(document: JsonObject, errors: MetadataErrors): ArrayMetadata {
  const { corrupt, unsupported } = errors;
  if (document['zarr_format'] !== 3)
    unsupported('zarr_format', `is ${describeValue(document['zarr_format'])}, expected 3`);
  const dtype = document['data_type'];
  if (!isNumericDType(dtype))
    return unsupported('data_type', `is ${describeValue(dtype)}; numbers and bools can be read`);
  if (Array.isArray(document['storage_transformers']) && document['storage_transformers'].length > 0)
    unsupported('storage_transformers', 'are in use, and there are none here');
  const shape = sizesOf('shape', document['shape'], 0, corrupt);
  const outer = regularGrid(document['chunk_grid'], errors);
  const codecs = codecsIn('codecs', document['codecs'], errors).map((codec) => withShardsCodecs(codec, errors));
  const sharded = codecs.find(({ name }) => name === SHARDING)?.configuration;
  const chunk =
    sharded === undefined ? outer : sizesOf('chunk_shape of sharding_indexed', sharded['chunk_shape'], 1, corrupt);
  checkSizes(dtype, ['shape', shape], ['chunk_shape', chunk], corrupt);
  if (sharded !== undefined) checkShard(outer, chunk, corrupt);
  const attributes =
    document['attributes'] === undefined ? {} : objectOf('attributes', document['attributes'], corrupt);
  return {
    format: 3,
    dtype,
    shape,
    chunk,
    codecs,
    shard: sharded && outer,
    chunkKeys: keysOf(document['chunk_key_encoding'], errors),
    fill: fillValue(dtype, document['fill_value'], errors),
    own: ownAttributes(attributes['dataref'], shape.length, corrupt),
    document,
  };
}

function regularGrid(value: unknown, { corrupt, unsupported }: MetadataErrors): readonly number[] {
  const { name, configuration } = objectOf('chunk_grid', value, corrupt);
  if (name !== 'regular') return unsupported('chunk_grid', `is ${describeValue(name)}; regular ones can be read`);
  return sizesOf(
    'chunk_shape',
    objectOf('chunk_grid.configuration', configuration, corrupt)['chunk_shape'],
    1,
    corrupt,
  );
}

function keysOf(value: unknown, { corrupt, unsupported }: MetadataErrors): ChunkKeys {
  const { name, configuration = {} } = objectOf('chunk_key_encoding', value, corrupt);
  if (name !== 'default' && name !== 'v2') return unsupported('chunk_key_encoding', `is ${describeValue(name)}`);
  const { separator = name === 'default' ? '/' : '.' } = objectOf(
    'chunk_key_encoding.configuration',
    configuration,
    corrupt,
  );
  if (separator !== '/' && separator !== '.')
    return corrupt('separator of chunk_key_encoding', `must be '/' or '.', got ${describeValue(separator)}`);
  return chunkKeys(name, separator);
}

/** Codecs as objects: short ones are a name alone. */
function codecsIn(field: string, value: unknown, { corrupt }: MetadataErrors): CodecMetadata[] {
  if (!Array.isArray(value)) return corrupt(field, `must be a list, got ${describeValue(value)}`);
  if (value.length > MOST_CODECS) return corrupt(field, `has ${value.length} codecs, at most ${MOST_CODECS}`);
  return value.map((codec: unknown) => {
    const { name, configuration = {} } =
      typeof codec === 'string' ? { name: codec } : objectOf(`an entry of ${field}`, codec, corrupt);
    if (typeof name !== 'string') return corrupt(`an entry of ${field}`, `needs a name, got ${describeValue(name)}`);
    return {
      name,
      configuration: objectOf(`the configuration of ${JSON.stringify(name.slice(0, 60))}`, configuration, corrupt),
    };
  });
}

/** Those of chunks in shards, and of indices, are objects too. */
function withShardsCodecs({ name, configuration = {} }: CodecMetadata, errors: MetadataErrors): CodecMetadata {
  if (name !== SHARDING) return { name, configuration };
  const codecs = codecsIn(`codecs of ${name}`, configuration['codecs'], errors);
  const index = codecsIn(`index_codecs of ${name}`, configuration['index_codecs'], errors);
  return { name, configuration: { ...configuration, codecs, index_codecs: index } };
}

function checkShard(shard: readonly number[], chunk: readonly number[], corrupt: Refuse): void {
  const field = 'chunk_shape of sharding_indexed';
  const fits = shard.length === chunk.length && shard.every((size, d) => size % (chunk[d] as number) === 0);
  if (!fits) corrupt(field, `[${chunk.join(', ')}] does not divide the shard [${shard.join(', ')}]`);
  if (sizeOf(shard.map((size, d) => size / (chunk[d] as number))) > MOST_CHUNKS_OF_SHARD)
    corrupt(
      field,
      `[${chunk.join(', ')}] gives a shard [${shard.join(', ')}] more than ${MOST_CHUNKS_OF_SHARD} chunks`,
    );
}
