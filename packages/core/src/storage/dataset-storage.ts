import { RowDataset } from '../dataset/row-dataset.js';
import type { DataRef } from '../dataset/types.js';
import { DataRefError, invalidArgument, isDataRefError } from '../errors.js';
import type { Manifest } from '../format/manifest.js';
import { lazyModule } from '../lazy-module.js';
import { endedByAbort, orAbort } from '../or-abort.js';
import { reporter, withLastReport } from '../progress.js';
import { StoredParts } from '../rows/stored-parts.js';
import { StoredRows } from '../rows/stored-rows.js';
import { describeValue } from '../schema/ndarray.js';
import { describeSchema, parseSchema, sameSchema } from '../schema/schema.js';
import type { Schema } from '../schema/types.js';
import type { IoOptions, ObjectStore } from '../store/object-store.js';
import { countOf, ioOptionsOf, refuseUnknown } from '../arguments.js';
import { inOrder, REQUESTS_AT_ONCE } from './at-once.js';
import { alreadyExists, dataFolder, folderOf, manifestKey, Manifests } from './manifests.js';
import { DatasetShareWriter } from './share-writer.js';
import type { Build } from './cacheable.js';
import { cacheableFunction } from './cacheable-function.js';
import type { StorageParts } from './storage-parts.js';
import { rememberStorage } from './stored-in.js';
import type { DatasetInfo, ProgressOptions, ShareOptions, ShareWriter, Storage, SubmitOptions } from './types.js';
import type { Vacuum } from './vacuum.js';

/** Manifests that are read at once: some are large. */
const MANIFESTS_AT_ONCE = 8;

const loadRowBlocks = lazyModule('what reads the data to store', () => import('./row-blocks.js'));
const loadWriting = lazyModule('what writes datasets', () => import('./write-dataset.js'));
const loadBuilding = lazyModule('what cacheable builds with', () => import('./cacheable.js'));
const loadVacuum = lazyModule('what removes files', () => import('./vacuum.js'));
const loadVacuumStorage = lazyModule('what removes files', () => import('./vacuum-storage.js'));
const loadVerify = lazyModule('what verifies datasets', () => import('./verify.js'));
const loadCopy = lazyModule('what copies datasets', () => import('./copy.js'));
const loadSlots = lazyModule('what removes files', () => import('../store/slots.js'));
const loadLeaseWatch = lazyModule('what removes files', () => import('./lease-watch.js'));

/**
 * Datasets in an object store: `<id>/<version>/dataset.json` over `data/<generation>/`. Specified in docs/format.md.
 * What only writing needs is loaded by the first call that needs it: a program that reads starts faster.
 */
export class DatasetStorage implements Storage {
  readonly #parts: StorageParts;
  readonly #store: ObjectStore;
  readonly #manifests: Manifests;
  readonly #builds = new Map<string, Build>();

  constructor(parts: StorageParts) {
    this.#parts = parts;
    this.#store = parts.store;
    this.#manifests = new Manifests(parts.store);
    rememberStorage(parts.store, this);
  }

  /** What a storage that is made as ours are is made of; undefined of any other. */
  static partsOf(storage: object): StorageParts | undefined {
    return #parts in storage ? storage.#parts : undefined;
  }

