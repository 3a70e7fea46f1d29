import { pause } from '../store/pause.js';
import { LEASE_TIMES, type SeenLease } from './lease-record.js';
import type { ProgressOptions } from './types.js';
import { waitingFor } from './waiting-for.js';

/**
 * What one who wants leases saw of them, and since when by its own monotonic clock. Clocks need not agree: where only
 * silence can tell, a holder is dead when it was silent for the time of a lease while somebody looked.
 */
export class LeaseWatch {
  readonly leaseMs: number;
  readonly #seen = new Map<string, { readonly version: string | undefined; readonly sinceMs: number }>();
  readonly #suspects = new Map<string, unknown>();

  constructor({ leaseMs } = LEASE_TIMES) {
    this.leaseMs = leaseMs;
  }

  /** Whether a lease has been as it is now for the time of a lease. Who then takes it does so by compare-and-swap. */
  isSilent(key: string, { version }: SeenLease): boolean {
    const nowMs = performance.now();
    const before = this.#seen.get(key);
    if (before !== undefined && before.version === version) return nowMs - before.sinceMs >= this.leaseMs;
    this.#seen.set(key, { version, sinceMs: nowMs });
    return false;
  }

  /** Notes a holder that looks dead by clocks that may be wrong. */
  suspect(key: string, { record }: SeenLease): void {
    this.#suspects.set(key, record.writer);
  }

  /** Whether a lease in a folder was noted. */
  hasSuspects(folder = ''): boolean {
    return [...this.#suspects.keys()].some((key) => key.startsWith(folder));
  }

  /** Waits until all that were noted can be told from the silent, and tells of the first. */
  async wait({ signal, onProgress }: ProgressOptions): Promise<void> {
    const startMs = performance.now();
    onProgress?.(waitingFor([...this.#suspects.values()][0], startMs));
    const leftMs = (): number => startMs + this.leaseMs - performance.now();
    while (leftMs() > 0) await pause(leftMs(), signal); // a timer may be early
  }
}
