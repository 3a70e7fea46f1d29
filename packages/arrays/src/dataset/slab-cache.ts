import { SharedTask, type ElementArray } from '@dataref/core/adapter';

/** Rows of one row of chunks, in C order. */
export interface Slab {
  readonly data: ElementArray;
  /** Where each row has a shape of its own, within that of `data`: its sizes. Negative ones stand for all there is room for. */
  readonly shapes: Int32Array | undefined;
}

/** Reads begun at once: each decodes chunks, which takes memory of its own. */
const PARALLEL_READS = 8;

export type ReadSlab = (component: number, place: number, signal: AbortSignal) => Promise<Slab>;

/**
 * Decoded slabs of a dataset's arrays. A slab is read once for all who wait for it. As long as somebody holds the cache,
 * slabs stay in it, the least recently used dropped first; what is kept is within the budget, and so is what is being
 * read, but for one slab that is larger by itself.
 */
export class SlabCache {
  readonly #budgetBytes: number;
  readonly #read: ReadSlab;
  readonly #bytesOf: (component: number) => number;
  /** Least recently used first. */
  readonly #slabs = new Map<string, Slab>();
  readonly #tasks = new Map<string, SharedTask<Slab>>();
  readonly #waiting: (() => void)[] = [];
  #holders = 0;
  #cachedBytes = 0;
  #reads = 0;
  #readingBytes = 0;

  /** @param bytesOf the size of a whole slab of a component */
  constructor(budgetBytes: number, bytesOf: (component: number) => number, read: ReadSlab) {
    this.#budgetBytes = budgetBytes;
    this.#bytesOf = bytesOf;
    this.#read = read;
  }

  /** A slab that is at hand. */
  peek(component: number, place: number): Slab | undefined {
    const key = `${component}/${place}`;
    const slab = this.#slabs.get(key);
    if (slab === undefined) return undefined;
    this.#slabs.delete(key);
    this.#slabs.set(key, slab);
    return slab;
  }

  async get(component: number, place: number, signal: AbortSignal | undefined): Promise<Slab> {
    const held = this.peek(component, place);
    if (held !== undefined) return held;
    const key = `${component}/${place}`;
    let task = this.#tasks.get(key);
    if (task === undefined || task.isStopped) {
      task = this.#begin(key, component, place);
      this.#tasks.set(key, task);
    }
    return task.join(signal);
  }

  /** Keeps slabs, within the budget, until the returned function is called and nobody else holds them. */
  hold(): () => void {
    this.#holders++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      if (--this.#holders > 0) return;
      this.#slabs.clear();
      this.#cachedBytes = 0;
    };
  }

  #begin(key: string, component: number, place: number): SharedTask<Slab> {
    const task = new SharedTask((stop) => this.#load(key, component, place, stop));
    const forget = (): void => {
      if (this.#tasks.get(key) === task) this.#tasks.delete(key);
    };
    task.result.then(forget, forget);
    return task;
  }

  async #load(key: string, component: number, place: number, signal: AbortSignal): Promise<Slab> {
    const bytes = this.#bytesOf(component);
    // Looked at anew after each wait, and taken at once: others that wait as well have been told at the same time.
    while (this.#isFull(bytes)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#reads++;
    this.#readingBytes += bytes;
    try {
      signal.throwIfAborted();
      const slab = await this.#read(component, place, signal);
      this.#keep(key, slab);
      return slab;
    } finally {
      this.#reads--;
      this.#readingBytes -= bytes;
      for (const proceed of this.#waiting.splice(0)) proceed();
    }
  }

  /** All together would take too much memory. */
  #isFull(bytes: number): boolean {
    return this.#reads > 0 && (this.#reads >= PARALLEL_READS || this.#readingBytes + bytes > this.#budgetBytes);
  }

  #keep(key: string, slab: Slab): void {
    // Of a chunk that reaches beyond its array, all of it is held.
    const { byteLength } = slab.data.buffer;
    if (this.#holders === 0 || byteLength > this.#budgetBytes) return;
    this.#slabs.set(key, slab);
    this.#cachedBytes += byteLength;
    for (const [oldest, { data }] of this.#slabs) {
      if (this.#cachedBytes <= this.#budgetBytes) return;
      this.#slabs.delete(oldest);
      this.#cachedBytes -= data.buffer.byteLength;
    }
  }
}
