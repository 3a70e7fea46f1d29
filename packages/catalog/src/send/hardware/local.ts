import { availableParallelism } from 'node:os';
import { DataRefError } from '@dataref/core';
import { countOf, optionsOf, refuseUnknown, threadOptions } from '@dataref/core/adapter';
import type { Hardware } from '../hardware.js';

export interface LocalOptions {
  /** Worker threads. Default: as many as the machine has cores. */
  readonly workers?: number | undefined;
}

/** Threads of this process. @throws DataRefError INVALID_ARGUMENT */
export function local(options: LocalOptions = {}): Hardware {
  const { workers: given = availableParallelism(), ...unknown } = optionsOf('local', options);
  refuseUnknown('local', unknown, ['workers']);
  const workers = countOf('local: workers', given, 1, 1024);
  return {
    kind: 'local',
    workers,
    isInProcess: true,
    async open({ env }) {
      const { Tinypool } = await import('tinypool');
      const pool = new Tinypool({
        filename: new URL('./local-worker.js', import.meta.url).href,
        minThreads: 0,
        maxThreads: workers,
        isolateWorkers: false,
        ...threadOptions(),
        env: { ...(process.env as Record<string, string>), ...env },
      });
      return {
        async run(task, signal) {
          try {
            return (await pool.run(task, { signal })) as Uint8Array;
          } catch (error) {
            signal.throwIfAborted();
            const problem = error instanceof Error ? error.message : String(error);
            throw new DataRefError('WORKER_DIED', `a worker thread ended: ${problem}`, { cause: error });
          }
        },
        close: () => pool.destroy(),
      };
    },
  };
}
