import type { DataRef } from '../dataset/types.js';
import type { DataRefError } from '../errors.js';
import type { Progress } from '../progress.js';
import type { Awaitable, InputOf, RecordOf, Records, Schema, SchemaOf } from '../schema/types.js';
import type { IoOptions } from '../store/object-store.js';

export interface ProgressOptions extends IoOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface SubmitOptions extends ProgressOptions {
  /** A dataset of this id and version that is there: replaced when the new one is whole (default), or an error. */
  readonly ifExists?: 'replace' | 'error' | undefined;
}

// What streams yield has an overload of its own, since of a schema that is not known yet RecordOf and InputOf cannot be
// compared. What else a schema takes comes last among the overloads: of several that do not fit, TypeScript explains the last.
export interface WithoutSchema {
  readonly schema?: undefined;
}

export interface DatasetInfo {
  readonly id: string;
  readonly version: string;
  readonly length: number;
  /** Of all files. */
  readonly byteLength: number;
  readonly fingerprint: string;
  readonly schema: Schema;
  readonly createdAt: Date;
}

/** Which share of a dataset a writer writes. */
export interface ShareOptions {
  /** 0 to `of` − 1: the records of share 0 are the dataset's first, then come those of share 1, … */
  readonly part: number;
  /** How many shares the dataset has, 1 to 65,536; the same for all of them. */
  readonly of: number;
}

/** Writes one of several shares of a dataset: each in a process of its own, on any machine, at any time. */
export interface ShareWriter extends ShareOptions {
  readonly id: string;
  readonly version: string;
  /**
   * Writes the share, in bounded memory; it is durable when this resolves. The one that completes the dataset commits it.
   * A share that was submitted before is replaced, as long as the dataset is not committed.
   * @throws DataRefError as `Storage.submit` does; ALREADY_EXISTS where the dataset is committed; SCHEMA_MISMATCH naming
   *   the shares whose schemas differ; INVALID_ARGUMENT where the dataset is written in another number of shares
   */
  submit<S extends Schema>(data: DataRef<S>, options?: ProgressOptions): Promise<void>;
  submit(data: Records<unknown>, options?: ProgressOptions & WithoutSchema): Promise<void>;
  submit<const S extends Schema>(
    data: Records<InputOf<NoInfer<S>>>,
    options: ProgressOptions & { readonly schema: S },
  ): Promise<void>;
  /**
   * The dataset, once all shares are there; waits for them as long as it takes, and tells `onProgress` how many there are.
   * @throws DataRefError NOT_FOUND where the share that this writer submitted was removed; SCHEMA_MISMATCH and CORRUPT
   *   where the shares make no dataset
   */
  whole(options?: ProgressOptions): Promise<DataRef>;
}

