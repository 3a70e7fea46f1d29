import { isDataRefError } from '../errors.js';
import { lazyModule } from '../lazy-module.js';
import type { ColumnData } from '../schema/column-data.js';
import type { Schema } from '../schema/types.js';
import { readByPosition } from './positional.js';
import type { Resident } from './resident.js';
import type { IndexArray, Outlook, ReadRequest, RowSource } from './row-source.js';
import type { StoredParts } from './stored-parts.js';

/** Records above this size gain nothing from lying in memory: the page cache serves them as fast. */
const BY_POSITION_BYTES = 16 * 1024;

const loadResident = lazyModule('what keeps datasets in memory', () => import('./resident.js'));

/** Memory for datasets held whole, shared by all of one storage. */
export interface MemoryBudget {
  readonly limitBytes: number;
  /** The user named the limit: then even large records are held. */
  readonly isExplicit: boolean;
  usedBytes: number;
}

/** Rows of a stored dataset: from memory once it is resident, by position before, and where it does not fit. */
export class StoredRows implements RowSource {
  readonly id: string;
  readonly version: string;
  readonly schema: Schema;
  readonly length: number;
  readonly #parts: StoredParts;
  readonly #budget: MemoryBudget;
  readonly #verify: boolean;
  readonly #loadsParts: boolean;
  #resident: Resident | undefined;
  #loading: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #declined = false;
  #hasRead = false;
  /** Ends the loading of a slice that nobody waits for any more. */
  #stop = new AbortController();

  /** @param loadsParts whether whole parts of a store that is far away may be loaded into memory */
  constructor(parts: StoredParts, budget: MemoryBudget, verify: boolean, loadsParts: boolean) {
    const { id, version, schema, length } = parts.manifest;
    this.id = id;
    this.version = version;
    this.schema = schema;
    this.length = length;
    this.#parts = parts;
    this.#budget = budget;
    this.#verify = verify;
    this.#loadsParts = loadsParts;
  }

  /** Of which dataset the rows are, and where it is. */
  get parts(): Pick<StoredParts, 'manifest' | 'store'> {
    return this.#parts;
  }

  fingerprint(): string {
    return this.#parts.manifest.fingerprint;
  }

  partRecords(): readonly number[] {
    return this.#parts.manifest.parts.map(({ records }) => records);
  }

  farRecordBytes(): number | undefined {
    if (!this.#parts.isFar || this.#resident?.isReady === true) return undefined;
    return this.#parts.manifest.byteLength / Math.max(1, this.length);
  }

  hold(outlook?: Outlook, reader?: object): () => Promise<void> {
    const release = this.#parts.hold(outlook && (() => (this.#resident?.isReady === true ? [] : outlook())), reader);
    return async () => {
      const released = release();
      if (!this.#parts.isHeld) this.#stop.abort();
      await this.#loading;
      await released;
    };
  }

  read(indices: IndexArray, request: ReadRequest): readonly ColumnData[] | Promise<readonly ColumnData[]> {
    if (this.#resident?.isReady === true) return this.#resident.read(indices, request);
    if (this.#failure !== undefined) throw this.#failure.error;
    // Whoever wants one batch alone does not wait for what it will not need.
    if (this.#parts.isHeld && this.#hasRead) this.#loadMore();
    this.#hasRead = true;
    return readByPosition(this.#parts, indices, request, this.#verify);
  }

  /** Loads a slice in the background: as long as somebody pulls batches, and no longer. */
  #loadMore(): void {
    if (this.#loading !== undefined || this.#declined || (this.#parts.isFar && !this.#loadsParts)) return;
    if (this.#stop.signal.aborted) this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#loading = this.#parts
      .during(async () => {
        this.#resident ??= await this.#startResident();
        await this.#resident?.load(signal);
      })
      .catch(async (error: unknown) => {
        if (signal.aborted) return;
        if (isDataRefError(error, 'CORRUPT')) {
          if (await this.#parts.recheck(this.#parts.manifest.parts.keys())) return; // the same is right the next time
          this.#failure = { error };
        }
        // Whatever else went wrong may pass, and is no reason to stop: reading by position will tell if it does not.
        this.#resident = undefined;
        this.#declined = true;
      })
      .finally(() => {
        this.#loading = undefined;
      });
  }

  async #startResident(): Promise<Resident | undefined> {
    const { Resident, residentBytes } = await loadResident();
    const bytes = residentBytes(this.#parts);
    const { limitBytes, usedBytes, isExplicit } = this.#budget;
    const large = bytes / Math.max(1, this.length) > BY_POSITION_BYTES && !isExplicit;
    if (large || this.length === 0 || bytes > limitBytes - usedBytes || bytes > 2 ** 32 - 2 ** 20) {
      this.#declined = true;
      return undefined;
    }
    try {
      const resident = new Resident(this.#parts);
      this.#budget.usedBytes += bytes;
      budgets.register(resident, { budget: this.#budget, bytes });
      return resident;
    } catch {
      this.#declined = true; // no such memory to be had: reading by position needs none
      return undefined;
    }
  }
}

const budgets = new FinalizationRegistry<{ readonly budget: MemoryBudget; readonly bytes: number }>(
  ({ budget, bytes }) => {
    budget.usedBytes -= bytes;
  },
);
