/** Lets a number of tasks run at once; the others wait for their turn. */
export class Slots {
  readonly #waiting: (() => Promise<void>)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs a task, which must not fail, as soon as there is room. */
  run(task: () => Promise<void>): void {
    this.#waiting.push(task);
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#free === 0) return;
    this.#free--;
    for (let task = this.#waiting.shift(); task !== undefined; task = this.#waiting.shift()) await task();
    this.#free++;
  }
}
