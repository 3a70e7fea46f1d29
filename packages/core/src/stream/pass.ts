import type { PrefetchLimits } from './prefetch.js';
import { fitted } from './state-size.js';
import type { StateNode, StreamState } from './state.js';

/** One iteration's supply of elements. */
export interface Pass<T> {
  /** The next element, undefined at the end. Not called again before it has answered. */
  next(): Item<T> | undefined | Promise<Item<T> | undefined>;
  /** Begins to read what `next()` will give later, within limits, where reading waits for a network. */
  readAhead(limits: PrefetchLimits): void;
  /** Stops what is under way and closes what is open. */
  close(): Promise<void>;
  /** At the end: the epoch of the last record that any shard had, where that is another than this shard's last. */
  readonly lastEpoch?: number | undefined;
}

export interface Item<T> {
  readonly value: T;
  /** The stream's place after this element. */
  readonly after: Place;
  readonly byteLength: number;
}

/** A place between two elements, in its one form: the end of an iteration is the beginning of the next epoch. */
export interface Place {
  readonly epoch: number;
  /** Epoch of the iteration's last record so far: the next iteration is the one after it. */
  readonly lastEpoch: number;
  readonly node: () => StateNode;
}

export function stateOf({ epoch, node }: Place): StreamState {
  return fitted({ format: 'dataref-state', version: 1, epoch, node: node() });
}

/** A pass that is loaded by its first `next()`. */
export function lazyPass<T>(load: () => Promise<Pass<T>>): Pass<T> {
  let loading: Promise<Pass<T>> | undefined;
  let loaded: Pass<T> | undefined;
  const first = async () => {
    loaded = await (loading ??= load());
    return loaded.next();
  };
  return {
    next: () => (loaded === undefined ? first() : loaded.next()),
    readAhead: (limits) => loaded?.readAhead(limits),
    close: async () => (await loading)?.close(),
    get lastEpoch() {
      return loaded?.lastEpoch;
    },
  };
}
