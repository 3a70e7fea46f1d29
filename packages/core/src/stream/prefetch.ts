import type { Item, Pass } from './pass.js';

export interface PrefetchLimits {
  readonly batches: number;
  readonly byteLimit: number;
}

/** Pulls ahead of the consumer, in order. Each element keeps its own place, so reading ahead cannot make a state wrong. */
export function prefetched<T>(inner: Pass<T>, { batches, byteLimit }: PrefetchLimits): Pass<T> {
  const ready: Item<T>[] = [];
  let bytes = 0;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let closed = false;
  let pulling: Promise<void> | undefined;
  let wake: (() => void) | undefined;

  const wantsMore = (): boolean =>
    !ended && !closed && failure === undefined && ready.length < batches && (ready.length === 0 || bytes < byteLimit);

  const pull = async (): Promise<void> => {
    while (wantsMore()) {
      try {
        const next = inner.next();
        inner.readAhead({ batches: batches - ready.length - 1, byteLimit: byteLimit - bytes });
        const item = await next;
        if (item === undefined) ended = true;
        else {
          ready.push(item);
          bytes += item.byteLength;
        }
      } catch (error) {
        failure = { error };
      }
      wake?.();
    }
    pulling = undefined;
  };
  /** Only where there is something to pull: a pull that ended at once would be taken for one under way. */
  const keepPulling = (): void => {
    if (pulling === undefined && wantsMore()) pulling = pull();
  };

  return {
    readAhead: () => undefined,
    async next() {
      for (;;) {
        keepPulling();
        const item = ready.shift();
        if (item !== undefined) {
          bytes -= item.byteLength;
          keepPulling();
          return item;
        }
        if (failure !== undefined) throw failure.error;
        if (ended || closed) return undefined;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    get lastEpoch() {
      return inner.lastEpoch;
    },
    async close() {
      closed = true;
      ready.length = 0;
      wake?.();
      await inner.close(); // aborts what is under way, which ends then, whatever it waits for
      await pulling;
    },
  };
}
