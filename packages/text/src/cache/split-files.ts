import { crc32 } from 'node:zlib';
import { DataRefError } from '@dataref/core';
import type { ObjectReader, ObjectStore, ObjectWriter } from '@dataref/core/store';
import { encodeNpyHeader, type TokenDType } from '../npy/header.js';
import type { EncodedSplit } from './encoded-split.js';

/** What one split's two files hold. */
export interface SplitFiles {
  readonly tokens: number;
  readonly documents: number;
  /** CRC-32 of the whole files. */
  readonly tokensCrc32: number;
  readonly documentsCrc32: number;
}

export interface SplitTarget {
  readonly store: ObjectStore;
  /** Of the token file and of that of the documents. */
  readonly keys: readonly [tokens: string, documents: string];
  readonly dtype: TokenDType;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Bytes that are held at a time. */
const BLOCK_BYTES = 4 * 2 ** 20;
const HEADER_BYTES = 128;

/** Size of a split's two files. */
export function splitFileBytes(split: EncodedSplit, rows: Uint32Array | undefined, dtype: TokenDType): number {
  const { tokens, documents } = countsOf(split, rows);
  return 2 * HEADER_BYTES + tokens * (dtype === 'uint16' ? 2 : 4) + documents * 8;
}

/**
 * Writes the files of one split: the tokens of its rows, one after the other, and where each row that has any ends.
 * @param rows which, and in what order; all in theirs where undefined
 */
export async function writeSplitFiles(
  split: EncodedSplit,
  rows: Uint32Array | undefined,
  target: SplitTarget,
): Promise<SplitFiles> {
  const { tokens, documents } = countsOf(split, rows);
  const { store, keys, dtype } = target;
  const tokensCrc32 = await writeFile(keys[0], encodeNpyHeader(dtype, tokens), target, async (file) => {
    const readers = new Map<number, ObjectReader>();
    try {
      for (const { part, start, length } of split.stretches(rows)) {
        let reader = readers.get(part);
        if (reader === undefined) {
          reader = await opened(store, split.parts[part]!.key);
          readers.set(part, reader);
        }
        const tokenBytes = dtype === 'uint16' ? 2 : 4;
        await file.copy(reader, start * tokenBytes, length * tokenBytes);
      }
    } finally {
      for (const reader of readers.values()) await reader.close();
    }
  });
  const documentsCrc32 = await writeFile(keys[1], encodeNpyHeader('int64', documents), target, async (file) => {
    let end = 0;
    for (const length of lengthsOf(split, rows)) {
      if (length === 0) continue;
      end += length;
      await file.add64(end);
    }
  });
  return { tokens, documents, tokensCrc32, documentsCrc32 };
}

async function opened(store: ObjectStore, key: string): Promise<ObjectReader> {
  const reader = await store.open(key);
  if (reader !== undefined) return reader;
  throw new DataRefError('GENERATION_GONE', `${key} was removed while a cache was made of it; begin again`);
}

function countsOf(split: EncodedSplit, rows: Uint32Array | undefined) {
  let tokens = 0;
  let documents = 0;
  for (const length of lengthsOf(split, rows)) {
    tokens += length;
    if (length > 0) documents++;
  }
  return { tokens, documents };
}

function* lengthsOf(split: EncodedSplit, rows: Uint32Array | undefined): Generator<number> {
  const count = rows?.length ?? split.rowCount;
  for (let i = 0; i < count; i++) yield split.tokensOf(rows?.[i] ?? i);
}

/** Writes a file in blocks. @returns its CRC-32 */
async function writeFile(
  key: string,
  header: Uint8Array<ArrayBuffer>,
  { store, onBytes, signal }: SplitTarget,
  fill: (file: BlockWriter) => Promise<void>,
): Promise<number> {
  const writer = await store.create(key, { signal });
  try {
    const file = new BlockWriter(writer, (bytes) => {
      signal?.throwIfAborted();
      onBytes(bytes);
    });
    file.add(header);
    await fill(file);
    await file.flush();
    await writer.commit();
    return file.crc32;
  } catch (error) {
    await writer.abort().catch(() => undefined);
    throw error;
  }
}

/** Collects what is small, and copies what is large, block by block. */
class BlockWriter {
  crc32 = 0;
  readonly #writer: ObjectWriter;
  readonly #onBytes: (bytes: number) => void;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  readonly #view = new DataView(this.#block.buffer);
  #filled = 0;

  constructor(writer: ObjectWriter, onBytes: (bytes: number) => void) {
    this.#writer = writer;
    this.#onBytes = onBytes;
  }

  /** Bytes that fit the block: the first ones. */
  add(bytes: Uint8Array): void {
    this.#block.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  async add64(value: number): Promise<void> {
    if (this.#filled + 8 > BLOCK_BYTES) await this.flush();
    this.#view.setUint32(this.#filled, value % 2 ** 32, true);
    this.#view.setUint32(this.#filled + 4, Math.floor(value / 2 ** 32), true);
    this.#filled += 8;
  }

  async copy(reader: ObjectReader, position: number, byteLength: number): Promise<void> {
    for (let done = 0; done < byteLength;) {
      if (this.#filled === BLOCK_BYTES) await this.flush();
      const length = Math.min(byteLength - done, BLOCK_BYTES - this.#filled);
      const into = this.#block.subarray(this.#filled, this.#filled + length);
      if (reader.readSync === undefined) await reader.read(into, position + done);
      else reader.readSync(into, position + done);
      this.#filled += length;
      done += length;
    }
  }

  async flush(): Promise<void> {
    const bytes = this.#block.subarray(0, this.#filled);
    this.crc32 = crc32(bytes, this.crc32);
    await this.#writer.write(bytes);
    this.#onBytes(this.#filled);
    this.#filled = 0;
  }
}
