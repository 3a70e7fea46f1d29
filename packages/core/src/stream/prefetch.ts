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

  const pull = async (): Promise<void> => {
    const wantsMore = (): boolean =>
      !ended && !closed && failure === undefined && ready.length < batches && (ready.length === 0 || bytes < byteLimit);
    while (wantsMore()) {
      try {
        const item = await inner.next();
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

  return {
    async next() {
      for (;;) {
        if (!closed) pulling ??= pull();
        const item = ready.shift();
        if (item !== undefined) {
          bytes -= item.byteLength;
          pulling ??= pull();
          return item;
        }
        if (failure !== undefined) throw failure.error;
        if (ended || closed) return undefined;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async close() {
      closed = true;
      ready.length = 0;
      wake?.();
      await inner.close();
      await pulling;
    },
  };
}