/** Datasets by id and version. */
export interface Storage {
  /**
   * Writes a dataset, in bounded memory, and returns it. Nothing is visible before all of it is; what was there under
   * the name stays until then. The last of several writers wins.
   * @throws DataRefError INVALID_ID, SCHEMA_MISMATCH, RAGGED, NULL_VALUE, LOSSY_CAST, EMPTY, DISK_FULL, STORE_FAILED,
   *   ALREADY_EXISTS under `ifExists: 'error'`
   */
  submit<S extends Schema>(data: DataRef<S>, id: string, version: string, options?: SubmitOptions): Promise<DataRef<S>>;
  submit<R>(
    data: Records<R>,
    id: string,
    version: string,
    options?: SubmitOptions & WithoutSchema,
  ): Promise<DataRef<SchemaOf<R>>>;
  submit<const S extends Schema>(
    data: Records<RecordOf<NoInfer<S>>>,
    id: string,
    version: string,
    options: SubmitOptions & { readonly schema: S },
  ): Promise<DataRef<S>>;
  submit<const S extends Schema>(
    data: Records<InputOf<NoInfer<S>>>,
    id: string,
    version: string,
    options: SubmitOptions & { readonly schema: S },
  ): Promise<DataRef<S>>;
  /**
   * A stored dataset. With a schema its types are known, and a dataset that differs is refused.
   * @throws DataRefError NOT_FOUND, CORRUPT, SCHEMA_MISMATCH, INVALID_ID
   */
  fetch<const S extends Schema>(
    id: string,
    version: string,
    options: IoOptions & { readonly schema: S },
  ): Promise<DataRef<S>>;
  fetch(id: string, version: string, options?: IoOptions): Promise<DataRef>;
  /**
   * The dataset of this id and version; where there is none yet, the one that `build` gives, stored. `build` runs once
   * over all calls, threads, processes and machines that share the storage: the others wait for it (`onProgress` says
   * for whom, phase `wait`) and then read what it made. One that dies, or is not heard of for 60 s, is replaced; what it
   * does later is not committed. An error of `build` reaches the caller whose `build` it is, and the next one takes its
   * turn. `signal` ends waiting, and the write; a `build` that runs goes on to its end, for nothing.
   * @throws DataRefError INVALID_ID, INVALID_ARGUMENT where `build` gives no DataRef, CORRUPT, and what submit throws
   */
  cacheable<S extends Schema>(
    id: string,
    version: string,
    build: () => Awaitable<DataRef<S>>,
    options?: ProgressOptions,
  ): Promise<DataRef<S>>;
  /**
   * Makes a function cacheable; as `@storage.cacheable(id, version)`, a method. `this` and the arguments are handed to it
   * when it runs. They do not tell datasets apart: put what does into id or version.
   */
  cacheable(
    id: string,
    version: string,
  ): <T, A extends readonly unknown[], S extends Schema>(
    fn: (this: T, ...args: A) => Awaitable<DataRef<S>>,
  ) => (this: T, ...args: A) => Promise<DataRef<S>>;
  has(id: string, version: string, options?: IoOptions): Promise<boolean>;
  /** @throws DataRefError NOT_FOUND, CORRUPT */
  info(id: string, version: string, options?: IoOptions): Promise<DatasetInfo>;
  /** Every dataset. One whose manifest is damaged ends the list with its error (CORRUPT), after all the others. */
  list(options?: IoOptions): AsyncIterable<DatasetInfo>;
  /**
   * false where there was none. Streams that read it end with GENERATION_GONE. What a writer of another host has not
   * finished, and may be at yet, is left to it and to `vacuum`.
   */
  delete(id: string, version: string, options?: IoOptions): Promise<boolean>;
  /** Reads every byte of a dataset and compares checksums. */
  verify(
    id: string,
    version: string,
    options?: ProgressOptions,
  ): Promise<{ readonly ok: boolean; readonly problems: readonly DataRefError[] }>;
  /**
   * Copies a dataset to another storage, its files as they are, each compared with its checksum on the way, and returns
   * the copy. Nothing is visible before all of it is. A copy that was ended before its time is gone on with by the next,
   * which watches one of another host for 60 s before it takes it for dead (phase `wait` says whose). Where the same
   * files are there already, nothing is copied. Anything else under the name is replaced, as by `submit`. To a storage
   * that is not one of this library's, the records are submitted. Progress counts bytes.
   * @throws DataRefError NOT_FOUND, CORRUPT where the dataset is damaged, and what `submit` throws
   */
  copy(id: string, version: string, to: Storage, options?: ProgressOptions): Promise<DataRef>;
  /**
   * A writer of one share of a dataset, which is committed once all `of` shares are there, unless one is there already.
   * @throws DataRefError INVALID_ID, INVALID_ARGUMENT
   */
  writer(id: string, version: string, options: ShareOptions): ShareWriter;
  /**
   * Removes what killed writers left, and datasets replaced more than `graceMs` (default 24 h) ago. Clocks need not
   * agree: where writers of other hosts look dead, it watches them all for 60 s (`onProgress` says for whom, phase
   * `wait`), and spares those that are heard of.
   */
  vacuum(
    options?: ProgressOptions & { readonly graceMs?: number | undefined },
  ): Promise<{ readonly bytesFreed: number }>;
}
