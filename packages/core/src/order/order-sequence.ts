import { checkInteger } from './checks.js';
import { advanceOrder, checkOrder, epochKey, maxEpoch, startOrder, type Order, type OrderSpec } from './order.js';

/** The orders of the epochs of one dataset: an epoch's order, and the next one's prepared in small slices while this one is read. */
export class OrderSequence {
  readonly #spec: OrderSpec;
  readonly #length: number;
  #epoch = -1;
  #current: KeyedOrder | undefined;
  #next: KeyedOrder | undefined;

  /**
   * A sequence that has computed nothing yet.
   * @param length records, 0..2^53−1; for 'numpy' 0..2^31
   * @throws DataRefError `INVALID_ARGUMENT` for a missing seed or an argument out of its range
   */
  constructor(spec: OrderSpec, length: number) {
    checkOrder(spec, length, 0);
    this.#spec = { ...spec };
    this.#length = length;
  }

  /**
   * The order that `openOrder` gives the epoch, taken from what was prepared where that is the same.
   * @param epoch an integer 0..2^52; for a reshuffled 'permutation' or 'parts' 0..2^32−1
   * @throws DataRefError `INVALID_ARGUMENT` when the epoch is out of its range
   */
  at(epoch: number): Order {
    if (epoch === this.#epoch && this.#current !== undefined) return this.#current.order;
    checkInteger('epoch', epoch, 0, maxEpoch(this.#spec));
    const key = epochKey(this.#spec, epoch);
    if (this.#current?.key !== key) {
      this.#current = this.#next?.key === key ? this.#next : { key, order: startOrder(this.#spec, this.#length, key) };
      this.#next = undefined;
    }
    advanceOrder(this.#current.order, Infinity);
    this.#epoch = epoch;
    return this.#current.order;
  }

  /**
   * Prepares the epoch after the one last asked for (at first epoch 0), and tells whether it is complete.
   * Steps cost about 10 ns each, and 2 · length of them always complete an epoch: give 2·n of them with each n records read.
   * @param steps an integer ≥ 0, or Infinity
   * @throws DataRefError `INVALID_ARGUMENT` when `steps` is neither
   */
  prepareNext(steps: number): boolean {
    if (steps !== Infinity) checkInteger('steps', steps, 0, Number.MAX_SAFE_INTEGER);
    const epoch = this.#epoch + 1;
    if (epoch > maxEpoch(this.#spec)) return true;
    const key = epochKey(this.#spec, epoch);
    if (this.#current?.key === key) return true;
    if (this.#next?.key !== key) this.#next = { key, order: startOrder(this.#spec, this.#length, key) };
    return advanceOrder(this.#next.order, steps);
  }
}

type KeyedOrder = { readonly key: number; readonly order: Order };
