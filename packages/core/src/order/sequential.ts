import { checkFill } from './checks.js';
import type { Order } from './order.js';

/** The order in which every index is its own position. */
export class SequentialOrder implements Order {
  readonly length: number;

  /** @param length records, 0..2^53−1 */
  constructor(length: number) {
    this.length = length;
  }

  fill(out: Uint32Array | Float64Array, offset: number, count: number, start: number, stride: number): void {
    checkFill(this.length, out, offset, count, start, stride);
    for (let k = 0, position = start; k < count; k++, position += stride) out[offset + k] = position;
  }
}
