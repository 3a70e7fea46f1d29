import type { ExpectedObject, Forecast } from '../object-store.js';

/** When an object is needed next. */
export interface Need {
  readonly object: ExpectedObject;
  /** Its place among all, 0 soonest. */
  readonly rank: number;
  /** Bytes of all that is needed before it, with its own. */
  readonly endBytes: number;
  /** One forecast that names it goes on from object to object: each has its turn, in which all of it is read. */
  readonly isInTurn: boolean;
}

interface Followed {
  readonly upcoming: () => Iterable<ExpectedObject>;
  readonly reader: object | undefined;
  /** What it named soonest at first: a head, which may be in memory soon and named no more, and a body. */
  soonest: readonly string[];
  /** Those have gone behind others since. */
  moves: boolean;
}

/** What several readers will need, as far as they know: the soonest need of each object counts. */
export class Forecasts {
  readonly #followed = new Set<Followed>();
  /** Readers of forecasts that went on from object to object: their next ones will. */
  readonly #moving = new WeakSet<object>();
  readonly #idOf: (object: ExpectedObject) => string;

  constructor(idOf: (object: ExpectedObject) => string) {
    this.#idOf = idOf;
  }

  get isEmpty(): boolean {
    return this.#followed.size === 0;
  }

  /** Follows a forecast until the returned function is called. */
  add(forecast: Forecast): () => void {
    const { reader } = forecast;
    const moves = reader !== undefined && this.#moving.has(reader);
    const followed: Followed = { upcoming: () => forecast.upcoming(), reader, soonest: [], moves };
    this.#followed.add(followed);
    this.noticeMoves();
    return () => void this.#followed.delete(followed);
  }

  clear(): void {
    this.#followed.clear();
  }

  /** All that will be needed as it looks now, by id, soonest first. */
  needs(): ReadonlyMap<string, Need> {
    const needs = new Map<string, Need>();
    let endBytes = 0;
    this.noticeMoves();
    let open = Array.from(this.#followed, ({ upcoming, moves }) => ({ objects: upcoming()[Symbol.iterator](), moves }));
    while (open.length > 0) {
      open = open.filter(({ objects, moves }) => {
        const { done = false, value: object } = objects.next();
        if (done) return false;
        const id = this.#idOf(object);
        const known = needs.get(id);
        if (known === undefined) endBytes += object.byteLength;
        if (known === undefined) needs.set(id, { object, rank: needs.size, endBytes, isInTurn: moves });
        else if (moves && !known.isInTurn) needs.set(id, { ...known, isInTurn: true });
        return true;
      });
    }
    return needs;
  }

  /** Looks which forecasts have gone on to another object. @returns whether one did so for the first time */
  noticeMoves(): boolean {
    const resting = [...this.#followed].filter(({ moves }) => !moves);
    for (const followed of resting) {
      try {
        const ids = Array.from(followed.upcoming(), (object) => this.#idOf(object));
        const isNamed = followed.soonest.some((id) => ids.includes(id));
        followed.moves = isNamed && !followed.soonest.includes(ids[0] as string);
        if (!isNamed) followed.soonest = ids.slice(0, 2);
        if (followed.moves && followed.reader !== undefined) this.#moving.add(followed.reader);
      } catch {
        // A forecast that fails names nothing, for now.
      }
    }
    return resting.some(({ moves }) => moves);
  }
}
