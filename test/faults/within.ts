/** What a promise gives; an error of its own where that takes longer than anything may. */
export async function within<T>(timeMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: nothing after ${timeMs} ms`)), timeMs);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
