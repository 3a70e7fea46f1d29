import { isDataRefError } from '../errors.js';
import type { ColumnData } from '../schema/column-data.js';
import type { Schema } from '../schema/types.js';
import { readByPosition } from './positional.js';
import type { Resident } from './resident.js';
import type { IndexArray, ReadRequest, RowSource } from './row-source.js';
import type { StoredParts } from './stored-parts.js';

/** Records above this size gain nothing from lying in memory: the page cache serves them as fast. */
const BY_POSITION_BYTES = 16 * 1024;

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
  #resident: Resident | undefined;
  #loading: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #declined = false;
  #hasRead = false;

  constructor(parts: StoredParts, budget: MemoryBudget, verify: boolean) {
    const { id, version, schema, length } = parts.manifest;
    this.id = id;
    this.version = version;
    this.schema = schema;
    this.length = length;
    this.#parts = parts;
    this.#budget = budget;
    this.#verify = verify;
  }

  fingerprint(): string {
    return this.#parts.manifest.fingerprint;
  }

  hold(): () => Promise<void> {
    const release = this.#parts.hold();
    return async () => {
      await this.#loading;
      await release();
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
    if (this.#loading !== undefined || this.#declined) return;
    this.#loading = this.#parts
      .during(async () => {
        this.#resident ??= await this.#startResident();
        await this.#resident?.load();
      })
      .catch(async (error: unknown) => {
        const parts = this.#parts.manifest.parts.keys();
        if (isDataRefError(error, 'CORRUPT') && !(await this.#parts.recheck(parts))) this.#failure = { error };
        // Whatever else went wrong may pass, and is no reason to stop: reading by position will tell if it does not.
        this.#resident = undefined;
        this.#declined = true;
      })
      .finally(() => {
        this.#loading = undefined;
      });
  }

  async #startResident(): Promise<Resident | undefined> {
    const { Resident, residentBytes } = await import('./resident.js');
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
