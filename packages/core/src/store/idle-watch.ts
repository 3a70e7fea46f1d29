import { onAbort } from '../or-abort.js';

/** How long nothing may be heard from a store before the attempt is given up, in ms. */
export const IDLE_TIMEOUT_MS = 30_000;

/** Silence is counted in ticks, each once however late it comes: a thread that was blocked has not listened meanwhile. */
const TICKS = 4;

/** What work under a watch is given. */
export interface Watch {
  /** Aborted as soon as the work should end: the caller wants it, nothing was heard for too long, or it has failed. */
  readonly signal: AbortSignal;
  /** Something arrived. */
  heard(): void;
  /** What the promise gives, or a rejection as soon as the work should end. */
  wait<T>(promise: PromiseLike<T>): Promise<T>;
}

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly idleTimeoutMs: number;
  /** The failure to report where nothing was heard for so long. */
  readonly silence: () => Error;
}

/** Runs one exchange with a store. @throws the caller's reason, `silence()`, or what the work throws */
export async function watched<T>(options: WatchOptions, work: (watch: Watch) => Promise<T>): Promise<T> {
  const { signal, idleTimeoutMs, silence } = options;
  signal?.throwIfAborted();
  const end = new AbortController();
  const ended = new Promise<never>((_, reject) => {
    end.signal.addEventListener('abort', () => reject(end.signal.reason as Error), { once: true });
  });
  ended.catch(() => undefined);
  const unfollow = onAbort(signal, () => end.abort(signal?.reason));
  let silentTicks = 0;
  const timer = setInterval(
    () => {
      if (++silentTicks > TICKS) end.abort(silence());
    },
    Math.ceil(idleTimeoutMs / TICKS),
  );
  try {
    return await work({
      signal: end.signal,
      heard: () => void (silentTicks = 0),
      wait: async (promise) => {
        const given = await Promise.race([promise, ended]);
        end.signal.throwIfAborted();
        return given;
      },
    });
  } catch (error) {
    const reason: unknown = end.signal.aborted ? end.signal.reason : error;
    end.abort(reason);
    throw reason;
  } finally {
    clearInterval(timer);
    unfollow();
  }
}
