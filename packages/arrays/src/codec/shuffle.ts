import type { BytesCodec, ChunkForm } from './codec.js';
import { integerOf } from './configuration.js';
import { elementBytes } from './values.js';

/** All first bytes of elements, then all second ones, and so on; what is no whole element stays zero. @see numcodecs' Shuffle */
export function shuffle(configuration: Readonly<Record<string, unknown>>, { dtype }: ChunkForm): BytesCodec {
  const width = integerOf('shuffle', configuration, 'elementsize', elementBytes(dtype), 1, 2 ** 16);
  return {
    kind: 'bytes',
    encode: (bytes) => dealt(bytes, width),
    decode: (bytes) => dealt(bytes, Math.floor(bytes.length / width)),
    encodedLength: (length) => length,
  };
}

/** Every `stride`-th byte from the first on, then from the second on, and so on. */
function dealt(bytes: Uint8Array, stride: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  if (stride === 0) return out;
  const count = Math.floor(bytes.length / stride);
  for (let first = 0, to = 0; first < stride; first++)
    for (let i = 0; i < count; i++) out[to++] = bytes[i * stride + first] as number;
  return out;
}