  async submit(
    data: unknown,
    id: string,
    version: string,
    options: SubmitOptions & { readonly schema?: Schema | undefined } = {},
  ): Promise<any> {
    const { signal, onProgress, ifExists = 'replace', schema: given, ...unknown } = ioOptionsOf('submit', options);
    refuseUnknown('submit', unknown, ['schema', 'signal', 'onProgress', 'ifExists']);
    if (ifExists !== 'replace' && ifExists !== 'error')
      throw invalidArgument(`submit: ifExists must be 'replace' or 'error', got ${describeValue(ifExists)}`);
    if (typeof data === 'string' && [id, version].some((name) => typeof name === 'object' && name !== null))
      throw invalidArgument('submit: the records come first: submit(records, id, version)');
    folderOf(id, version);
    return endedByAbort(signal, async () => {
      await this.#manifests.refuseOtherCase(id, { signal });
      if (ifExists === 'error' && (await this.has(id, version, { signal }))) throw alreadyExists(id, version);
      const { rowBlocks } = await loadRowBlocks();
      const { writeDataset } = await loadWriting();
      const rows = await rowBlocks(data, given, signal);
      try {
        const manifest = await withLastReport(onProgress, (tell) =>
          writeDataset(this.#parts, rows, id, version, ifExists === 'error', { signal, onProgress: tell }),
        );
        return this.#open(manifest);
      } finally {
        await rows.close();
      }
    });
  }

  async fetch(id: string, version: string, options: IoOptions & { readonly schema?: Schema } = {}): Promise<any> {
    const { schema, signal, ...unknown } = ioOptionsOf('fetch', options);
    refuseUnknown('fetch', unknown, ['schema', 'signal']);
    const manifest = await this.#manifests.require(id, version, { signal });
    if (schema !== undefined && !sameSchema(parseSchema(schema), manifest.schema)) {
      throw new DataRefError(
        'SCHEMA_MISMATCH',
        `${id}@${version} has ${describeSchema(manifest.schema)}, expected ${describeSchema(schema)}`,
      );
    }
    return this.#open(manifest);
  }

  cacheable(id: string, version: string, ...rest: readonly unknown[]): any {
    folderOf(id, version);
    if (rest.length === 0) return cacheableFunction((build) => this.#cacheable(id, version, build));
    return this.#cacheable(id, version, ...(rest as [build: unknown, options?: ProgressOptions]));
  }

  async #cacheable(id: string, version: string, build: unknown, options: ProgressOptions = {}): Promise<DataRef> {
    const { signal, onProgress, ...unknown } = ioOptionsOf('cacheable', options);
    refuseUnknown('cacheable', unknown, ['signal', 'onProgress']);
    if (typeof build !== 'function')
      throw invalidArgument(`cacheable needs a function that gives a DataRef, got ${describeValue(build)}`);
    return endedByAbort(signal, async () => {
      const found = await this.#manifests.read(id, version, { signal });
      if (found !== undefined) return this.#open(found);
      await this.#manifests.refuseOtherCase(id, { signal });
      const { CacheableDataset } = await loadBuilding();
      const run = build as () => DataRef;
      const manifest = await withLastReport(onProgress, (tell) => {
        const listener = { signal, onProgress: tell };
        return new CacheableDataset(
          this.#parts,
          this.#manifests,
          this.#builds,
          [id, version],
          run,
          listener,
        ).manifest();
      });
      return this.#open(manifest);
    });
  }

  async has(id: string, version: string, options: IoOptions = {}): Promise<boolean> {
    const { signal } = ioOptionsOf('has', options);
    signal?.throwIfAborted();
    return (await orAbort(this.#store.head(manifestKey(id, version), { signal }), signal)) !== undefined;
  }

  async info(id: string, version: string, options: IoOptions = {}): Promise<DatasetInfo> {
    return infoOf(await this.#manifests.require(id, version, ioOptionsOf('info', options)));
  }

  async *list(options: IoOptions = {}): AsyncGenerator<DatasetInfo> {
    const names = await this.#manifests.names(ioOptionsOf('list', options));
    let damaged: unknown;
    const read = async ([id, version]: [string, string]): Promise<Manifest | undefined> => {
      try {
        return await this.#manifests.read(id, version, options);
      } catch (error) {
        if (!isDataRefError(error, 'CORRUPT', 'UNSUPPORTED')) throw error;
        damaged ??= error; // the others first
        return undefined;
      }
    };
    for await (const manifest of inOrder(names, MANIFESTS_AT_ONCE, read)) {
      options.signal?.throwIfAborted();
      if (manifest !== undefined) yield infoOf(manifest);
    }
    if (damaged !== undefined) throw damaged;
  }

  async delete(id: string, version: string, options: IoOptions = {}): Promise<boolean> {
    const { signal } = ioOptionsOf('delete', options);
    const key = manifestKey(id, version);
    return endedByAbort(signal, async () => {
      const existed = await this.#store.delete(key, { signal });
      // All that was there before; what another process commits meanwhile stays, and what one may be writing yet.
      const { vacuumDataset } = await loadVacuum();
      await vacuumDataset({ ...(await this.#vacuum(0, signal)), isDeleted: true }, id, version);
      return existed;
    });
  }

  async verify(
    id: string,
    version: string,
    options: ProgressOptions = {},
  ): Promise<{ ok: boolean; problems: DataRefError[] }> {
    const { signal, onProgress, ...unknown } = ioOptionsOf('verify', options);
    refuseUnknown('verify', unknown, ['signal', 'onProgress']);
    return endedByAbort(signal, async () => {
      const { verifyParts } = await loadVerify();
      for (let manifest = await this.#manifests.require(id, version, { signal }); ;) {
        const { parts } = manifest;
        const read = manifest;
        const problems = await withLastReport(onProgress, (tell) => {
          const report = reporter(tell, 'verify', parts.length, 'parts');
          return verifyParts(this.#store, dataFolder(id, version), read, signal, report);
        });
        if (problems.length === 0) return { ok: true, problems };
        // Files that are missing because the dataset was replaced meanwhile are no damage.
        const now = await this.#manifests.require(id, version, { signal });
        if (now.generation === manifest.generation) return { ok: false, problems };
        manifest = now;
      }
    });
  }

  async vacuum(
    options: ProgressOptions & { readonly graceMs?: number | undefined } = {},
  ): Promise<{ bytesFreed: number }> {
    const { graceMs: given = 24 * 3600 * 1000, signal, onProgress, ...unknown } = ioOptionsOf('vacuum', options);
    refuseUnknown('vacuum', unknown, ['graceMs', 'signal', 'onProgress']);
    const graceMs = countOf('vacuum: graceMs', given, 0);
    return endedByAbort(signal, async () => {
      const vacuum = await this.#vacuum(graceMs, signal);
      const names = await this.#manifests.names({ signal }, true);
      const { vacuumStorage } = await loadVacuumStorage();
      const bytesFreed = await withLastReport(onProgress, (tell) => vacuumStorage(vacuum, names, tell));
      return { bytesFreed };
    });
  }

  async copy(id: string, version: string, to: Storage, options: ProgressOptions = {}): Promise<DataRef> {
    const { signal, onProgress, ...unknown } = ioOptionsOf('copy', options);
    refuseUnknown('copy', unknown, ['signal', 'onProgress']);
    folderOf(id, version);
    if (typeof to !== 'object' || to === null || typeof to.submit !== 'function')
      throw invalidArgument(`copy needs a storage to copy to, got ${typeof to}`);
    return endedByAbort(signal, async () => {
      // A storage that is not made as this one is has a format of its own.
      if (!(#parts in to)) return to.submit(await this.fetch(id, version, { signal }), id, version, options);
      const { copyDataset } = await loadCopy();
      const target = to.#parts;
      const manifest = await withLastReport(onProgress, (tell) =>
        copyDataset(this.#parts, target, id, version, { signal, onProgress: tell }),
      );
      return to.#open(manifest);
    });
  }

  writer(id: string, version: string, options: ShareOptions): ShareWriter {
    if (typeof options !== 'object' || options === null)
      throw invalidArgument(
        `writer: which share? writer(id, version, { part: 0, of: 4 }), got ${describeValue(options)}`,
      );
    return new DatasetShareWriter(
      this.#parts,
      this.#manifests,
      (manifest) => this.#open(manifest),
      id,
      version,
      options,
    );
  }

  async #vacuum(graceMs: number, signal: AbortSignal | undefined): Promise<Vacuum> {
    const { slots } = await loadSlots();
    const { LeaseWatch } = await loadLeaseWatch();
    const { store, identity, leaseTimes } = this.#parts;
    const slot = slots(REQUESTS_AT_ONCE);
    const watch = new LeaseWatch(leaseTimes);
    return { store, identity, leaseTimes, manifests: this.#manifests, watch, slot, graceMs, signal };
  }

  #open(manifest: Manifest): DataRef {
    const { budget, verifyReads, read = 'auto', headLimitBytes = budget.limitBytes / 4 } = this.#parts;
    const parts = new StoredParts(this.#store, dataFolder(manifest.id, manifest.version), manifest, headLimitBytes);
    return new RowDataset(new StoredRows(parts, budget, verifyReads, read !== 'ranges'));
  }
}

function infoOf({ id, version, length, byteLength, fingerprint, schema, createdAt }: Manifest): DatasetInfo {
  return { id, version, length, byteLength, fingerprint, schema, createdAt: new Date(createdAt) };
}
