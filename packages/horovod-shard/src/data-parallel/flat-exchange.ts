import type { Collective } from '../collective/types.js';

/** Arrays and numbers of all ranks, summed by one allreduce: views of one buffer, which is made once and written anew. */
export class FlatExchange {
  /** Each rank's own before `sum`, the sums after it. */
  readonly arrays: readonly Float32Array[];
  /** Numbers that ride along: losses, counts, flags. Whole numbers are exact up to 2^24. */
  readonly scalars: Float32Array;
  readonly #collective: Collective;
  readonly #flat: Float32Array;

  /** @param lengths elements of each array, alike on all ranks */
  constructor(collective: Collective, lengths: readonly number[], scalars: number) {
    const total = lengths.reduce((sum, length) => sum + length, 0);
    this.#collective = collective;
    this.#flat = new Float32Array(total + scalars);
    let end = 0;
    this.arrays = lengths.map((length) => this.#flat.subarray(end, (end += length)));
    this.scalars = this.#flat.subarray(total);
  }

  /** Whether each value is a number that is neither infinite nor NaN. */
  get isFinite(): boolean {
    for (const value of this.#flat) if (!Number.isFinite(value)) return false;
    return true;
  }

  clear(): void {
    this.#flat.fill(0);
  }

  /** Made by all ranks together. @throws DataRefError COLLECTIVE_FAILED */
  async sum(): Promise<void> {
    await this.#collective.allreduce(this.#flat, 'sum');
  }
}
