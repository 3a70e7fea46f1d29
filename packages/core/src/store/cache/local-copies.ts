import { rm } from 'node:fs/promises';
import { DataRefError } from '../../errors.js';
import type { ExpectedObject, Forecast, ObjectReader, ObjectStore } from '../object-store.js';
import type { CacheFolder, FoundCopy, Place } from './cache-folder.js';
import { CachedObject } from './cached-object.js';
import { idOf } from './entry-names.js';
import { chooseVictims, type Candidate, type Claim } from './eviction.js';
import { Forecasts } from './forecasts.js';
import { ReadAhead } from './read-ahead.js';
import { Turns } from './turns.js';

const PARALLEL_DOWNLOADS = 2;
/** How soon a file is let go of that another process has removed: half of what was promised. */
const WATCH_MS = 500;
/** A copy that somebody else used so shortly ago is taken to be in use. */
const IN_USE_MS = 30_000;
/** Times of access differ from the clock by the disk's resolution. */
const SAME_USE_MS = 2_000;

/** The copies of one store's objects in one folder, as one process sees them. */
export class LocalCopies {
  readonly folder: CacheFolder;
  readonly turns = new Turns(PARALLEL_DOWNLOADS);
  /** Identities by path of files that were found right. */
  readonly verified = new Map<string, string>();
  readonly #store: ObjectStore;
  readonly #ids = new Map<string, string>();
  readonly #objects = new Map<string, CachedObject>();
  readonly #forecasts: Forecasts;
  readonly #ahead: ReadAhead;
  #watch: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(store: ObjectStore, folder: CacheFolder) {
    this.#store = store;
    this.folder = folder;
    this.#forecasts = new Forecasts((object) => this.#idOf(object));
    this.#ahead = new ReadAhead(this, this.#forecasts);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  object(expected: ExpectedObject): CachedObject {
    const id = this.#idOf(expected);
    let object = this.#objects.get(id);
    if (object === undefined) {
      object = new CachedObject(this, id, expected);
      this.#objects.set(id, object);
    }
    this.#begin();
    return object;
  }

  /** @throws DataRefError GENERATION_GONE where there is no such object any more */
  async openSource({ key, byteLength, crc32 }: ExpectedObject): Promise<ObjectReader> {
    const reader = await this.#store.open(key, { byteLength, crc32 });
    if (reader !== undefined) return reader;
    throw new DataRefError('GENERATION_GONE', `${key}: is gone from ${this.#store.description}`, { details: { key } });
  }

  /** Takes room for an object. @param claim what its place in the forecasts entitles it to; undefined: to none any more */
  reserve(object: CachedObject, claim: (rank: number) => Claim | undefined, signal: AbortSignal): Promise<Place> {
    const { id, expected } = object;
    return this.folder.reserve(
      id,
      expected.byteLength,
      (copies, neededBytes) => this.#choose(copies, neededBytes, id, claim),
      (ids) => this.#letGo(ids),
      signal,
    );
  }

  /** Follows a forecast: downloads ahead what it names, and keeps what is needed soonest. */
  follow(forecast: Forecast): () => void {
    if (this.#isClosed) return () => undefined;
    const forget = this.#forecasts.add(forecast);
    this.#ahead.wake();
    return () => {
      forget();
      this.#ahead.forget();
    };
  }

  /** Whether an object comes by itself, in its turn. */
  isForeseen(object: CachedObject): boolean {
    return this.#ahead.foresees(object.id);
  }

  /** Whether it is read as a whole, after others: then its copy saves more than reading at once does. */
  isInTurn(object: CachedObject): boolean {
    return this.#ahead.isInTurn(object.id);
  }

  /** Its place among all that is needed, 0 soonest; Infinity where no forecast names it. */
  rankOf({ id }: CachedObject): number {
    try {
      return this.#forecasts.needs().get(id)?.rank ?? Infinity;
    } catch {
      return Infinity;
    }
  }

  /** Whether room for what is read in its turn will be there soon: others are read to their ends, and then may go. */
  makesRoomFor(object: CachedObject): boolean {
    if (this.#isClosed || !this.isInTurn(object)) return false;
    for (const other of this.#objects.values()) if (other !== object && other.isRead) return true;
    return false;
  }

  /** There is a copy: readers that began without one go on with it. */
  openIfRead(id: string): void {
    const object = this.#objects.get(id);
    if (object?.lacksCopy === true) void object.open();
  }

  async remove(path: string): Promise<void> {
    this.verified.delete(path);
    await rm(path, { force: true }).catch(() => undefined);
  }

  /** Resolves when nothing is being downloaded, and nothing could be. */
  async settled(): Promise<void> {
    do await Promise.all(Array.from(this.#objects.values(), (object) => object.settled()));
    while (await this.#ahead.bringNext());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    this.#forecasts.clear();
    this.#ahead.forget();
    const objects = [...this.#objects.values()];
    for (const object of objects) object.abandon();
    await Promise.all(objects.map((object) => object.settled()));
    await Promise.all(objects.map((object) => object.close()));
  }

  #begin(): void {
    if (this.#watch !== undefined || this.#isClosed) return;
    this.#watch = setInterval(() => {
      for (const object of this.#objects.values()) object.checkStill();
    }, WATCH_MS).unref();
    const choose = (copies: readonly FoundCopy[], neededBytes: number) =>
      chooseVictims(
        copies.map((copy) => this.#candidate(copy, Infinity)),
        neededBytes,
        undefined,
      );
    this.folder.tidy(choose, (ids) => this.#letGo(ids)).catch(() => undefined);
  }

  #choose(
    copies: readonly FoundCopy[],
    neededBytes: number,
    id: string,
    claim: (rank: number) => Claim | undefined,
  ): readonly Candidate[] | undefined {
    if (this.#forecasts.isEmpty) {
      return chooseVictims(
        copies.map((copy) => this.#candidate(copy, Infinity)),
        neededBytes,
        undefined,
      );
    }
    const needs = this.#forecasts.needs();
    const claimed = claim(needs.get(id)?.rank ?? Infinity);
    if (claimed === undefined) return undefined;
    const candidates = copies.map((copy) => this.#candidate(copy, needs.get(copy.id)?.rank ?? Infinity));
    return chooseVictims(candidates, neededBytes, claimed);
  }

  #candidate({ id, byteLength, usedMs }: FoundCopy, rank: number): Candidate {
    const object = this.#objects.get(id);
    const ownMs = object?.usedMs ?? 0;
    const isUsedElsewhere = usedMs > ownMs + SAME_USE_MS && Date.now() - usedMs < IN_USE_MS;
    const isBound = rank === Infinity ? isUsedElsewhere : object?.isOwing === true;
    return { id, byteLength, usedMs: Math.max(usedMs, ownMs), rank, isBound };
  }

  #letGo(ids: readonly string[]): void {
    for (const id of ids) this.#objects.get(id)?.letGo();
  }

  #idOf(object: ExpectedObject): string {
    const { key, byteLength, crc32 } = object;
    const name = `${key}\n${byteLength}\n${crc32}`;
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = idOf(this.#store.description, object);
      this.#ids.set(name, id);
    }
    return id;
  }
}
