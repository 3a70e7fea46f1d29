import type { Link } from './link.js';

interface Waiter {
  readonly resolve: (link: Link) => void;
  readonly reject: (reason: unknown) => void;
}

/** Workers in other processes, which come and go; tasks wait for one that is idle. */
export class Links {
  readonly #idle: Link[] = [];
  readonly #waiting = new Set<Waiter>();
  /** Why no worker will come any more. */
  #failure: { readonly error: unknown } | undefined;

  /** A worker that is ready, or has answered. */
  add(link: Link): void {
    if (link.hasEnded) return;
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#idle.push(link);
      return;
    }
    this.#waiting.delete(next);
    next.resolve(link);
  }

  /** No worker will come any more. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  async run(task: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const link = await this.#take(signal);
    const abort = (): void => {
      link.ended('aborted');
      link.close();
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await link.run(task);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      this.add(link);
    }
  }

  async #take(signal: AbortSignal): Promise<Link> {
    for (let link = this.#idle.pop(); link !== undefined; link = this.#idle.pop()) if (!link.hasEnded) return link;
    if (this.#failure !== undefined) throw this.#failure.error;
    let stop = (): void => undefined;
    try {
      return await new Promise((resolve, reject) => {
        const waiter = { resolve, reject };
        this.#waiting.add(waiter);
        stop = () => {
          this.#waiting.delete(waiter);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', stop, { once: true });
      });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}
