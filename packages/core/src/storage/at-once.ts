/** Requests of one operation that are under way at once: a store far away is busy, and not overrun. */
export const REQUESTS_AT_ONCE = 16;

/**
 * Does something for each item, `limit` at once. The first failure, or an abort, lets no further item begin, and is
 * thrown when those that have begun are done.
 */
export async function eachAtOnce<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let index = 0;
  let failure: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      try {
        signal?.throwIfAborted();
        await work(next.value, index++);
      } catch (error) {
        failure ??= { error };
      }
      if (failure !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: limit }, lane));
  if (failure !== undefined) throw failure.error;
}

/** What `work` gives for each item, in the items' order, while up to `limit` of them are under way. */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): AsyncGenerator<R> {
  const rest = items[Symbol.iterator]();
  const begun: Promise<R>[] = [];
  let index = 0;
  const begin = (): void => {
    const next = rest.next();
    if (next.done === true) return;
    const result = work(next.value, index++);
    result.catch(() => undefined); // it is asked for later, perhaps never
    begun.push(result);
  };
  for (let i = 0; i < limit; i++) begin();
  for (let result = begun.shift(); result !== undefined; result = begun.shift()) {
    const ready = await result;
    begin();
    yield ready;
  }
}
