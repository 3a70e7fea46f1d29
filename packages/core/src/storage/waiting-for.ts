import { shown } from '../errors.js';
import type { Progress } from '../progress.js';

/** The report that a dataset waits for the holder of a lease. */
export function waitingFor(writer: unknown, sinceMs: number): Progress {
  const { host, pid } = Object(writer) as { host?: unknown; pid?: unknown };
  return {
    phase: 'wait',
    done: 0,
    total: 1,
    unit: 'datasets',
    elapsedMs: performance.now() - sinceMs,
    waitingFor: {
      // Without the hash that tells apart hosts of one name.
      host: typeof host === 'string' ? shown(host.replace(/-[0-9a-f]{16}$/u, '')) : undefined,
      pid: typeof pid === 'number' ? pid : undefined,
    },
  };
}
