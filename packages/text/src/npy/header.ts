import { DataRefError } from '@dataref/core';

/** dtypes of token files: uint16 for vocabularies below 65,536, else int32. */
export type TokenDType = 'uint16' | 'int32';

/** dtypes of the files of a cache: those of tokens, and int64 for the ends of documents. */
export type NpyDType = TokenDType | 'int64';

/** What the head of a `.npy` file says. */
export interface NpyHeader<D extends NpyDType = TokenDType> {
  readonly dtype: D;
  /** Elements in the file. */
  readonly length: number;
  /** Where they begin. */
  readonly byteOffset: number;
}

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
const DESCRIPTIONS: Readonly<Record<NpyDType, string>> = { uint16: '<u2', int32: '<i4', int64: '<i8' };
const ELEMENT_BYTES: Readonly<Record<NpyDType, number>> = { uint16: 2, int32: 4, int64: 8 };
export const TOKEN_DTYPES: readonly TokenDType[] = ['uint16', 'int32'];
/** Bytes that a head takes at most: those of one axis are 128. */
export const NPY_HEADER_LIMIT_BYTES = 4096;

/**
 * The head of a one-dimensional `.npy` file, version 1.0, 128 bytes, as numpy writes it.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function encodeNpyHeader(dtype: NpyDType, length: number): Uint8Array<ArrayBuffer> {
  const text = `{'descr': '${DESCRIPTIONS[dtype]}', 'fortran_order': False, 'shape': (${length},), }`;
  const bytes = new Uint8Array(128).fill(0x20);
  bytes.set(MAGIC);
  bytes.set([1, 0, 118, 0], 6);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[127] = 0x0a;
  return bytes;
}

/**
 * Reads the head of a `.npy` file with one axis.
 * @param head the file's first bytes, up to NPY_HEADER_LIMIT_BYTES of them
 * @param fileBytes size of the whole file
 * @param where the file, for messages
 * @param dtypes what it may hold
 * @throws DataRefError CORRUPT for what is no `.npy`, or is shorter or longer than its head says; UNSUPPORTED for another dtype or shape
 */
export function parseNpyHeader<D extends NpyDType>(
  head: Uint8Array,
  fileBytes: number,
  where: string,
  dtypes: readonly D[],
): NpyHeader<D> {
  const damaged = (what: string) => new DataRefError('CORRUPT', `${where}: ${what}`);
  if (head.length < 10 || MAGIC.some((byte, i) => head[i] !== byte))
    throw damaged('is no .npy file (its first bytes are not \\x93NUMPY)');
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const major = view.getUint8(6);
  if (major < 1 || major > 3)
    throw new DataRefError('UNSUPPORTED', `${where}: .npy of version ${major}, expected 1 to 3`);
  const start = major === 1 ? 10 : 12;
  if (head.length < start) throw damaged('ends within its head');
  const size = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const byteOffset = start + size;
  if (byteOffset > head.length)
    throw damaged(`its head should have ${size} bytes, more than there are or than are read`);
  const text = new TextDecoder().decode(head.subarray(start, byteOffset));
  const descr = /'descr':\s*'([^']*)'/u.exec(text)?.[1];
  const shape = /'shape':\s*\(\s*(\d{1,15})\s*,?\s*\)/u.exec(text)?.[1];
  const dtype = dtypes.find((name) => DESCRIPTIONS[name] === descr);
  if (dtype === undefined || shape === undefined || !/'fortran_order':\s*False/u.test(text))
    throw new DataRefError(
      'UNSUPPORTED',
      `${where}: holds ${text.trim().slice(0, 200)}, expected one axis of ${dtypes.map((name) => `'${DESCRIPTIONS[name]}'`).join(' or ')}`,
    );
  const length = Number(shape);
  const expected = byteOffset + length * ELEMENT_BYTES[dtype];
  if (fileBytes !== expected) throw damaged(`has ${fileBytes} bytes, its head says ${expected}`);
  return { dtype, length, byteOffset };
}
