import { onAbort } from '../or-abort.js';

/** One call's ranges on their way: it is done when the last read is, or when one failed and none writes any more. */
export class RangeCall {
  readonly done: Promise<void>;
  readonly #stopListening: () => void;
  readonly #onOver: (() => void)[] = [];
  #resolve!: () => void;
  #reject!: (reason: unknown) => void;
  #failure: { readonly reason: unknown } | undefined;
  /** Reads that will still bring something. */
  #awaited = 0;
  /** Of these, those under way that write into the caller's own arrays. */
  #writing = 0;

  constructor(signal: AbortSignal | undefined) {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#stopListening = onAbort(signal, () => this.fail(signal?.reason));
  }

  /** Failed or aborted: nothing may be written into the caller's arrays any more. */
  get isOver(): boolean {
    return this.#failure !== undefined;
  }

  /** Has `stop` called when the call fails or is aborted. */
  expect(stop: () => void): void {
    this.#awaited++;
    this.#onOver.push(stop);
  }

  beginWriting(): void {
    this.#writing++;
  }

  endWriting(): void {
    this.#writing--;
    this.#settle();
  }

  /** One of the reads is done. */
  arrive(): void {
    this.#awaited--;
    this.#settle();
  }

  fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { reason };
    for (const stop of this.#onOver) stop();
    this.#settle();
  }

  #settle(): void {
    if (this.#writing > 0) return;
    if (this.#failure !== undefined) this.#reject(this.#failure.reason);
    else if (this.#awaited === 0) this.#resolve();
    else return;
    this.#stopListening();
  }
}
