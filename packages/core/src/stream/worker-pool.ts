import type { Tinypool } from 'tinypool';
import { withOwnSignal } from '../or-abort.js';
import { threadOptions } from '../thread-options.js';
import type { WorkerTask } from './worker-map.js';

/** Threads that end by themselves when idle for so long. */
const IDLE_MS = 1000;

/** Threads for one module, which all passes that run it in as many workers share. */
interface Shared {
  readonly pool: Promise<Tinypool>;
  holders: number;
}
const shared = new Map<string, Shared>();

/** A share in the threads for a module. */
export interface WorkerPool {
  /** Runs a task in a thread; rejects where the thread ends, and with the signal's abort, which ends the thread at once. */
  run(task: WorkerTask, transferList: ArrayBuffer[], signal: AbortSignal): Promise<unknown>;
  /** Gives the share back; the last one ends the threads. */
  release(): Promise<void>;
}

/** A share in the pool for a module, which is made where nobody holds one. No thread is started before there is a task. */
export function holdPool(module: string, workers: number): WorkerPool {
  const key = `${workers} ${module}`;
  const held = shared.get(key) ?? { pool: openPool(workers), holders: 0 };
  shared.set(key, held);
  held.holders++;
  let isReleased = false;
  return {
    async run(task, transferList, signal) {
      const pool = await held.pool;
      return withOwnSignal(signal, (own) => pool.run(task, { transferList, signal: own ?? null }));
    },
    async release() {
      if (isReleased) return;
      isReleased = true;
      held.holders--;
      if (held.holders > 0) return;
      shared.delete(key);
      await (await held.pool).destroy();
    },
  };
}

async function openPool(workers: number): Promise<Tinypool> {
  const { Tinypool } = await import('#tinypool');
  return new Tinypool({
    filename: new URL('./map-worker.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: workers,
    idleTimeout: IDLE_MS,
    isolateWorkers: false,
    ...threadOptions(),
  });
}
