import { RowDataset } from '../dataset/row-dataset.js';
import type { DataRef } from '../dataset/types.js';
import { DataRefError, invalidArgument, isDataRefError } from '../errors.js';
import { decodeManifest, encodeManifest, MANIFEST_LIMIT_BYTES, type Manifest } from '../format/manifest.js';
import type { Progress } from '../progress.js';
import { StoredParts } from '../rows/stored-parts.js';
import { StoredRows, type MemoryBudget } from '../rows/stored-rows.js';
import { describeSchema, parseSchema, sameSchema } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import { decodeSegment, encodeSegment } from '../store/key.js';
import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { countOf, refuseUnknown } from '../arguments.js';
import type { WriterIdentity } from './lease.js';
import type { RowBlocks } from './row-blocks.js';
import type { DatasetInfo, ProgressOptions, Storage, SubmitOptions } from './types.js';
import type { Current } from './vacuum.js';

export interface StorageParts {
  readonly store: ObjectStore;
  readonly identity: WriterIdentity;
  readonly budget: MemoryBudget;
  /** Small values and offsets of a dataset, up to this size, are read once and kept. Default: a quarter of the budget. */
  readonly headLimitBytes?: number | undefined;
  /** Compare checksums on positional reads too. */
  readonly verifyReads: boolean;
  /** 16 hexadecimal digits, never the same twice. */
  readonly nonce: () => string;
}

