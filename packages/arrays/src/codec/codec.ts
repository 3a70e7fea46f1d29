import type { NumericDType } from '@dataref/core';

/** One entry of `codecs` in a zarr.json. @see Zarr v3 core specification, "Codecs" */
export interface CodecMetadata {
  readonly name: string;
  readonly configuration?: Readonly<Record<string, unknown>>;
}

/** A chunk's values at some place of the chain: what an array's chunk is, or what a codec made of it. */
export interface ChunkForm {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
}

/** How long a decoded chunk's bytes are: just as many, or at most as many where a compressor comes before. */
export interface Length {
  readonly byteLength: number;
  readonly isExact: boolean;
}

/** Bytes to bytes: a compressor, a checksum. */
export interface BytesCodec {
  readonly kind: 'bytes';
  encode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /**
   * Never allocates more than `length` says, by a small factor. Throws any error for bytes that are damaged.
   * @param length of what comes out
   * @param into memory that may be taken for it, where it is just as long
   */
  decode(bytes: Uint8Array, length: Length, into?: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Of what `encode` makes of so many bytes. */
  encodedLength(length: Length): Length;
}

/** A chunk's values to bytes. */
export interface ValuesCodec {
  readonly kind: 'values';
  /** @param bytes of the values in C order, little-endian */
  encode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** @returns bytes of the values in C order, little-endian */
  decode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  encodedLength(length: Length): Length;
}

/** Values to values: another order, another dtype. Both ways over bytes of values in C order, little-endian. */
export interface ArrayCodec {
  readonly kind: 'array';
  encode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  decode(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** What `encode` makes. */
  readonly encoded: ChunkForm;
}

export type Codec = BytesCodec | ValuesCodec | ArrayCodec;

/** Makes a codec from its configuration. @throws DataRefError CORRUPT where that is none, UNSUPPORTED where it cannot be served */
export type CodecMaker = (configuration: Readonly<Record<string, unknown>>, form: ChunkForm) => Codec;
