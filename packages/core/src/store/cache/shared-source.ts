import type { ObjectReader } from '../object-store.js';

/** An object of the wrapped store, opened when it is first needed and closed when nobody holds it any more. */
export class SharedSource {
  readonly #open: () => Promise<ObjectReader>;
  #opening: Promise<ObjectReader> | undefined;
  #holders = 1;

  /** Held once, by whoever made it. @param opened where it is open already */
  constructor(open: () => Promise<ObjectReader>, opened?: ObjectReader) {
    this.#open = open;
    if (opened !== undefined) this.#opening = Promise.resolve(opened);
  }

  /** @throws what opening throws; then the next call tries again */
  reader(): Promise<ObjectReader> {
    if (this.#opening === undefined) {
      const opening = this.#open();
      this.#opening = opening;
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
    }
    return this.#opening;
  }

  hold(): void {
    this.#holders++;
  }

  async release(): Promise<void> {
    if (--this.#holders > 0) return;
    const reader = await this.#opening?.catch(() => undefined);
    await reader?.close();
  }
}
