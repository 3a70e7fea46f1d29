import { DataRefError, isDataRefError, type ArrayTypes, type NumericDType } from '@dataref/core';
import type { ArrayCodec, BytesCodec, ChunkForm, Codec, CodecMetadata, Length, ValuesCodec } from './codec.js';
import { arrayOf, byteLengthOf, bytesOf } from './values.js';
import { codecNamed } from './codec-names.js';

/** A chunk's values to stored bytes and back. */
export interface ChunkCodec<D extends NumericDType = NumericDType> {
  /**
   * @param values of the chunk in C order, as many as its shape says
   * @returns what is stored; may be the memory of `values` where nothing compresses
   * @throws DataRefError MISSING_PACKAGE, UNSUPPORTED for a codec that is only read
   */
  encode(values: ArrayTypes[D]): Promise<Uint8Array>;
  /**
   * @param bytes as stored; they are not changed, and the values may share their memory
   * @param key of the chunk, for messages
   * @param into memory that may be taken for the values, as long as they are
   * @returns the chunk's values in C order
   * @throws DataRefError CORRUPT for bytes that are damaged, or are not of this chunk's size; MISSING_PACKAGE, UNSUPPORTED
   */
  decode(bytes: Uint8Array, key: string, into?: Uint8Array): Promise<ArrayTypes[D]>;
}

interface Chain {
  readonly array: readonly ArrayCodec[];
  readonly values: ValuesCodec;
  readonly bytes: readonly BytesCodec[];
  /** Before each of `bytes`. */
  readonly lengths: readonly Length[];
}

/**
 * The codec of an array's chunks.
 * @param codecs of its zarr.json, or of an inner chunk of a shard. Names with `numcodecs.` are those of Zarr v2
 * @param chunk shape of a chunk
 * @throws DataRefError UNSUPPORTED names a codec that this release does not know; CORRUPT for a chain that is none
 */
export function chunkCodec<D extends NumericDType>(
  codecs: readonly CodecMetadata[],
  dtype: D,
  chunk: readonly number[],
): ChunkCodec<D> {
  const form = { dtype, shape: chunk };
  const chain = chainOf(codecs, form);
  const names = codecs.map(({ name }) => name).join(', ');
  const count = byteLengthOf(form);
  return {
    async encode(values) {
      let bytes = bytesOf(values);
      if (bytes.length !== count)
        throw new DataRefError('INVALID_ARGUMENT', `a chunk has ${count} bytes of values, got ${bytes.length}`);
      for (const codec of chain.array) bytes = await codec.encode(bytes);
      bytes = await chain.values.encode(bytes);
      for (const codec of chain.bytes) bytes = await codec.encode(bytes);
      return bytesOf(bytes); // a Buffer's slice would be the same memory
    },
    async decode(bytes, key, into) {
      try {
        return arrayOf(dtype, await decodeChain(chain, bytes, count, into));
      } catch (cause) {
        if (isDataRefError(cause) && cause.code !== 'CORRUPT') throw cause;
        throw new DataRefError(
          'CORRUPT',
          `${key}: ${bytes.length} bytes are no chunk ${dtype}[${chunk.join(', ')}] of ${count} bytes (${names}): ${(cause as Error).message}. Restore it, or write it anew`,
          { cause, details: { key, byteLength: bytes.length, expectedByteLength: count } },
        );
      }
    },
  };
}

async function decodeChain(
  chain: Chain,
  stored: Uint8Array,
  count: number,
  into: Uint8Array | undefined,
): Promise<Uint8Array> {
  let bytes = stored;
  for (let i = chain.bytes.length - 1; i >= 0; i--) {
    const length = chain.lengths[i] as Length;
    bytes = await (chain.bytes[i] as BytesCodec).decode(bytes, length, i === 0 ? into : undefined);
    checkLength(bytes, length);
  }
  bytes = await chain.values.decode(bytes);
  for (let i = chain.array.length - 1; i >= 0; i--) bytes = await (chain.array[i] as ArrayCodec).decode(bytes);
  checkLength(bytes, { byteLength: count, isExact: true });
  return bytes;
}

function checkLength({ length }: Uint8Array, { byteLength, isExact }: Length): void {
  if (isExact ? length === byteLength : length <= byteLength) return;
  throw new DataRefError('CORRUPT', `decoded to ${length} bytes, expected ${isExact ? '' : 'at most '}${byteLength}`);
}

function chainOf(codecs: readonly CodecMetadata[], decoded: ChunkForm): Chain {
  const array: ArrayCodec[] = [];
  const bytes: BytesCodec[] = [];
  const lengths: Length[] = [];
  let values: ValuesCodec | undefined;
  let isImplied = false;
  let form = decoded;
  let length: Length = { byteLength: 0, isExact: true };
  const toBytes = (codec: ValuesCodec) => {
    length = codec.encodedLength({ byteLength: byteLengthOf(form), isExact: true });
    return codec;
  };
  for (const { name, configuration = {} } of codecs) {
    const codec: Codec = codecNamed(name)(configuration, form);
    if (codec.kind === 'bytes') {
      isImplied ||= values === undefined;
      values ??= toBytes(rawValues(form));
      lengths.push(length);
      bytes.push(codec);
      length = codec.encodedLength(length);
    } else if (codec.kind === 'values' && isImplied) {
      values = codec; // Zarr v2's filters of bytes are listed before it
      isImplied = false;
    } else if (values !== undefined) {
      throw new DataRefError('CORRUPT', `codec ${name} comes after one that made bytes`);
    } else if (codec.kind === 'values') {
      values = toBytes(codec);
    } else {
      array.push(codec);
      form = codec.encoded;
    }
  }
  return { array, values: values ?? toBytes(rawValues(form)), bytes, lengths };
}

const rawValues = (form: ChunkForm) => codecNamed('bytes')({ endian: 'little' }, form) as ValuesCodec;
