import { allocateFresh, type Allocate } from '../schema/column-data.js';

/** Buffers that batches have given back, to be written anew. None is ever taken back without being told so. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];
  readonly #detaches: boolean;

  /** @param detaches checked mode: what is given back becomes empty, so that use after release shows */
  constructor(detaches: boolean) {
    this.#detaches = detaches;
  }

  /** An allocator that notes what it hands out in `lent`. */
  lender(lent: ArrayBuffer[]): Allocate {
    return (byteLength) => {
      const buffer = this.#take(byteLength) ?? allocateFresh(byteLength);
      lent.push(buffer);
      return buffer;
    };
  }

  giveBack(buffers: readonly ArrayBuffer[]): void {
    if (this.#detaches) for (const buffer of buffers) structuredClone(buffer, { transfer: [buffer] });
    else this.#free.push(...buffers);
  }

  /** The smallest free buffer that is large enough, unless most of it would lie idle. */
  #take(byteLength: number): ArrayBuffer | undefined {
    let best = -1;
    this.#free.forEach((buffer, i) => {
      const fits = buffer.byteLength >= byteLength && buffer.byteLength <= 2 * byteLength + 1024;
      if (fits && (best < 0 || buffer.byteLength < (this.#free[best] as ArrayBuffer).byteLength)) best = i;
    });
    return best < 0 ? undefined : this.#free.splice(best, 1)[0];
  }
}
