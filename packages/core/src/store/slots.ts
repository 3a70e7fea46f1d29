/** Runs what it is given at once, or as soon as less than `limit` of what it was given is under way. */
export type Slots = <R>(work: () => Promise<R>) => Promise<R>;

export function slots(limit: number): Slots {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
