interface Waiting {
  readonly isUrgent: () => boolean;
  readonly start: () => void;
}

/** Lets a few work at once. Of those who wait, the urgent ones are first, else who came first. */
export class Turns {
  readonly #waiting: Waiting[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves when it is one's turn, with what ends it. @throws the signal's reason */
  async take(isUrgent: () => boolean, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason as Error);
      };
      const start = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const waiting = { isUrgent, start };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.push(waiting);
      this.#next();
    });
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#free++;
      this.#next();
    };
  }

  #next(): void {
    if (this.#free === 0) return;
    const next = this.#waiting.find(({ isUrgent }) => isUrgent()) ?? this.#waiting[0];
    if (next === undefined) return;
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.#free--;
    next.start();
  }
}
