import { isDataRef } from '../dataset/make.js';
import type { DataRef } from '../dataset/types.js';
import { invalidArgument } from '../errors.js';
import type { Manifest } from '../format/manifest.js';
import { endedByAbort, orAbort } from '../or-abort.js';
import { describeValue } from '../schema/ndarray.js';
import type { Awaitable } from '../schema/types.js';
import { pause } from '../store/pause.js';
import type { BuildLease } from './build-lease.js';
import { builtOnce, pollMs } from './built-once.js';
import { buildsAround, runBuild } from './builds-under-way.js';
import { buildLeaseKey } from './lease-record.js';
import { folderOf, type Manifests } from './manifests.js';
import { rowBlocks } from './row-blocks.js';
import type { StorageParts } from './storage-parts.js';
import type { ProgressOptions } from './types.js';
import { waitingFor } from './waiting-for.js';
import { writeDataset } from './write-dataset.js';

/** What one call of this process builds, or waits for others to build, while the others wait for it. */
export interface Build {
  readonly ended: Promise<unknown>;
  /** Who is at it, as far as is known. */
  holder: unknown;
}

/** Builds a dataset where there is none, once over all that share a store. */
export class CacheableDataset {
  readonly #parts: StorageParts;
  readonly #manifests: Manifests;
  readonly #builds: Map<string, Build>;
  readonly #name: readonly [id: string, version: string];
  readonly #folder: string;
  readonly #build: () => Awaitable<DataRef>;
  readonly #options: ProgressOptions;
  readonly #startMs = performance.now();

  constructor(
    parts: StorageParts,
    manifests: Manifests,
    builds: Map<string, Build>,
    name: readonly [id: string, version: string],
    build: () => Awaitable<DataRef>,
    options: ProgressOptions,
  ) {
    this.#parts = parts;
    this.#manifests = manifests;
    this.#builds = builds;
    this.#name = name;
    this.#folder = folderOf(...name);
    this.#build = build;
    this.#options = options;
  }

  /** The manifest of the dataset that is there, or was built by whoever had its turn. */
  async manifest(): Promise<Manifest> {
    const { signal } = this.#options;
    for (let polls = 0; ; polls++) {
      const manifest = await this.#read();
      if (manifest !== undefined) return manifest;
      this.#refuseOwnBuild();
      const other = this.#builds.get(this.#folder);
      if (other === undefined) return this.#buildInTurn();
      // Another call in this process is at it. If it fails, that is its own affair, and this one's turn.
      this.#tellOfWaiting(other.holder);
      const enough = new AbortController();
      const woken = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
      await Promise.race([other.ended, pause(pollMs(polls), woken).catch(() => undefined)]);
      enough.abort();
      signal?.throwIfAborted();
    }
  }

  /** Names the dataset among those of all storages. */
  get #key(): string {
    return `${this.#parts.store.description}: ${this.#folder}`;
  }

  /** A build that waits for itself, or for one that it is part of, would wait for ever. */
  #refuseOwnBuild(): void {
    if (!buildsAround().includes(this.#key)) return;
    const [id, version] = this.#name;
    throw invalidArgument(
      `cacheable: the function that builds ${id}@${version} asks for ${id}@${version} itself, and would wait for ever; build it of other datasets`,
    );
  }

  async #buildInTurn(): Promise<Manifest> {
    const build = endedByAbort(this.#options.signal, () => this.#waitAndBuild());
    const ended = build.catch(() => undefined);
    this.#builds.set(this.#folder, { ended, holder: this.#parts.identity.self() });
    try {
      return await build;
    } finally {
      this.#builds.delete(this.#folder);
    }
  }

  async #waitAndBuild(): Promise<Manifest> {
    return builtOnce(this.#parts, buildLeaseKey(this.#folder), {
      look: () => this.#read(),
      build: (lease) => {
        this.#holder = this.#parts.identity.self();
        return this.#buildUnder(lease);
      },
      onWait: (holder) => this.#tellOfWaiting(holder),
      signal: this.#options.signal,
    });
  }

  /** Undefined where the lease was lost meanwhile, or another has committed: both are known before the manifest is put. */
  async #buildUnder(lease: BuildLease): Promise<Manifest | undefined> {
    const { signal } = this.#options;
    const data = await orAbort(runBuild(this.#key, this.#build), signal);
    if (!isDataRef(data)) {
      throw invalidArgument(
        `cacheable: the function must give a DataRef, got ${describeValue(data)}; fromRecords(…) and fromColumns(…) make one`,
      );
    }
    if (!(await lease.isHeld({ signal }))) return undefined;
    try {
      const rows = await rowBlocks(data, undefined, signal);
      const isWanted = () => lease.isHeld({ signal });
      return await writeDataset(this.#parts, rows, ...this.#name, true, { ...this.#options, isWanted });
    } catch (error) {
      const isElsewhere = !(await lease.isHeld({ signal })) || (await this.#read()) !== undefined;
      if (isElsewhere) return undefined;
      throw error;
    }
  }

  async #read(): Promise<Manifest | undefined> {
    return this.#manifests.read(...this.#name, { signal: this.#options.signal });
  }

  /** For the other calls in this process. */
  set #holder(holder: unknown) {
    const build = this.#builds.get(this.#folder);
    if (build !== undefined) build.holder = holder;
  }

  #tellOfWaiting(holder: unknown): void {
    this.#holder = holder;
    this.#options.onProgress?.(waitingFor(holder, this.#startMs));
  }
}
