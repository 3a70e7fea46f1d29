import { onAbort } from '../or-abort.js';

/** How long nothing may be heard from a store before the attempt is given up, in ms. */
export const IDLE_TIMEOUT_MS = 30_000;

/** Bytes a ms that an upload is given on top of the idle time, for neither fetch nor an SDK tells of its progress: 2 Mbit/s. */
const UPLOAD_BYTES_PER_MS = 250;

/** How long nothing may be heard while so many bytes are sent. */
export function uploadTimeoutMs(idleTimeoutMs: number, uploadBytes: number): number {
  return Math.ceil(idleTimeoutMs + uploadBytes / UPLOAD_BYTES_PER_MS);
}

/** Silence is counted in ticks, each once however late it comes: a thread that was blocked has not listened meanwhile. */
const TICKS = 4;
/** So much must arrive within a few idle times, or what is left: else a server that drips could keep us for ever. */
const LEAST_BYTES = 16 * 1024;
const SLOW_TIMEOUTS = 4;

/** What work under a watch is given. */
export interface Watch {
  /** Aborted as soon as the work should end: the caller wants it, nothing was heard for too long, or it has failed. */
  readonly signal: AbortSignal;
  /** Something arrived: so many bytes of a body, or news that is worth as much as enough of them. */
  heard(byteLength?: number): void;
  /** What the promise gives, or a rejection as soon as the work should end. */
  wait<T>(promise: PromiseLike<T>): Promise<T>;
}

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly idleTimeoutMs: number;
  /** The failure to report where nothing was heard for so long, or too little in four times as long. */
  readonly silence: (why: string) => Error;
}

/** Runs one exchange with a store. @throws the caller's reason, what `silence` gives, or what the work throws */
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
  let slowTicks = 0;
  let arrivedBytes = 0;
  const timer = setInterval(
    () => {
      silentTicks++;
      slowTicks++;
      if (silentTicks > TICKS) end.abort(silence(`nothing was heard for ${idleTimeoutMs} ms`));
      if (slowTicks > SLOW_TIMEOUTS * TICKS)
        end.abort(silence(`less than ${LEAST_BYTES} bytes came in ${SLOW_TIMEOUTS * idleTimeoutMs} ms`));
    },
    Math.ceil(idleTimeoutMs / TICKS),
  );
  const heard = (byteLength = LEAST_BYTES): void => {
    silentTicks = 0;
    arrivedBytes += byteLength;
    if (arrivedBytes < LEAST_BYTES) return;
    arrivedBytes = 0;
    slowTicks = 0;
  };
  try {
    return await work({
      signal: end.signal,
      heard,
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
