import { DataRefError } from '../errors.js';
import { pause } from './pause.js';
import { isTransient } from './store-errors.js';

/** How long an operation is tried, and how long one waits between the attempts. */
export interface AttemptLimits {
  /** Attempts of one operation; for reads and listings, of those that bring nothing new. */
  readonly attempts: number;
  /** Time after which no new attempt is begun; for reads and listings, since the last that brought something new. */
  readonly budgetMs: number;
  /** The first wait is a random time up to this one; each further one up to twice as long. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/** Timers end as much too early. */
const LEAST_WAIT_MS = 1;

/**
 * What `attempt` gives, tried anew as long as it fails with what may pass and the limits allow. The waits have full
 * jitter, and are as long as the store asks for (`details.retryAfterMs`), but never beyond the budget.
 * @param attempt is told the number of failures before it, and calls `renew` where it got further: all limits start anew
 * @throws what `attempt` throws; when the limits are met, the last failure, which is not transient any more
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export async function inAttempts<T>(
  limits: AttemptLimits,
  signal: AbortSignal | undefined,
  attempt: (renew: () => void, failures: number) => Promise<T>,
): Promise<T> {
  const begunMs = performance.now();
  let renewedMs = begunMs;
  let inVain = 0;
  const renew = (): void => {
    inVain = 0;
    renewedMs = performance.now();
  };
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    try {
      return await attempt(renew, failures);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTransient(error)) throw error;
      inVain++;
      const leftMs = limits.budgetMs - (performance.now() - renewedMs);
      if (inVain >= limits.attempts || leftMs < LEAST_WAIT_MS)
        throw givenUp(error, failures + 1, performance.now() - begunMs);
      await pause(Math.min(delayMs(limits, inVain, error), leftMs), signal);
    }
  }
}

function delayMs({ baseDelayMs, maxDelayMs }: AttemptLimits, inVain: number, { details }: DataRefError): number {
  const jitterMs = Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (inVain - 1));
  const askedMs = Number(details['retryAfterMs'] ?? 0);
  return askedMs > 0 ? askedMs + jitterMs : jitterMs;
}

function givenUp(error: DataRefError, attempts: number, elapsedMs: number): DataRefError {
  const tried = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} over ${(elapsedMs / 1000).toFixed(1)} s`;
  return new DataRefError(error.code, `${error.message}; given up after ${tried}`, {
    cause: error,
    details: { ...error.details, isTransient: false, attempts, elapsedMs: Math.round(elapsedMs) },
  });
}
