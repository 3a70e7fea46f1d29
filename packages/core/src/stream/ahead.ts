import type { Element, Others, Run } from './stage.js';

/** A run of which the next output can be looked at before it is taken. A failure met by looking is told when it is taken. */
export class Ahead<T> {
  readonly #run: Run<T>;
  #next: Promise<Element<T> | undefined> | undefined;

  constructor(run: Run<T>) {
    this.#run = run;
  }

  take(): Promise<Element<T> | undefined> {
    const next = this.#next ?? this.#run.next();
    this.#next = undefined;
    return next;
  }

  /** The epoch of the next output, or that there is none; undefined where it failed. */
  async look(): Promise<number | 'end' | undefined> {
    this.#next ??= this.#run.next();
    try {
      const element = await this.#next;
      return element === undefined ? (this.#run.others?.epoch ?? 'end') : element.epoch;
    } catch {
      return undefined;
    }
  }

  get others(): Others | undefined {
    return this.#run.others;
  }

  async close(): Promise<void> {
    this.#next?.catch(() => undefined);
    await this.#run.close();
  }
}
