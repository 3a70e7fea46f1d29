import { RowDataset } from '../dataset/row-dataset.js';
import type { DataRef } from '../dataset/types.js';
import { DataRefError } from '../errors.js';
import { corrupt } from '../format/head.js';
import { decodeManifest, encodeManifest, MANIFEST_LIMIT_BYTES, type Manifest } from '../format/manifest.js';
import { PartWriter } from '../format/part-writer.js';
import type { Progress } from '../progress.js';
import { StoredParts } from '../rows/stored-parts.js';
import { StoredRows, type MemoryBudget } from '../rows/stored-rows.js';
import { describeSchema, parseSchema, sameSchema } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { decodeSegment, encodeSegment } from '../store/key.js';
import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { countOf, refuseUnknown } from '../stream/flow.js';
import { takeLease, type WriterIdentity } from './lease.js';
import { rowBlocks } from './row-blocks.js';
import type { DatasetInfo, ProgressOptions, Storage, SubmitOptions } from './types.js';
import { vacuumDatasets } from './vacuum.js';
import { verifyParts } from './verify.js';

export interface StorageParts {
  readonly store: ObjectStore;
  readonly identity: WriterIdentity;
  readonly budget: MemoryBudget;
  /** Compare checksums on positional reads too. */
  readonly verifyReads: boolean;
  /** 16 hexadecimal digits, never the same twice. */
  readonly nonce: () => string;
}

/** Datasets in an object store: `<id>/<version>/dataset.json` over `data/<generation>/`. Specified in docs/format.md. */
export class DatasetStorage implements Storage {
  readonly #parts: StorageParts;
  readonly #store: ObjectStore;

  constructor(parts: StorageParts) {
    this.#parts = parts;
    this.#store = parts.store;
  }

  async submit(
    data: unknown,
    id: string,
    version: string,
    options: SubmitOptions & { readonly schema?: Schema } = {},
  ): Promise<any> {
    const { signal, onProgress, ifExists = 'replace', schema: given, ...unknown } = options;
    refuseUnknown('submit', unknown, ['schema', 'signal', 'onProgress', 'ifExists']);
    const folder = folderOf(id, version);
    signal?.throwIfAborted();
    await this.#refuseOtherCase(id);
    if (ifExists === 'error' && (await this.has(id, version))) throw alreadyExists(id, version);
    const { schema, total, blocks } = await rowBlocks(data, given, signal);
    const report = reporter(onProgress, 'write', total, 'records');
    const generation = this.#parts.nonce();
    const generationFolder = `${folder}data/${generation}/`;
    const lease = await takeLease(this.#store, generationFolder, this.#parts.identity);
    try {
      const writer = new PartWriter(this.#store, generationFolder, schema, { signal });
      let written = 0;
      for await (const block of blocks(report)) {
        await writer.write(block);
        written += block[0]?.length ?? 0;
      }
      const { parts, byteLength, fingerprint } = writer;
      const createdAt = new Date().toISOString();
      const manifest: Manifest = {
        id,
        version,
        createdAt,
        schema,
        length: written,
        byteLength,
        fingerprint,
        generation,
        parts,
      };
      signal?.throwIfAborted();
      const isWritten = await this.#store.put(`${folder}dataset.json`, encodeManifest(manifest), {
        ifAbsent: ifExists === 'error',
      });
      if (!isWritten) throw alreadyExists(id, version);
      await lease.release();
      return this.#open(manifest);
    } catch (error) {
      await this.#discard(generationFolder, lease);
      throw error;
    }
  }

