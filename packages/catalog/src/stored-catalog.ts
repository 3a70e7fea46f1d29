import { DataRefError, type Schema, type Storage } from '@dataref/core';
import {
  countOf,
  describeValue,
  endedByAbort,
  ioOptionsOf,
  lazyModule,
  oneOf,
  refuseUnknown,
} from '@dataref/core/adapter';
import type { IoOptions, ObjectStore } from '@dataref/core/store';
import { piecesOf } from './blob/bytes.js';
import { SavedBlobs } from './blob/saved-blobs.js';
import { checkTag, nameAlone, parseName } from './names/names.js';
import type { SaveBlobOptions, SaveOptions, WriteOptions } from './options.js';
import { versionAt, withoutVersions } from './record/history.js';
import { findVersion, notFound } from './record/lookup.js';
import { checkMetadata } from './record/metadata.js';
import { Records } from './record/records.js';
import { referencesOf } from './record/references.js';
import { changeRecord, renameRecord } from './record/renames.js';
import type { Metadata, Version } from './record/types.js';
import { foundIn, infoOf, type Filter, type VersionInfo } from './record/version-info.js';
import { SavedTables } from './table/saved-tables.js';
import { removeSegments } from './table/segments.js';
import type { Table } from './table/table.js';

const GRACE_MS = 24 * 3600 * 1000;
const loadVacuum = lazyModule('what removes files', () => import('./vacuum.js'));

/** A catalog in the store of a storage. Specified in docs/catalog.md. */
export class StoredCatalog {
  readonly #storage: Storage;
  readonly #store: ObjectStore;
  readonly #records: Records;
  readonly #tables: SavedTables;
  readonly #blobs: SavedBlobs;

  constructor(storage: Storage, store: ObjectStore) {
    this.#storage = storage;
    this.#store = store;
    this.#records = new Records(store);
    this.#tables = new SavedTables(storage, this.#records, (...args) => this.append(...args));
    this.#blobs = new SavedBlobs(this.#records);
  }

