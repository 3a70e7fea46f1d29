import type { DataRef } from '../dataset/types.js';
import type { DataRefError } from '../errors.js';
import type { Progress } from '../progress.js';
import type { Awaitable, RecordOf, Schema, SchemaOf } from '../schema/types.js';
import type { IoOptions } from '../store/object-store.js';

export interface ProgressOptions extends IoOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface SubmitOptions extends ProgressOptions {
  /** A dataset of this id and version that is there: replaced when the new one is whole (default), or an error. */
  readonly ifExists?: 'replace' | 'error' | undefined;
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

/** Datasets by id and version. */
export interface Storage {
  /**
   * Writes a dataset, in bounded memory, and returns it. Nothing is visible before all of it is; what was there under
   * the name stays until then. The last of several writers wins.
   * @throws DataRefError INVALID_ID, SCHEMA_MISMATCH, RAGGED, NULL_VALUE, LOSSY_CAST, EMPTY, DISK_FULL, STORE_FAILED,
   *   ALREADY_EXISTS under `ifExists: 'error'`
   */
  submit<S extends Schema>(data: DataRef<S>, id: string, version: string, options?: SubmitOptions): Promise<DataRef<S>>;
  submit<const S extends Schema>(
    data: Iterable<RecordOf<NoInfer<S>>> | AsyncIterable<RecordOf<NoInfer<S>>>,
    id: string,
    version: string,
    options: SubmitOptions & { readonly schema: S },
  ): Promise<DataRef<S>>;
  submit<R>(
    data: Iterable<R> | AsyncIterable<R>,
    id: string,
    version: string,
    options?: SubmitOptions,
  ): Promise<DataRef<SchemaOf<R>>>;
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
  /** false where there was none. Streams that read it end with GENERATION_GONE. */
  delete(id: string, version: string, options?: IoOptions): Promise<boolean>;
  /** Reads every byte of a dataset and compares checksums. */
  verify(
    id: string,
    version: string,
    options?: ProgressOptions,
  ): Promise<{ readonly ok: boolean; readonly problems: readonly DataRefError[] }>;
  /** Removes what killed writers left, and datasets replaced more than `graceMs` (default 24 h) ago. */
  vacuum(
    options?: ProgressOptions & { readonly graceMs?: number | undefined },
  ): Promise<{ readonly bytesFreed: number }>;
}
