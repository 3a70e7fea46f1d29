/** Those who wait for one signal. */
interface Waiters {
  readonly runs: Set<{ readonly run: () => void }>;
  readonly tell: () => void;
}

/** A signal has one listener of ours: runtimes warn of many, and thousands of reads may share one. */
const waiting = new WeakMap<AbortSignal, Waiters>();

/** Runs a function when the signal is aborted, until the returned function is called. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return () => undefined;
  const waiter = { run };
  const { runs, tell } = waiting.get(signal) ?? listenTo(signal);
  runs.add(waiter);
  return () => {
    if (!runs.delete(waiter) || runs.size > 0) return;
    signal.removeEventListener('abort', tell); // a listener may keep a signal alive for ever
    waiting.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Waiters {
  const runs: Waiters['runs'] = new Set();
  const tell = (): void => {
    waiting.delete(signal);
    for (const { run } of runs) run();
  };
  const waiters = { runs, tell };
  waiting.set(signal, waiters);
  signal.addEventListener('abort', tell, { once: true });
  return waiters;
}

/** What a promise gives, or a rejection with the signal's reason as soon as it is aborted: for code that may not listen to it. */
export async function orAbort<T>(promise: PromiseLike<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) Promise.resolve(promise).catch(() => undefined); // nobody else listens to it
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = onAbort(signal, () => reject(signal.reason as Error));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stop?.();
  }
}

/** How long what was aborted may take to clean up before its caller is let go. */
const CLEAN_UP_MS = 1_000;

/**
 * What `work` gives. Once the signal is aborted its reason is all that it rejects with: when the work has cleaned up and
 * ended, or a moment later where it hangs. Then the work goes on for nobody; it must look at the signal itself before it
 * does what others can see.
 */
export async function endedByAbort<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work();
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    // It holds the process for that moment: the caller is owed its answer.
    stop = onAbort(signal, () => (timer = setTimeout(() => reject(signal.reason as Error), CLEAN_UP_MS)));
  });
  try {
    return await Promise.race([work(), overdue]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    stop?.();
    clearTimeout(timer);
  }
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
