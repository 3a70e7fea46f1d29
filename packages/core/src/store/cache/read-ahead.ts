import type { ComingObject } from './cached-object.js';
import type { Claim } from './eviction.js';
import type { Forecasts, Need } from './forecasts.js';
import type { LocalCopies } from './local-copies.js';

/** Objects that are brought ahead at once. */
const PARALLEL_OBJECTS = 2;
/** How often forecasts are asked while nothing happens that would be a reason to. */
const ASK_MS = 250;
/**
 * What is needed within this share of the limit may come in place of what is needed later. Beyond it only free room and
 * room of what is in no forecast is used: to displace early costs a download more than to displace late.
 */
const NEAR_SHARE = 1 / 16;

/** Brings copies of what forecasts name, soonest first, as far as the cache reaches. */
export class ReadAhead {
  readonly #copies: LocalCopies;
  readonly #forecasts: Forecasts;
  readonly #coming = new Map<string, ComingObject>();
  #needs: ReadonlyMap<string, Need> = new Map();
  #timer: NodeJS.Timeout | undefined;
  #isWoken = false;

  constructor(copies: LocalCopies, forecasts: Forecasts) {
    this.#copies = copies;
    this.#forecasts = forecasts;
  }

  foresees(id: string): boolean {
    return !this.#forecasts.isEmpty && this.#needs.has(id);
  }

  /** Whether an object is named by a forecast that goes on from object to object. */
  isInTurn(id: string): boolean {
    if (this.#forecasts.isEmpty) return false;
    try {
      if (this.#forecasts.noticeMoves()) this.#needs = this.#forecasts.needs();
    } catch {
      return false; // a forecast that fails names nothing, for now
    }
    return this.#needs.get(id)?.isInTurn ?? false;
  }

  /** Asks the forecasts soon. */
  wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#bringMore();
    });
  }

  /** A forecast is followed no more: ends what no other one names. */
  forget(): void {
    this.#needs = this.#forecasts.needs();
    for (const [id, { leave }] of this.#coming) if (!this.#needs.has(id)) leave();
    if (!this.#forecasts.isEmpty) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Brings what comes next. @returns whether there was something that could be had */
  async bringNext(): Promise<boolean> {
    this.#bringMore();
    const landed = await Promise.all(Array.from(this.#coming.values(), ({ ended }) => ended));
    return landed.includes(true);
  }

  #bringMore(): void {
    if (this.#forecasts.isEmpty || this.#copies.isClosed) return;
    this.#timer ??= setInterval(() => this.wake(), ASK_MS).unref();
    try {
      this.#needs = this.#forecasts.needs();
      const { limitBytes } = this.#copies.folder;
      const present = this.#copies.folder.ids();
      let reachBytes = 0;
      for (const [id, { object }] of this.#needs) {
        if (present.has(id)) this.#copies.openIfRead(id);
        if (object.byteLength > limitBytes || object.byteLength === 0) continue;
        reachBytes += object.byteLength;
        if (present.has(id) || reachBytes > limitBytes || this.#coming.size >= PARALLEL_OBJECTS) continue;
        this.#bring(id, object);
      }
    } catch {
      // A folder that cannot be read holds nothing, and a forecast that fails names nothing, for now.
    }
  }

  #bring(id: string, expected: Need['object']): void {
    const object = this.#copies.object(expected);
    if (object.isOnItsWay || !object.mayTry) return;
    const coming = object.bringAhead((rank) => this.#claim(id, rank));
    this.#coming.set(id, coming);
    void coming.ended.then((isThere) => {
      this.#coming.delete(id);
      if (isThere) this.wake();
    });
  }

  #claim(id: string, rank: number): Claim | undefined {
    const need = this.#needs.get(id);
    if (rank === Infinity || need === undefined) return undefined;
    return { rank, displacesNamed: need.endBytes <= this.#copies.folder.limitBytes * NEAR_SHARE };
  }
}