/**
 * Datasets in an object store: `<id>/<version>/dataset.json` over `data/<generation>/`. Specified in docs/format.md.
 * What only writing needs is loaded by the first call that needs it: a program that reads starts faster.
 */
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
    if (ifExists !== 'replace' && ifExists !== 'error')
      throw invalidArgument(`submit: ifExists must be 'replace' or 'error', got ${JSON.stringify(ifExists)}`);
    folderOf(id, version);
    signal?.throwIfAborted();
    await this.#refuseOtherCase(id);
    if (ifExists === 'error' && (await this.has(id, version))) throw alreadyExists(id, version);
    const { rowBlocks } = await import('./row-blocks.js');
    const rows = await rowBlocks(data, given, signal);
    try {
      return this.#open(await this.#write(rows, id, version, ifExists === 'error', { signal, onProgress }));
    } finally {
      await rows.close();
    }
  }

  async #write(
    rows: RowBlocks,
    id: string,
    version: string,
    ifAbsent: boolean,
    { signal, onProgress }: ProgressOptions,
  ): Promise<Manifest> {
    const folder = folderOf(id, version);
    const generation = this.#parts.nonce();
    const generationFolder = `${folder}data/${generation}/`;
    const { schema } = rows;
    const report = reporter(onProgress, 'write', rows.total, 'records');
    const { PartWriter } = await import('../format/part-writer.js');
    const { takeLease } = await import('./lease.js');
    const lease = await takeLease(this.#store, generationFolder, this.#parts.identity);
    let isCommitting = false;
    try {
      const writer = new PartWriter(this.#store, generationFolder, schema, { signal });
      let length = 0;
      for await (const block of rows.blocks(report)) {
        await writer.write(block);
        length += block[0]?.length ?? 0;
      }
      const { parts, byteLength, fingerprint } = writer;
      const createdAt = new Date().toISOString();
      const manifest = { id, version, createdAt, schema, length, byteLength, fingerprint, generation, parts };
      await lease.check();
      signal?.throwIfAborted();
      isCommitting = true;
      const isWritten = await this.#store.put(`${folder}dataset.json`, encodeManifest(manifest), { ifAbsent });
      if (!isWritten) throw alreadyExists(id, version);
      // Committed: a lease that cannot be given up is no failure, it ends with this process.
      await lease.release().catch(() => undefined);
      return manifest;
    } catch (error) {
      // A commit that failed may have come to pass all the same.
      const current = isCommitting ? await this.#current(id, version) : 'none';
      const isOurs = current === 'unreadable' || (current !== 'none' && current.generation === generation);
      // The failure that brought us here is the one to report; what is left behind, vacuum finds.
      if (!isOurs) await this.#remove(generationFolder).catch(() => undefined);
      await lease.release().catch(() => undefined);
      throw error;
    }
  }

  async fetch(id: string, version: string, options: IoOptions & { readonly schema?: Schema } = {}): Promise<any> {
    const { schema, signal, ...unknown } = options;
    refuseUnknown('fetch', unknown, ['schema', 'signal']);
    const manifest = await this.#manifest(id, version, { signal });
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
    let damaged: unknown;
    for (const [id, version] of await this.#names(options)) {
      let manifest: Manifest | undefined;
      try {
        manifest = await this.#read(id, version, options);
      } catch (error) {
        if (!isDataRefError(error, 'CORRUPT', 'UNSUPPORTED')) throw error;
        damaged ??= error; // the others first
      }
      if (manifest !== undefined) yield infoOf(manifest);
    }
    if (damaged !== undefined) throw damaged;
  }

  async delete(id: string, version: string, options: IoOptions = {}): Promise<boolean> {
    const folder = folderOf(id, version);
    const existed = await this.#store.delete(`${folder}dataset.json`, options);
    // All that was there before; what another process commits meanwhile stays.
    const currentOf = () => this.#current(id, version);
    const { vacuumGenerations } = await import('./vacuum.js');
    await vacuumGenerations(this.#store, folder, currentOf, this.#parts.identity, 0);
    return existed;
  }

  async verify(
    id: string,
    version: string,
    options: ProgressOptions = {},
  ): Promise<{ ok: boolean; problems: DataRefError[] }> {
    const { signal, onProgress, ...unknown } = options;
    refuseUnknown('verify', unknown, ['signal', 'onProgress']);
    const { verifyParts } = await import('./verify.js');
    for (let manifest = await this.#manifest(id, version, options); ;) {
      const folder = `${folderOf(id, version)}data/${manifest.generation}/`;
      const report = reporter(onProgress, 'verify', manifest.parts.length, 'parts');
      const problems = await verifyParts(this.#store, folder, manifest, signal, report);
      if (problems.length === 0) return { ok: true, problems };
      // Files that are missing because the dataset was replaced meanwhile are no damage.
      const now = await this.#manifest(id, version, options);
      if (now.generation === manifest.generation) return { ok: false, problems };
      manifest = now;
    }
  }

  async vacuum(
    options: ProgressOptions & { readonly graceMs?: number | undefined } = {},
  ): Promise<{ bytesFreed: number }> {
    const { graceMs: given = 24 * 3600 * 1000, signal, onProgress, ...unknown } = options;
    refuseUnknown('vacuum', unknown, ['graceMs', 'signal', 'onProgress']);
    const graceMs = countOf('vacuum: graceMs', given, 0);
    const names = await this.#names({ signal }, true);
    const report = reporter(onProgress, 'vacuum', names.length, 'datasets');
    const { vacuumGenerations } = await import('./vacuum.js');
    let bytesFreed = 0;
    for (const [i, [id, version]] of names.entries()) {
      signal?.throwIfAborted();
      const currentOf = () => this.#current(id, version);
      const folder = folderOf(id, version);
      bytesFreed += await vacuumGenerations(this.#store, folder, currentOf, this.#parts.identity, graceMs);
      report(i + 1);
    }
    return { bytesFreed: bytesFreed + (await this.#store.sweep({ signal })) };
  }

  #open(manifest: Manifest): DataRef {
    const { budget, verifyReads, headLimitBytes = budget.limitBytes / 4 } = this.#parts;
    const folder = `${folderOf(manifest.id, manifest.version)}data/${manifest.generation}/`;
    const parts = new StoredParts(this.#store, folder, manifest, headLimitBytes);
    return new RowDataset(new StoredRows(parts, budget, verifyReads));
  }

  async #manifest(id: string, version: string, options: IoOptions): Promise<Manifest> {
    const manifest = await this.#read(id, version, options);
    if (manifest !== undefined) return manifest;
    const versions = (await this.#versions(encodeSegment(id, 'id'), options)).map(decodeSegment);
    const ids = versions.length > 0 ? [] : [...new Set((await this.#names(options)).map(([other]) => other))];
    const hint =
      versions.length > 0
        ? `; there are versions ${versions.slice(0, 10).join(', ')}`
        : ids.length > 0
          ? `; there are ${ids.slice(0, 10).join(', ')}`
          : ', which has no dataset yet';
    throw new DataRefError('NOT_FOUND', `no dataset ${id}@${version} in ${this.#store.description}${hint}`, {
      details: { id, version },
    });
  }

  async #current(id: string, version: string): Promise<Current> {
    return (await this.#read(id, version, {}).catch(() => 'unreadable' as const)) ?? 'none';
  }

  async #read(id: string, version: string, options: IoOptions): Promise<Manifest | undefined> {
    const key = `${folderOf(id, version)}dataset.json`;
    const bytes = await this.#store.get(key, MANIFEST_LIMIT_BYTES, options);
    return bytes && decodeManifest(bytes, `${this.#store.description}: ${key}`, id, version);
  }

  /** Every id and version that has a folder; unless `withLeftovers`, a dataset too. */
  async #names(options: IoOptions, withLeftovers = false): Promise<[string, string][]> {
    const names: [string, string][] = [];
    for (const idFolder of (await this.#store.listFolders('', options)).toSorted()) {
      const id = decodeSegment(idFolder);
      if (id === undefined) continue;
      for (const versionFolder of await this.#versions(idFolder, options, withLeftovers))
        names.push([id, decodeSegment(versionFolder) as string]);
    }
    return names;
  }

  /** Folders of an id's versions. */
  async #versions(idFolder: string, options: IoOptions, withLeftovers = false): Promise<string[]> {
    const folders: string[] = [];
    for (const name of (await this.#store.listFolders(`${idFolder}/`, options)).toSorted()) {
      if (decodeSegment(name) === undefined) continue;
      const isThere = withLeftovers || (await this.#store.head(`${idFolder}/${name}/dataset.json`, options));
      if (isThere) folders.push(name);
    }
    return folders;
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
