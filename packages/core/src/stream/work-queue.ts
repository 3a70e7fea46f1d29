/**
 * Pulls inputs one by one, works on blocks of them, several blocks at once, and gives the results in order. A failure is
 * told when its turn comes, after the results of all that came before it.
 */
export class WorkQueue<I, R> {
  readonly #depth: () => number;
  readonly #blockSize: number;
  readonly #pull: () => Promise<I | undefined>;
  readonly #work: (block: readonly I[]) => Promise<R>;
  readonly #under: Promise<R>[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  /** @param depth blocks worked on at once, asked before each is begun */
  constructor(
    depth: () => number,
    blockSize: number,
    pull: () => Promise<I | undefined>,
    work: (block: readonly I[]) => Promise<R>,
  ) {
    this.#depth = depth;
    this.#blockSize = blockSize;
    this.#pull = pull;
    this.#work = work;
  }

  /** The result of the next block, undefined at the end. */
  async next(): Promise<R | undefined> {
    while (this.#under.length < this.#depth() && !this.#ended) await this.#start();
    const first = this.#under.shift();
    if (first !== undefined) return first;
    if (this.#failure !== undefined) throw this.#failure.error;
    return undefined;
  }

  /** Waits for what is under way. */
  async settle(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#under.splice(0));
  }

  async #start(): Promise<void> {
    const block: I[] = [];
    try {
      while (block.length < this.#blockSize) {
        const input = await this.#pull();
        if (input === undefined) {
          this.#ended = true;
          break;
        }
        block.push(input);
      }
    } catch (error) {
      this.#failure = { error };
      this.#ended = true;
    }
    if (block.length === 0) return;
    const result = this.#work(block);
    result.catch(() => undefined); // told when its turn comes
    this.#under.push(result);
  }
}
