import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { failed } from '../collective/checks.js';
import { introduce, Refused } from './handshake.js';
import { Wire } from './wire.js';

const RETRY_MS = 200;

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
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt({ world, host, port, secret, timeoutMs: deadline - Date.now(), signal });
    } catch (error) {
      signal?.throwIfAborted();
      const { message } = error as Error;
      if (error instanceof Refused) throw failed(message, error);
      if (Date.now() + RETRY_MS > deadline)
        throw failed(
          `rank ${world.rank} of ${world.size} found no complete job at ${host}:${port} within ${timeoutMs / 1000} s: ` +
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
  signal?.addEventListener('abort', stop);
  try {
    await introduce(wire, world, secret);
    return wire;
  } catch (error) {
    wire.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
