import { checkSignals, optionsOf, refuseUnknown, SignalListener } from '@dataref/core/adapter';
import type { Collective } from '../collective/types.js';
import { agree } from './agree.js';

export interface PreemptOptions {
  /** Default: SIGTERM, which clouds, Kubernetes and launchers send, and SIGUSR1, which mpirun and SLURM hand on. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
}

/** Hears that the job is to stop, and lets its ranks stop after one and the same step. */
export interface Preemption {
  /** The signal that came; of several, the first of the list that was given. A number for a collective: `asked === undefined ? 0 : 1`. */
  readonly asked: NodeJS.Signals | undefined;
  /**
   * Whether any rank was asked: the same answer on all ranks, which call it after the same step. Lets the event loop
   * turn first: a loop that computes without a pause hears no signal.
   * @throws DataRefError COLLECTIVE_FAILED
   */
  agree(collective: Collective): Promise<boolean>;
  /**
   * Hears no more: from then on a signal ends the process, so close it after the last checkpoint. Idempotent; `asked`
   * stays.
   */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * From now on a signal ends no step: the first of a kind is noted, a second one of that kind ends the process as if
 * nobody listened.
 * @throws DataRefError INVALID_ARGUMENT for what is no signal, or one that cannot be heard
 */
export function onPreempt(options?: PreemptOptions): Preemption {
  const { signals = ['SIGTERM', 'SIGUSR1'], ...unknown } = optionsOf('onPreempt', options);
  refuseUnknown('onPreempt', unknown, ['signals']);
  checkSignals('onPreempt', signals);
  // One for each: SLURM sends SIGUSR1 early and SIGTERM at the limit, which must not end what stops already.
  return new SignalPreemption(Array.from(new Set(signals), (signal) => new SignalListener([signal])));
}

class SignalPreemption implements Preemption {
  readonly #listeners: readonly SignalListener[];

  constructor(listeners: readonly SignalListener[]) {
    this.#listeners = listeners;
    for (const listener of listeners) listener.start();
  }

  get asked(): NodeJS.Signals | undefined {
    return this.#listeners.find(({ asked }) => asked !== undefined)?.asked;
  }

  async agree(collective: Collective): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    return agree(collective, this.asked !== undefined);
  }

  close(): void {
    for (const listener of this.#listeners) listener.stop();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
