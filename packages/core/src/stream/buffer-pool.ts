import { allocateFresh, type Allocate } from '../schema/column-data.js';

/** Buffers that batches have given back, to be written anew. None is ever taken back without being told so. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];
  readonly #detaches: boolean;

  /** @param detaches checked mode: what is given back becomes empty, so that use after release shows */
  constructor(detaches: boolean) {
    this.#detaches = detaches;
  }

  /** The smallest free buffer that is large enough, unless most of it would lie idle; else a fresh one. */
  take(byteLength: number): ArrayBuffer {
    const free = this.#free;
    let best = -1;
    for (let i = 0; i < free.length; i++) {
      const size = (free[i] as ArrayBuffer).byteLength;
      const fits = size >= byteLength && size <= 2 * byteLength + 1024;
      if (fits && (best < 0 || size < (free[best] as ArrayBuffer).byteLength)) best = i;
    }
    if (best < 0) return allocateFresh(byteLength);
    const found = free[best] as ArrayBuffer;
    const last = free.pop() as ArrayBuffer;
    if (last !== found) free[best] = last;
    return found;
  }

  giveBack(buffer: ArrayBuffer): void {
    if (this.#detaches) structuredClone(buffer, { transfer: [buffer] });
    else this.#free.push(buffer);
  }
}

/** The buffers that one batch has from a pool. */
export class Loan {
  readonly #pool: BufferPool;
  readonly #buffers: ArrayBuffer[] = [];

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  readonly allocate: Allocate = (byteLength) => {
    const buffer = this.#pool.take(byteLength);
    this.#buffers.push(buffer);
    return buffer;
  };

  /** Gives all of them back, each once however often it is called. */
  giveBack(): void {
    for (let buffer = this.#buffers.pop(); buffer !== undefined; buffer = this.#buffers.pop())
      this.#pool.giveBack(buffer);
  }
}
