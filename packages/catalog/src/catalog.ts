import type { DataRef, RecordOf, InputOf, Records, Schema, SchemaOf, Storage } from '@dataref/core';
import { storeOf } from '@dataref/core/adapter';
import type { BlobBytes } from './blob/bytes.js';
import type { IoOptions, SaveBlobOptions, SaveOptions, WriteOptions } from './options.js';
import type { Filter, VersionInfo } from './record/version-info.js';
import { StoredCatalog } from './stored-catalog.js';
import type { Table } from './table/table.js';

interface WithoutSchema {
  readonly schema?: undefined;
}

/**
 * Tables and blobs by name, with their history, beside the datasets of a storage. A name has parts between slashes, such as
 * `team/reviews`, and up to 112 bytes; `team/reviews@3` is its third version, `team/reviews@best` the one with that tag,
 * and the name alone the newest. A version never changes. Many processes may save, rename and delete at once: no change of
 * one undoes another's.
 */
export interface Catalog {
  /**
   * Saves a new version of a table, in bounded memory, and returns it. Nothing is visible before all of it is. A DataRef
   * that this storage has stored is not copied: the version is that dataset, which stays its user's.
   * @throws DataRefError INVALID_ID for the name; INVALID_ARGUMENT names the option, and where the name is a blob's;
   *   SCHEMA_MISMATCH for a DataRef of another schema than is given; GENERATION_GONE for one that was replaced since it was
   *   fetched; and what `Storage.submit` throws
   */
  save<S extends Schema>(name: string, data: DataRef<S>, options?: SaveOptions): Promise<Table<S>>;
  save<R>(name: string, data: Records<R>, options?: SaveOptions & WithoutSchema): Promise<Table<SchemaOf<R>>>;
  save<const S extends Schema>(
    name: string,
    data: Records<RecordOf<NoInfer<S>>>,
    options: SaveOptions & { readonly schema: S },
  ): Promise<Table<S>>;
  save<const S extends Schema>(
    name: string,
    data: Records<InputOf<NoInfer<S>>>,
    options: SaveOptions & { readonly schema: S },
  ): Promise<Table<S>>;
  /**
   * Saves a new version of a table: the records of the newest one, whose files are shared, and these after them,
   * partitioned as those are. Of several who append at once, each one's records are there, one after another's.
   * @throws DataRefError NOT_FOUND; SCHEMA_MISMATCH; INVALID_ARGUMENT for a blob; and what `Storage.submit` throws
   */
  append(name: string, data: DataRef | Records<any>, options?: WriteOptions): Promise<Table>;
  /**
   * A table, of which records are read when they are asked for.
   * @throws DataRefError NOT_FOUND, INVALID_ID; INVALID_ARGUMENT for a blob; SCHEMA_MISMATCH where it has another schema;
   *   GENERATION_GONE where it was a dataset of the user's own that was deleted or replaced; CORRUPT, UNSUPPORTED
   */
  load<const S extends Schema>(name: string, options: IoOptions & { readonly schema: S }): Promise<Table<S>>;
  load(name: string, options?: IoOptions): Promise<Table>;
  /**
   * Saves a new version of a blob: bytes, or pieces of them from an iterable or a stream, in bounded memory.
   * @throws DataRefError INVALID_ARGUMENT for anything but bytes, and where the name is a table's; INVALID_ID; DISK_FULL,
   *   STORE_FAILED, TIMEOUT
   */
  saveBlob(name: string, bytes: BlobBytes, options?: SaveBlobOptions): Promise<VersionInfo>;
  /**
   * The bytes of a blob.
   * @throws DataRefError NOT_FOUND, INVALID_ID; INVALID_ARGUMENT for a table; CORRUPT; MEMORY_LIMIT for one larger than any array
   */
  loadBlob(name: string, options?: IoOptions): Promise<Uint8Array>;
  /**
   * The bytes of a blob, in pieces. The last one comes once all had the right checksum.
   * @throws DataRefError as `loadBlob`
   */
  blobStream(name: string, options?: IoOptions): AsyncIterable<Uint8Array>;
  /** Whether there is such a table or blob. @throws DataRefError INVALID_ID, CORRUPT */
  has(name: string, options?: IoOptions): Promise<boolean>;
  /** What is known of a version, without reading it. @throws DataRefError NOT_FOUND, INVALID_ID, CORRUPT */
  info(name: string, options?: IoOptions): Promise<VersionInfo>;
  /** The versions of a name, oldest first. @throws DataRefError NOT_FOUND, INVALID_ID, CORRUPT */
  history(name: string, options?: IoOptions): Promise<readonly VersionInfo[]>;
  /** Of each name the newest version, in order of names; with a filter, those that it finds. @throws DataRefError CORRUPT */
  list(options?: IoOptions & Filter): AsyncIterable<VersionInfo>;
  /**
   * Gives a version names of their own, which others of its name lose: `tag('reviews@3', ['best'])`.
   * @throws DataRefError NOT_FOUND, INVALID_ID, INVALID_ARGUMENT
   */
  tag(name: string, tags: readonly string[], options?: IoOptions): Promise<VersionInfo>;
  /**
   * Gives a table or blob another name, with its history. No save is lost: one at the same time is of the old history,
   * or the first one of a new history under the old name.
   * @throws DataRefError NOT_FOUND; ALREADY_EXISTS where the new name has a history; INVALID_ID
   */
  rename(from: string, to: string, options?: IoOptions): Promise<void>;
  /**
   * Removes a name with all its versions; with a version, that one. Datasets that were stored before they were saved stay.
   * @returns false where there is none
   * @throws DataRefError INVALID_ID, CORRUPT
   */
  delete(name: string, options?: IoOptions): Promise<boolean>;
  /**
   * Removes what saves that were killed have left, and what is left of deleted names, once they are `graceMs` old (default
   * 24 h): longer than any save takes. What killed writers left of a single dataset, `Storage.vacuum` removes.
   * @throws DataRefError CORRUPT where a record cannot be read; TIMEOUT where names are changed all the time
   */
  vacuum(options?: IoOptions & { readonly graceMs?: number | undefined }): Promise<{ readonly bytesFreed: number }>;
}

/**
 * The catalog of a storage. Nothing is read or written yet.
 * @throws DataRefError INVALID_ARGUMENT for what is no storage of ours
 */
export function openCatalog(storage: Storage): Catalog {
  return new StoredCatalog(storage, storeOf('openCatalog', storage)) as Catalog;
}
