/** What a promise gives, or a rejection with the signal's reason as soon as it is aborted: for code that may not listen to it. */
export async function orAbort<T>(promise: PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let forget: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => reject(signal.reason as Error));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    forget?.();
  }
}

const followers = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Has `stop` called when the signal is aborted, until the returned function is called. The signal has one listener for
 * all: Node warns of a leak where there are more than ten, and a batch may have hundreds of reads under way.
 */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  const known = followers.get(signal);
  const stops = known ?? new Set();
  if (known === undefined) {
    followers.set(signal, stops);
    signal.addEventListener('abort', () => [...stops].forEach((each) => each()), { once: true });
  }
  stops.add(stop);
  return () => void stops.delete(stop);
}

/** What `work` gives, with a signal of its own that is aborted with the given one: for code that adds listeners to it. */
export async function withOwnSignal<T>(
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work(undefined);
  signal.throwIfAborted();
  const own = new AbortController();
  const forget = onAbort(signal, () => own.abort(signal.reason));
  try {
    return await work(own.signal);
  } finally {
    forget();
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
