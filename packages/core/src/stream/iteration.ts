import { DataRefError } from '../errors.js';
import type { Item } from './pass.js';

/** What a flow gives an iteration that begins. */
export interface Supply<T, I extends { readonly value: T } = Item<T>> {
  readonly pass: {
    /** The next item, undefined at the end. Not called again before it has answered. */
    next(): I | undefined | Promise<I | undefined>;
    close(): Promise<void>;
  };
  handOut(item: I): T;
  retire(element: T): void;
  /** The pass has no more. */
  end(): void;
}

/** One `for await` over a flow. Does nothing before its first `next()`; concurrent calls are served in turn. */
export class Iteration<T, I extends { readonly value: T } = Item<T>> implements AsyncIterator<T> {
  readonly #claim: (self: Iteration<T, I>) => Supply<T, I>;
  #supply: Supply<T, I> | undefined;
  #handed: I | undefined;
  #busy: Promise<unknown> | undefined;
  #end: 'done' | 'superseded' | 'closed' | undefined;

  constructor(claim: (self: Iteration<T, I>) => Supply<T, I>) {
    this.#claim = claim;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    try {
      const result = this.take();
      return result instanceof Promise ? result : Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What `next` gives, without a promise where the element is at hand. */
  take(): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> {
    if (this.#busy !== undefined) {
      const pull = () => this.#pull();
      return this.#track(this.#busy.then(pull, pull));
    }
    const result = this.#pull();
    return result instanceof Promise ? this.#track(result) : result;
  }

  /** Later calls wait for this one. */
  #track(result: Promise<IteratorResult<T, undefined>>): Promise<IteratorResult<T, undefined>> {
    this.#busy = result;
    const clear = (): void => {
      if (this.#busy === result) this.#busy = undefined;
    };
    result.then(clear, clear);
    return result;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end ??= 'done';
    await this.#supply?.pass.close();
    return { value: undefined, done: true };
  }

  async supersede(isClosed: boolean): Promise<void> {
    this.#end ??= isClosed ? 'closed' : 'superseded';
    await this.#supply?.pass.close();
  }

  /** At once where the element is at hand. */
  #pull(): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> {
    this.#refuseEnded();
    if (this.#hasReturned()) return { value: undefined, done: true };
    const supply = (this.#supply ??= this.#claim(this));
    if (this.#handed !== undefined) supply.retire(this.#handed.value);
    this.#handed = undefined;
    let pulled: ReturnType<Supply<T, I>['pass']['next']>;
    try {
      pulled = supply.pass.next();
    } catch (error) {
      return this.#fail(error);
    }
    if (!(pulled instanceof Promise)) return this.#handOut(supply, pulled);
    return pulled.then(
      (item) => this.#handOut(supply, item),
      (error: unknown) => this.#fail(error),
    );
  }

  #handOut(
    supply: Supply<T, I>,
    item: I | undefined,
  ): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> {
    this.#refuseEnded();
    if (item === undefined && !this.#hasReturned()) supply.end();
    if (item === undefined || this.#hasReturned()) return this.return();
    this.#handed = item;
    return { value: supply.handOut(item), done: false };
  }

  /** What a failure of the pass means: nothing any more, where the loop had ended before. */
  async #fail(error: unknown): Promise<IteratorResult<T, undefined>> {
    this.#refuseEnded();
    if (this.#hasReturned()) return { value: undefined, done: true };
    await this.return();
    throw error;
  }

  #hasReturned(): boolean {
    return this.#end === 'done';
  }

  #refuseEnded(): void {
    if (this.#end === 'superseded') {
      throw new DataRefError(
        'SUPERSEDED',
        'a newer iteration of this stream has begun. Give each loop a stream of its own, or end one loop before the next begins',
      );
    }
    if (this.#end === 'closed')
      throw new DataRefError('STREAM_CLOSED', 'the stream was closed while this loop went on');
  }
}
