import { DataRefError, type ProgressOptions, type Schema, type Storage } from '@dataref/core';
import {
  concatFingerprint,
  describeSchema,
  isDataRef,
  parseSchema,
  sameSchema,
  type RowSource,
} from '@dataref/core/adapter';
import type { IoOptions } from '@dataref/core/store';
import type { WriteOptions } from '../options.js';
import { versionAt, type Draft } from '../record/history.js';
import { addVersion, findOf, notFound, recordToSave, type Found } from '../record/lookup.js';
import { newToken, type Records } from '../record/records.js';
import type { CatalogRecord, Metadata, TableVersion } from '../record/types.js';
import { infoOf, type TableInfo } from '../record/version-info.js';
import { OpenedRows } from './opened-rows.js';
import { openSegments, removeSegments, saveSegments, type SavedSegments, type SegmentOptions } from './segments.js';
import { StoredTable, type Table } from './table.js';

/** What a version of a table is saved with, checked. */
export interface TableOptions extends SegmentOptions {
  readonly tags: readonly string[];
  readonly metadata: Metadata;
}

type Append = (name: string, data: unknown, options: WriteOptions | undefined) => Promise<Table>;

/** The tables of a catalog. */
export class SavedTables {
  readonly #storage: Storage;
  readonly #records: Records;
  readonly #append: Append;
  readonly #opened = new OpenedRows();

  /** @param append what a table's own `append` does */
  constructor(storage: Storage, records: Records, append: Append) {
    this.#storage = storage;
    this.#records = records;
    this.#append = append;
  }

  async save(name: string, data: unknown, options: TableOptions): Promise<Table> {
    const { schema } = options;
    if (schema !== undefined && isDataRef(data)) refuseOtherSchema(name, parseSchema(schema), data.schema as Schema);
    const now = await recordToSave(this.#records, name, 'table', options);
    return this.#write(name, data, now, options, (saved, token) => {
      const draft = draftOf(saved, token, options.partitionBy ?? [], options.metadata);
      return () => draft;
    });
  }

  async append(name: string, data: unknown, options: TableOptions): Promise<Table> {
    const { record, saved: last } = await findOf(this.#records, name, 'table', options);
    const isStored = isDataRef(data);
    if (isStored) refuseOtherSchema(name, last.schema, data.schema as Schema);
    const partitionBy = last.partitionBy.length > 0 ? last.partitionBy : undefined;
    const schema = isStored ? undefined : last.schema;
    return this.#write(name, data, record, { ...options, partitionBy, schema }, (saved, token) => (now) => {
      const newest = versionAt(now, undefined);
      if (newest?.kind !== 'table')
        throw new DataRefError('NOT_FOUND', `${JSON.stringify(name)} was deleted or renamed while it was appended to`);
      refuseOtherSchema(name, newest.schema, saved.schema);
      if (newest.partitionBy.join() !== last.partitionBy.join())
        throw new DataRefError(
          'INVALID_ARGUMENT',
          `${JSON.stringify(name)} was saved with other partitions while it was appended to; append again`,
        );
      const segments = [...newest.segments, ...saved.segments];
      return draftOf({ schema: newest.schema, segments }, token, newest.partitionBy, options.metadata);
    });
  }

  async load(given: string, { schema, signal }: IoOptions & { readonly schema?: Schema | undefined }): Promise<Table> {
    const found = await findOf(this.#records, given, 'table', { signal });
    if (schema !== undefined) refuseOtherSchema(given, parseSchema(schema), found.saved.schema);
    return this.#open(found, undefined, { signal });
  }

  /** Writes what is to be saved, and makes it a version; removes it where it cannot be one. */
  async #write(
    name: string,
    data: unknown,
    now: CatalogRecord | undefined,
    { tags, ...options }: TableOptions,
    planOf: (saved: SavedSegments, token: string) => (now: CatalogRecord | undefined) => Draft,
  ): Promise<Table> {
    const { schema, partitionBy, signal, onProgress } = options;
    const token = newToken();
    const io: ProgressOptions = { signal, onProgress };
    const saved = await saveSegments(this.#storage, name, token, data, now, this.#opened, {
      schema,
      partitionBy,
      ...io,
    });
    const own = saved.segments.filter(({ version, isLinked }) => !isLinked && version.startsWith(token));
    const remove = (): Promise<void> => removeSegments(this.#storage, own);
    const found = await addVersion(this.#records, name, token, planOf(saved, token), tags, remove, { signal });
    return this.#open(found as Found<TableVersion>, this.#opened, { signal });
  }

  async #open(
    { record, saved }: Found<TableVersion>,
    opened: OpenedRows | undefined,
    options: IoOptions,
  ): Promise<Table> {
    const what = `${record.name}@${saved.version}`;
    const segments = await openSegments(this.#storage, what, saved.segments, opened, options).catch(
      async (error: unknown) => {
        // Of a version that was deleted meanwhile, what is missing is no damage.
        const now = await this.#records.read(record.name, options);
        throw versionAt(now, saved.version) === undefined ? await notFound(this.#records, what, now) : error;
      },
    );
    saved.segments.forEach((segment, i) => this.#opened.add(segment, segments[i] as RowSource));
    const info = infoOf(record, saved) as TableInfo;
    return new StoredTable(info, segments, (data, more) => this.#append(record.name, data, more));
  }
}

function draftOf(
  { schema, segments }: SavedSegments,
  token: string,
  partitionBy: readonly string[],
  metadata: Metadata,
): Draft {
  const fingerprints = segments.map(({ fingerprint }) => fingerprint);
  const sum = (part: 'length' | 'byteLength'): number => segments.reduce((total, segment) => total + segment[part], 0);
  return {
    kind: 'table',
    token,
    createdAt: new Date().toISOString(),
    byteLength: sum('byteLength'),
    length: sum('length'),
    fingerprint: fingerprints.length === 1 ? (fingerprints[0] as string) : concatFingerprint(fingerprints),
    schema,
    partitionBy,
    metadata,
    segments,
  };
}

function refuseOtherSchema(name: string, expected: Schema, given: Schema): void {
  if (sameSchema(expected, given)) return;
  throw new DataRefError(
    'SCHEMA_MISMATCH',
    `${name}: expected ${describeSchema(expected)}, got ${describeSchema(given)}`,
  );
}