  async fetch(id: string, version: string, options: IoOptions & { readonly schema?: Schema } = {}): Promise<any> {
    const manifest = await this.#manifest(id, version, options);
    const { schema } = options;
    if (schema !== undefined && !sameSchema(parseSchema(schema), manifest.schema)) {
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `${id}@${version} has ${describeSchema(manifest.schema)}, expected ${describeSchema(schema)}`,
      );
    }
    return this.#open(manifest);
  }

  async has(id: string, version: string, options: IoOptions = {}): Promise<boolean> {
    return (await this.#store.head(`${folderOf(id, version)}dataset.json`, options)) !== undefined;
  }

  async info(id: string, version: string, options: IoOptions = {}): Promise<DatasetInfo> {
    return infoOf(await this.#manifest(id, version, options));
  }

  async *list(options: IoOptions = {}): AsyncGenerator<DatasetInfo> {
    for (const [id, version] of await this.#names(options)) {
      const manifest = await this.#read(`${folderOf(id, version)}dataset.json`, options);
      if (manifest !== undefined) yield infoOf(manifest);
    }
  }

  async delete(id: string, version: string, options: IoOptions = {}): Promise<boolean> {
    const folder = folderOf(id, version);
    const existed = await this.#store.delete(`${folder}dataset.json`, options);
    await vacuumDatasets(this.#store, [folder], this.#currentOf(options), this.#parts.identity, 0, () => undefined);
    return existed;
  }

  async verify(
    id: string,
    version: string,
    options: ProgressOptions = {},
  ): Promise<{ ok: boolean; problems: DataRefError[] }> {
    const manifest = await this.#manifest(id, version, options);
    const folder = `${folderOf(id, version)}data/${manifest.generation}/`;
    const problems = await verifyParts(
      this.#store,
      folder,
      manifest,
      options.signal,
      reporter(options.onProgress, 'verify', manifest.parts.length, 'parts'),
    );
    return { ok: problems.length === 0, problems };
  }

  async vacuum(
    options: ProgressOptions & { readonly graceMs?: number | undefined } = {},
  ): Promise<{ bytesFreed: number }> {
    const graceMs = countOf('vacuum: graceMs', options.graceMs ?? 24 * 3600 * 1000, 0);
    const folders = (await this.#names(options, true)).map(([id, version]) => folderOf(id, version));
    const report = reporter(options.onProgress, 'vacuum', folders.length, 'parts');
    const currentOf = this.#currentOf(options);
    const freed = await vacuumDatasets(this.#store, folders, currentOf, this.#parts.identity, graceMs, report);
    return { bytesFreed: freed + (await this.#store.sweep(options)) };
  }

  #open(manifest: Manifest): DataRef {
    const { budget, verifyReads } = this.#parts;
    const folder = `${folderOf(manifest.id, manifest.version)}data/${manifest.generation}/`;
    const parts = new StoredParts(this.#store, folder, manifest, budget.limitBytes / 4);
    return new RowDataset(new StoredRows(parts, budget, verifyReads));
  }

  async #manifest(id: string, version: string, options: IoOptions): Promise<Manifest> {
    const manifest = await this.#read(`${folderOf(id, version)}dataset.json`, options);
    if (manifest !== undefined) return manifest;
    const versions = (await this.#store.listFolders(`${encodeSegment(id, 'id')}/`, options)).map(decodeSegment);
    const hint = versions.length > 0 ? `; there are versions ${versions.slice(0, 10).join(', ')}` : '';
    throw new DataRefError('NOT_FOUND', `no dataset ${id}@${version} in ${this.#store.description}${hint}`, {
      details: { id, version },
    });
  }

  async #read(key: string, options: IoOptions): Promise<Manifest | undefined> {
    const bytes = await this.#store.get(key, MANIFEST_LIMIT_BYTES, options);
    if (bytes === undefined) return undefined;
    const where = `${this.#store.description}: ${key}`;
    const manifest = decodeManifest(bytes, where);
    const { id, version } = manifest;
    const [idOfFolder, versionOfFolder] = key.split('/').map(decodeSegment);
    if (id === idOfFolder && version === versionOfFolder) return manifest;
    throw corrupt(where, `says that it is ${id}@${version}; a copied or renamed folder is no dataset of its own`);
  }

  /** Tells the manifest in a dataset's folder. */
  #currentOf(options: IoOptions): (folder: string) => Promise<Manifest | 'none' | 'unreadable'> {
    return async (folder) =>
      (await this.#read(`${folder}dataset.json`, options).catch(() => 'unreadable' as const)) ?? 'none';
  }

  /** Every id and version that has a folder. */
  async #names(options: IoOptions, withLeftovers = false): Promise<[string, string][]> {
    const names: [string, string][] = [];
    for (const idFolder of (await this.#store.listFolders('', options)).toSorted()) {
      for (const versionFolder of (await this.#store.listFolders(`${idFolder}/`, options)).toSorted()) {
        const [id, version] = [decodeSegment(idFolder), decodeSegment(versionFolder)];
        if (id !== undefined && version !== undefined && (withLeftovers || (await this.has(id, version, options))))
          names.push([id, version]);
      }
    }
    return names;
  }

  /** Two ids that differ by case alone would be one on some file systems. */
  async #refuseOtherCase(id: string): Promise<void> {
    const folder = encodeSegment(id, 'id');
    const other = (await this.#store.listFolders('')).find(
      (name) => name !== folder && name.toLowerCase() === folder.toLowerCase(),
    );
    if (other !== undefined) {
      throw new DataRefError(
        'INVALID_ID',
        `id ${JSON.stringify(id)} differs from ${JSON.stringify(decodeSegment(other))} by case alone; use that one, or another name`,
      );
    }
  }

  async #discard(folder: string, lease: { release(): Promise<void> }): Promise<void> {
    // The failure that brought us here is the one to report; what is left behind, vacuum finds.
    await this.#remove(folder).catch(() => undefined);
    await lease.release().catch(() => undefined);
  }

  async #remove(folder: string): Promise<void> {
    for await (const { key } of this.#store.list(folder)) await this.#store.delete(key);
  }
}

function folderOf(id: string, version: string): string {
  return `${encodeSegment(id, 'id')}/${encodeSegment(version, 'version')}/`;
}

function infoOf({ id, version, length, byteLength, fingerprint, schema, createdAt }: Manifest): DatasetInfo {
  return { id, version, length, byteLength, fingerprint, schema, createdAt: new Date(createdAt) };
}

function alreadyExists(id: string, version: string): DataRefError {
  return new DataRefError(
    'ALREADY_EXISTS',
    `there is a dataset ${id}@${version} already; use another version, or ifExists: 'replace'`,
    { details: { id, version } },
  );
}

function reporter(
  onProgress: ((progress: Progress) => void) | undefined,
  phase: string,
  total: number | undefined,
  unit: Progress['unit'],
) {
  const startMs = performance.now();
  return (done: number): void => onProgress?.({ phase, done, total, unit, elapsedMs: performance.now() - startMs });
}
