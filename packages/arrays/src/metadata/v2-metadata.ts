import type { NumericDType } from '@dataref/core';
import { describeValue } from '@dataref/core/adapter';
import type { CodecMetadata } from '../codec/codec.js';
import { objectOf, type ArrayMetadata, type JsonObject, type MetadataErrors } from './array-metadata.js';
import { chunkKeys } from './chunk-keys.js';
import { fillValue } from './fill-value.js';
import { checkSizes, sizesOf } from './geometry.js';
import { MOST_CODECS } from './limits.js';

const DTYPES: Readonly<Record<string, NumericDType>> = {
  b1: 'bool',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

/** What numpy's array protocol calls `<i4`. Undefined for what are no numbers and bools. */
export function numpyDType(text: unknown): { readonly dtype: NumericDType; readonly endian: string } | undefined {
  const [, endian = '', kind = ''] = typeof text === 'string' ? (/^([<>|])(.*)$/u.exec(text) ?? []) : [];
  const dtype = Object.hasOwn(DTYPES, kind) ? DTYPES[kind] : undefined;
  return dtype && { dtype, endian };
}

/**
 * An array's `.zarray`.
 * @see https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html#arrays
 * @throws DataRefError CORRUPT, UNSUPPORTED with the key and the field
 */
export function parseArrayV2(document: JsonObject, errors: MetadataErrors): ArrayMetadata {
  const { corrupt, unsupported } = errors;
  if (document['zarr_format'] !== 2) corrupt('zarr_format', `is ${describeValue(document['zarr_format'])}, expected 2`);
  const type = numpyDType(document['dtype']);
  if (type === undefined)
    return unsupported('dtype', `is ${describeValue(document['dtype'])}; numbers and bools can be read`);
  const { dtype, endian } = type;
  const shape = sizesOf('shape', document['shape'], 0, corrupt);
  const chunk = sizesOf('chunks', document['chunks'], 1, corrupt);
  checkSizes(dtype, ['shape', shape], ['chunks', chunk], corrupt);
  const { order, dimension_separator: separator = '.' } = document;
  if (order !== 'C' && order !== 'F') corrupt('order', `must be 'C' or 'F', got ${describeValue(order)}`);
  if (separator !== '/' && separator !== '.')
    return corrupt('dimension_separator', `must be '/' or '.', got ${describeValue(separator)}`);
  return {
    format: 2,
    dtype,
    shape,
    chunk,
    codecs: codecsOfV2(document, endian, shape.length, errors),
    shard: undefined,
    chunkKeys: chunkKeys('v2', separator),
    fill: fillValue(dtype, document['fill_value'], errors),
    own: {},
    document,
  };
}

/** What is done to a chunk, as Zarr v3 says it. */
function codecsOfV2(
  document: JsonObject,
  endian: string | undefined,
  rank: number,
  { corrupt }: MetadataErrors,
): CodecMetadata[] {
  const { order, filters, compressor } = document;
  const named = (field: string, value: unknown): CodecMetadata => {
    const { id, ...configuration } = objectOf(field, value, corrupt);
    return typeof id === 'string'
      ? { name: `numcodecs.${id}`, configuration }
      : corrupt(field, `needs an id, got ${describeValue(id)}`);
  };
  if (filters !== null && filters !== undefined && !Array.isArray(filters))
    corrupt('filters', `must be a list or null, got ${describeValue(filters)}`);
  if (Array.isArray(filters) && filters.length > MOST_CODECS)
    corrupt('filters', `are ${filters.length}, at most ${MOST_CODECS}`);
  const reversed = Array.from({ length: rank }, (_, d) => rank - 1 - d);
  return [
    ...(order === 'F' && rank > 1 ? [{ name: 'transpose', configuration: { order: reversed } }] : []),
    ...((filters ?? []) as readonly unknown[]).map((filter) => named('an entry of filters', filter)),
    { name: 'bytes', configuration: { endian: endian === '>' ? 'big' : 'little' } },
    ...(compressor === null || compressor === undefined ? [] : [named('compressor', compressor)]),
  ];
}
