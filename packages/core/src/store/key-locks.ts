import type { ObjectStore } from './object-store.js';

/** One at a time for each key of a store, in this process. */
export class KeyLocks {
  readonly #last = new Map<string, Promise<void>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    let done = (): void => undefined;
    const turn = new Promise<void>((resolve) => (done = resolve));
    this.#last.set(key, turn);
    try {
      await before;
      return await work();
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
      done();
    }
  }
}

const ofStores = new WeakMap<ObjectStore, KeyLocks>();

/** The locks of a store, which all who write to it here have in common. */
export function locksOf(store: ObjectStore): KeyLocks {
  const locks = ofStores.get(store) ?? new KeyLocks();
  ofStores.set(store, locks);
  return locks;
}
