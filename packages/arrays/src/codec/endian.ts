import { DataRefError } from '@dataref/core';
import type { ChunkForm, ValuesCodec } from './codec.js';
import { elementBytes } from './values.js';

/** Values as they lie in memory, or each with its bytes turned. @see Zarr v3, "bytes codec" */
export function endian(configuration: Readonly<Record<string, unknown>>, { dtype }: ChunkForm): ValuesCodec {
  const { endian: order = 'little' } = configuration;
  if (order !== 'little' && order !== 'big')
    throw new DataRefError('CORRUPT', `codec bytes: endian must be little or big, got ${JSON.stringify(order)}`);
  const width = elementBytes(dtype);
  const turned = (bytes: Uint8Array) => (order === 'little' || width === 1 ? bytes : swapped(bytes, width));
  return { kind: 'values', encode: turned, decode: turned, encodedLength: (length) => length };
}

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let start = 0; start + width <= bytes.length; start += width)
    for (let i = 0; i < width; i++) out[start + i] = bytes[start + width - 1 - i] as number;
  return out;
}