  async save(given: string, data: unknown, options: SaveOptions & { readonly schema?: Schema } = {}): Promise<Table> {
    const name = nameAlone('save', given);
    const { schema, partitionBy, onProgress, ...rest } = ioOptionsOf('save', options);
    const checked = { ...writeOptions('save', rest, ['schema', 'partitionBy', 'onProgress']), onProgress };
    return endedByAbort(checked.signal, () => this.#tables.save(name, data, { ...checked, schema, partitionBy }));
  }

  async append(given: string, data: unknown, options?: WriteOptions): Promise<Table> {
    const name = nameAlone('append', given);
    const { onProgress, ...rest } = ioOptionsOf('append', options);
    const checked = { ...writeOptions('append', rest, ['onProgress']), onProgress };
    return endedByAbort(checked.signal, () => this.#tables.append(name, data, checked));
  }

  async load(given: string, options: IoOptions & { readonly schema?: Schema } = {}): Promise<Table> {
    const { schema, signal, ...unknown } = ioOptionsOf('load', options);
    refuseUnknown('load', unknown, ['schema', 'signal']);
    return endedByAbort(signal, () => this.#tables.load(given, { schema, signal }));
  }

  async saveBlob(given: string, data: unknown, options: SaveBlobOptions = {}): Promise<VersionInfo> {
    const name = nameAlone('saveBlob', given);
    const checked = writeOptions('saveBlob', ioOptionsOf('saveBlob', options));
    const pieces = piecesOf('saveBlob', data);
    return endedByAbort(checked.signal, async () => {
      const { record, saved } = await this.#blobs.save(name, pieces, checked);
      return infoOf(record, saved);
    });
  }

  async loadBlob(given: string, options: IoOptions = {}): Promise<Uint8Array> {
    const { signal } = onlySignal('loadBlob', options);
    return endedByAbort(signal, () => this.#blobs.load(given, { signal }));
  }

  blobStream(given: string, options: IoOptions = {}): AsyncGenerator<Uint8Array> {
    return this.#blobs.stream(given, onlySignal('blobStream', options));
  }

  async has(given: string, options: IoOptions = {}): Promise<boolean> {
    const { signal } = onlySignal('has', options);
    const { name, at } = parseName(given);
    return versionAt(await this.#records.read(name, { signal }), at) !== undefined;
  }

  async info(given: string, options: IoOptions = {}): Promise<VersionInfo> {
    const { record, saved } = await findVersion(this.#records, given, onlySignal('info', options));
    return infoOf(record, saved);
  }

  async history(given: string, options: IoOptions = {}): Promise<readonly VersionInfo[]> {
    const { record } = await findVersion(this.#records, nameAlone('history', given), onlySignal('history', options));
    return record.versions.map((saved) => infoOf(record, saved));
  }

  async *list(options: IoOptions & Filter = {}): AsyncGenerator<VersionInfo> {
    const { signal, kind, tag, text, ...unknown } = ioOptionsOf('list', options);
    refuseUnknown('list', unknown, ['signal', 'kind', 'tag', 'text']);
    oneOf('list: kind', kind, [undefined, 'table', 'blob']);
    if (tag !== undefined) checkTag(tag);
    if (text !== undefined && typeof text !== 'string')
      throw invalid(`list: text must be a string, got ${describeValue(text)}`);
    for await (const record of this.#records.all({ signal })) {
      const found = foundIn(record, { kind, tag, text });
      if (found !== undefined) yield found;
    }
  }

  async tag(given: string, tags: readonly string[], options: IoOptions = {}): Promise<VersionInfo> {
    const { signal } = onlySignal('tag', options);
    const { name, at } = parseName(given);
    const checked = tagsIn('tag', tags);
    return endedByAbort(signal, async () => {
      let saved: Version | undefined;
      const record = await changeRecord(
        this.#records,
        name,
        (now) => {
          saved = versionAt(now, at);
          if (now === undefined || saved === undefined) return undefined;
          const { version } = saved;
          return { ...now, tags: { ...now.tags, ...Object.fromEntries(checked.map((tag) => [tag, version])) } };
        },
        { signal },
      );
      if (record === undefined || saved === undefined) throw await notFound(this.#records, given, record);
      return infoOf(record, saved);
    });
  }

  async rename(from: string, to: string, options: IoOptions = {}): Promise<void> {
    const { signal } = onlySignal('rename', options);
    const [old, name] = [nameAlone('rename', from), nameAlone('rename', to)];
    if (old === name) throw invalid(`rename: ${JSON.stringify(name)} is its name already`);
    return endedByAbort(signal, async () => {
      await this.#records.refuseLookalike(name, { signal });
      const missing = async (): Promise<Error> => notFound(this.#records, from, await this.#records.read(old));
      await renameRecord(this.#records, old, name, missing, { signal });
    });
  }

  async delete(given: string, options: IoOptions = {}): Promise<boolean> {
    const { signal } = onlySignal('delete', options);
    const { name, at } = parseName(given);
    return endedByAbort(signal, async () => {
      let gone: readonly Version[] = [];
      const left = await changeRecord(
        this.#records,
        name,
        (now) => {
          const one = versionAt(now, at);
          gone = now === undefined || one === undefined ? [] : at === undefined ? now.versions : [one];
          return now === undefined || gone.length === 0 ? undefined : withoutVersions(now, gone);
        },
        { signal },
      );
      const [removed, kept] = [referencesOf(gone), referencesOf(left?.versions ?? [])];
      const segments = [...removed.segments].filter(([key]) => !kept.segments.has(key)).map(([, segment]) => segment);
      await removeSegments(this.#storage, segments, { signal });
      for (const key of removed.blobs) await this.#store.delete(key, { signal });
      return gone.length > 0;
    });
  }

  async vacuum(options: IoOptions & { readonly graceMs?: number | undefined } = {}): Promise<{ bytesFreed: number }> {
    const { graceMs = GRACE_MS, signal, ...unknown } = ioOptionsOf('vacuum', options);
    refuseUnknown('vacuum', unknown, ['graceMs', 'signal']);
    countOf('vacuum: graceMs', graceMs, 0);
    return endedByAbort(signal, async () => {
      const { vacuumCatalog } = await loadVacuum();
      return { bytesFreed: await vacuumCatalog(this.#storage, this.#records, graceMs, { signal }) };
    });
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Catalog of ${this.#store.description}`;
  }
}

interface CheckedOptions extends IoOptions {
  readonly tags: readonly string[];
  readonly metadata: Metadata;
}

function writeOptions(what: string, options: WriteOptions, others: readonly string[] = []): CheckedOptions {
  const { tags = [], metadata, signal, ...unknown } = options;
  refuseUnknown(what, unknown, [...others, 'tags', 'metadata', 'signal']);
  return { tags: tagsIn(what, tags), metadata: checkMetadata(what, metadata), signal };
}

function tagsIn(what: string, tags: unknown): readonly string[] {
  if (!Array.isArray(tags)) throw invalid(`${what}: tags must be a list, such as ['best'], got ${describeValue(tags)}`);
  return tags.map(checkTag);
}

function onlySignal(what: string, options: IoOptions): IoOptions {
  const { signal, ...unknown } = ioOptionsOf(what, options);
  refuseUnknown(what, unknown, ['signal']);
  return { signal };
}

function invalid(message: string): DataRefError {
  return new DataRefError('INVALID_ARGUMENT', message);
}
