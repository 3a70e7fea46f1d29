/** Where functions run. `local`, `mpi` and `ssh` make some; others are made by implementing this. */
export interface Hardware {
  /** For messages. */
  readonly kind: string;
  /** How many tasks it runs at once. */
  readonly workers: number;
  /** Whether tasks stay in this process, so that they may have credentials of its storages in them. */
  readonly isInProcess: boolean;
  /**
   * Starts what runs tasks, as long as there are some.
   * @throws DataRefError WORKER_DIED where it cannot be reached
   */
  open(options: WorkforceOptions): Promise<Workforce>;
}

export interface WorkforceOptions {
  /** Environment variables for the workers, besides their own. May hold secrets: never written to a file, log or command line. */
  readonly env: Readonly<Record<string, string>>;
}

/** Workers that have been started. */
export interface Workforce {
  /**
   * Hands a task to a worker in which `runTask` does it, and gives its answer. Waits where all workers are busy. Rejects
   * where the worker ends before it answered; the task is then run again, by another that this starts where it must. An
   * abort ends the worker where the task cannot be ended otherwise, and rejects with the signal's reason.
   */
  run(task: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Ends the workers. */
  close(): Promise<void>;
}
