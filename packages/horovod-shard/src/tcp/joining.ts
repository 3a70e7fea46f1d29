import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { failed } from '../collective/checks.js';
import { challengeOf, Doubtful, introduce, Refused } from './handshake.js';
import { Wire } from './wire.js';

const RETRY_MS = 200;
/** Rank 0 speaks first, and at once: what is silent for so long may be something else, that has its port for now. */
const SILENCE_MS = 5_000;

export interface Joining {
  readonly world: { readonly rank: number; readonly size: number };
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A connection to rank 0, when all ranks are there; rank 0 may start later. @throws DataRefError COLLECTIVE_FAILED */
export async function join({ world, host, port, secret, timeoutMs, signal }: Joining): Promise<Wire> {
  const deadline = performance.now() + timeoutMs;
  let doubt: Error | undefined;
  for (;;) {
    try {
      return await attempt({ world, host, port, secret, timeoutMs: deadline - performance.now(), signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refused) throw failed(error.message, error);
      if (error instanceof Doubtful) doubt = error;
      const { message } = doubt ?? (error as Error);
      if (performance.now() + RETRY_MS > deadline)
        throw failed(
          `rank ${world.rank} of ${world.size} found no complete job at ${host}:${port} within ${Math.round(timeoutMs) / 1000} s: ` +
            `${message}. Is rank 0 running, and this port open on its machine? A job that has begun lets nobody in`,
          error,
        );
      await sleep(RETRY_MS, undefined, signal && { signal }).catch(() => undefined);
      signal?.throwIfAborted();
    }
  }
}

async function attempt({ world, host, port, secret, timeoutMs, signal }: Joining): Promise<Wire> {
  const wire = new Wire(connect({ host, port }));
  const stop = (): void => wire.destroy();
  const timer = setTimeout(stop, timeoutMs);
  const silence = setTimeout(stop, SILENCE_MS);
  signal?.addEventListener('abort', stop);
  try {
    const challenge = await challengeOf(wire);
    clearTimeout(silence);
    await introduce(wire, challenge, world, secret);
    return wire;
  } catch (error) {
    wire.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    clearTimeout(silence);
    signal?.removeEventListener('abort', stop);
  }
}
