import type { ExpectedObject, Forecast } from '../object-store.js';

/** When an object is needed next. */
export interface Need {
  readonly object: ExpectedObject;
  /** Its place among all, 0 soonest. */
  readonly rank: number;
  /** Bytes of all that is needed before it, with its own. */
  readonly endBytes: number;
}

/** What several readers will need, as far as they know: the soonest need of each object counts. */
export class Forecasts {
  readonly #followed = new Set<Forecast>();
  readonly #idOf: (object: ExpectedObject) => string;

  constructor(idOf: (object: ExpectedObject) => string) {
    this.#idOf = idOf;
  }

  get isEmpty(): boolean {
    return this.#followed.size === 0;
  }

  /** Follows a forecast until the returned function is called. */
  add(forecast: Forecast): () => void {
    const followed: Forecast = { upcoming: () => forecast.upcoming() };
    this.#followed.add(followed);
    return () => void this.#followed.delete(followed);
  }

  clear(): void {
    this.#followed.clear();
  }

  /** All that will be needed as it looks now, by id, soonest first. */
  needs(): ReadonlyMap<string, Need> {
    const needs = new Map<string, Need>();
    let endBytes = 0;
    let open = Array.from(this.#followed, (forecast) => forecast.upcoming()[Symbol.iterator]());
    while (open.length > 0) {
      open = open.filter((objects) => {
        const { done = false, value: object } = objects.next();
        if (done) return false;
        const id = this.#idOf(object);
        if (needs.has(id)) return true;
        endBytes += object.byteLength;
        needs.set(id, { object, rank: needs.size, endBytes });
        return true;
      });
    }
    return needs;
  }
}
