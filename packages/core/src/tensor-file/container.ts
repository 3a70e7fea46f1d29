import { DataRefError } from '../errors.js';
import { elementBytes, type NumericDType } from '../schema/dtypes.js';
import type { NDArray } from '../schema/ndarray.js';

// The safetensors layout: 8 bytes of header length (little-endian), a JSON header of names to dtype, shape and offsets,
// then the values. The last tensor is the SHA-256 of all bytes before it.
export interface NamedArray extends NDArray<NumericDType, readonly number[]> {
  readonly name: string;
}

/** A tensor's place in the file, before it is read. */
export interface Entry extends Omit<NamedArray, 'data'> {
  /** In the data section, bytes. */
  readonly start: number;
  readonly byteLength: number;
}

export interface Contents {
  /** In the order of their places; the checksum is not among them. */
  readonly entries: readonly Entry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the values begin in the file, bytes. */
  readonly dataStart: number;
}

export const CHECKSUM_BYTES = 32;
/** No array may be called so. */
export const CHECKSUM = 'sha256';
const HEADER_LIMIT = 16 * 2 ** 20;
const ENTRY_LIMIT = 65_536;
/** What safetensors calls each dtype. */
const CODES: Readonly<Record<NumericDType, string>> = {
  bool: 'BOOL',
  int8: 'I8',
  uint8: 'U8',
  int16: 'I16',
  uint16: 'U16',
  int32: 'I32',
  uint32: 'U32',
  int64: 'I64',
  uint64: 'U64',
  float16: 'F16',
  float32: 'F32',
  float64: 'F64',
};
const DTYPES = new Map<unknown, NumericDType>(
  Object.entries(CODES).map(([dtype, code]) => [code, dtype as NumericDType]),
);

/** The head of a file and the arrays that follow it; the SHA-256 over all of them comes last. */
export function encodeHead(arrays: readonly NamedArray[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const header = Object.create(null) as Record<string, unknown>; // a name may be `__proto__`
  header['__metadata__'] = metadata;
  let start = 0;
  const place = (name: string, dtype: NumericDType, shape: readonly number[], byteLength: number): void => {
    header[name] = { dtype: CODES[dtype], shape, data_offsets: [start, start + byteLength] };
    start += byteLength;
  };
  for (const { name, dtype, shape, data } of arrays) place(name, dtype, shape, data.byteLength);
  place(CHECKSUM, 'uint8', [CHECKSUM_BYTES], CHECKSUM_BYTES);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, 8);
  return head;
}

/** The header's length, checked. @throws DataRefError CORRUPT */
export function headerLength(first8: Uint8Array, fileBytes: number, where: string): number {
  const length = new DataView(first8.buffer, first8.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(HEADER_LIMIT, fileBytes - 8))) {
    throw corrupt(
      where,
      `its header says ${length} bytes; the file has ${fileBytes}, a header at most ${HEADER_LIMIT}`,
    );
  }
  return Number(length);
}

/**
 * What a header says, checked against the file's size before anything is allocated.
 * @throws DataRefError CORRUPT
 */
export function parseHeader(header: Uint8Array, fileBytes: number, where: string): Contents {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (error) {
    throw corrupt(where, 'its header is no JSON', error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw corrupt(where, 'its header is no object');
  const { __metadata__: metadata, ...tensors } = parsed as Record<string, unknown>;
  if (!isTexts(metadata)) throw corrupt(where, 'its metadata is no object of texts');
  const names = Object.keys(tensors);
  if (names.length > ENTRY_LIMIT) throw corrupt(where, `it names ${names.length} tensors, more than ${ENTRY_LIMIT}`);
  const entries = names.map((name) => parseEntry(name, tensors[name], where));
  entries.sort((a, b) => a.start - b.start || a.byteLength - b.byteLength);
  const dataStart = 8 + header.length;
  let end = 0;
  for (const { name, start, byteLength } of entries) {
    if (start !== end) throw corrupt(where, `${name} begins at byte ${start} of the data, not at ${end}`);
    end += byteLength;
  }
  if (dataStart + end !== fileBytes) {
    throw corrupt(where, `it should have ${dataStart + end} bytes and has ${fileBytes}`);
  }
  const checksum = entries.pop();
  if (checksum?.name !== CHECKSUM || checksum.dtype !== 'uint8' || checksum.byteLength !== CHECKSUM_BYTES) {
    throw corrupt(where, 'it has no checksum at its end');
  }
  return { entries, metadata, dataStart };
}

function parseEntry(name: string, value: unknown, where: string): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const known = DTYPES.get(dtype);
  if (known === undefined) throw corrupt(where, `${name} has the unknown dtype ${textOf(dtype)}`);
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || shape.length > 32 || !shape.every(isCount))
    throw corrupt(where, `${name} has a bad shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw corrupt(where, `${name} has bad offsets`);
  }
  const [start, end] = offsets as [number, number];
  const byteLength = shape.reduce<number>((product, n: number) => product * n, elementBytes(known));
  if (end - start !== byteLength) {
    throw corrupt(
      where,
      `${name} of shape [${shape.join(', ')}] has ${byteLength} bytes, its offsets say ${end - start}`,
    );
  }
  return { name, dtype: known, shape, start, byteLength };
}

/** Whether something is an object of texts, as a safetensors header's metadata is. */
export function isTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((item) => typeof item === 'string');
}

/** A value of a file's for a message: one that is no plain value may be huge, or have a `toString` of its own. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

export function corrupt(where: string, problem: string, cause?: unknown): DataRefError {
  const message = `${where} is damaged, or no checkpoint: ${problem}. Use an older copy, or delete it to start anew`;
  return new DataRefError('CORRUPT', message, { ...(cause !== undefined && { cause }), details: { path: where } });
}
