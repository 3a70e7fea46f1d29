import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { DataRefError } from '@dataref/core';
import { storeOf } from '@dataref/core/adapter';
import { FileStorage } from '@dataref/core/fs';
import type { ObjectReader } from '@dataref/core/store';
import { NPY_HEADER_LIMIT_BYTES, parseNpyHeader, type NpyDType, type NpyHeader } from './header.js';
import { heldBytes, type HeldBytes } from './shared-memory.js';

/** Elements by dtype. */
export interface NpyArrays {
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
}
const ARRAY_TYPES = { uint16: Uint16Array, int32: Int32Array, int64: BigInt64Array };

/** Stretches of a file: where each begins in `data`, which is all of the file, or what was read of it. */
export interface Stretches<D extends NpyDType> {
  readonly data: NpyArrays[D];
  readonly starts: ArrayLike<number>;
}

export interface NpyOptions {
  /** Whether other threads have the same memory, where `memoryLimitBytes` allows the file to be held at all. */
  readonly useSharedMemory: boolean;
  /** What all files that are held may take together, in bytes. */
  readonly memoryLimitBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes that are loaded at a time, between looks at the signal. */
const LOAD_BYTES = 32 * 2 ** 20;

/** Files of arrays that nobody uses any more are closed. */
const unused = new FinalizationRegistry<ObjectReader>((reader) => void reader.close());

/** A `.npy` file with one axis, read from memory, which threads may share, or by position. */
export class NpyArray<D extends NpyDType> {
  readonly path: string;
  readonly dtype: D;
  readonly length: number;
  readonly #byteOffset: number;
  readonly #reader: ObjectReader;
  /** As long as it is there, so is the memory. */
  readonly #held: HeldBytes | undefined;
  readonly #memory: NpyArrays[D] | undefined;

  constructor(path: string, { dtype, length, byteOffset }: NpyHeader<D>, reader: ObjectReader, held?: HeldBytes) {
    this.path = path;
    this.dtype = dtype;
    this.length = length;
    this.#byteOffset = byteOffset;
    this.#reader = reader;
    this.#held = held;
    this.#memory = held && elements(dtype, held.buffer);
    unused.register(this, reader);
  }

  /** Whether it lies in memory. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /**
   * Stretches of the file, at once from memory, and from a local disk.
   * @param sizes elements of each stretch
   * @throws DataRefError CORRUPT, GENERATION_GONE, STORE_FAILED
   */
  stretches(
    starts: ArrayLike<number>,
    sizes: ArrayLike<number>,
    signal: AbortSignal | undefined,
  ): Stretches<D> | Promise<Stretches<D>> {
    if (this.#memory !== undefined) return { data: this.#memory, starts };
    const packed = new Float64Array(starts.length);
    let total = 0;
    for (let i = 0; i < starts.length; i++) {
      packed[i] = total;
      total += sizes[i] as number;
    }
    const { BYTES_PER_ELEMENT: width } = ARRAY_TYPES[this.dtype];
    const bytes = new Uint8Array(total * width);
    const read = { data: elements(this.dtype, bytes.buffer), starts: packed };
    const ranges = Array.from(packed, (start, i) => ({
      position: this.#byteOffset + (starts[i] as number) * width,
      into: bytes.subarray(start * width, (start + (sizes[i] as number)) * width),
    }));
    if (this.#reader.readSync === undefined) return this.#reader.readRanges(ranges, { signal }).then(() => read);
    for (const { into, position } of ranges) this.#reader.readSync(into, position);
    return read;
  }
}

/**
 * Opens a `.npy` file with one axis.
 * @param dtypes what it may hold
 * @throws DataRefError NOT_FOUND; CORRUPT, UNSUPPORTED where it is another file than that; STORE_FAILED
 */
export async function openNpy<D extends NpyDType>(
  file: string,
  dtypes: readonly D[],
  { useSharedMemory, memoryLimitBytes, signal }: NpyOptions,
): Promise<NpyArray<D>> {
  const path = resolve(file);
  const reader = await storeOf('dataset', new FileStorage(dirname(path))).open(basename(path), { signal });
  if (reader === undefined) throw new DataRefError('NOT_FOUND', `${path}: there is no such file`);
  try {
    const { byteLength } = reader;
    const head = new Uint8Array(Math.min(NPY_HEADER_LIMIT_BYTES, byteLength));
    await reader.read(head, 0, { signal });
    const header = parseNpyHeader(head, byteLength, path, dtypes);
    const { byteOffset } = header;
    const load = async (bytes: Uint8Array): Promise<void> => {
      for (let done = 0; done < bytes.length; done += LOAD_BYTES)
        await reader.read(bytes.subarray(done, done + LOAD_BYTES), byteOffset + done, { signal });
    };
    const bytes = byteLength - byteOffset;
    const held = await heldBytes(await identityOf(path), useSharedMemory, bytes, memoryLimitBytes, load);
    return new NpyArray(path, header, reader, held);
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function elements<D extends NpyDType>(dtype: D, buffer: ArrayBufferLike): NpyArrays[D] {
  return new ARRAY_TYPES[dtype](buffer as ArrayBuffer) as NpyArrays[D];
}

/** Another text once the file was written anew. */
async function identityOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs } = await stat(path);
  return `${path} ${dev} ${ino} ${size} ${mtimeMs}`;
}
