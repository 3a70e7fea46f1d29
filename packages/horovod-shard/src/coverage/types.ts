/** What one rank consumed in one step. */
export interface Seen {
  /** Of the job, from 0: the step that made it is the optimizer's. */
  readonly step: number;
  readonly epoch: number;
  /** Of the records, in the dataset; none where the rank had none of that batch. */
  readonly indices: ArrayLike<number>;
}

/** What one rank consumed from one start of the job to its end, however it ended. */
export interface RankLog {
  /** Number of the run: later ones are greater. */
  readonly run: number;
  readonly rank: number;
  /** The world's. */
  readonly size: number;
  /** The step that the run went on with, that of its checkpoint: 0 where there was none. */
  readonly step: number;
  /** Step after step, from `step` on; may be iterated again. */
  readonly entries: Iterable<Seen> | AsyncIterable<Seen>;
}

export interface CoverageOptions {
  /** Records of the dataset. */
  readonly length: number;
  /** Epochs, from the first one, that must have been seen whole; later ones are not looked at. */
  readonly epochs: number;
  /** Records of each epoch that nobody is to see: `length % batchSize` with `remainder: 'drop'`. Default 0. */
  readonly dropped?: number | undefined;
  /** Of a job that has not ended: the step of its last checkpoint. Steps from there on are void. Default: all count. */
  readonly committed?: number | undefined;
}

/** What was proven. */
export interface Coverage {
  readonly runs: number;
  /** Committed steps. */
  readonly steps: number;
  /** Steps that were made, and made again since no checkpoint had them: of the rank that made the most. */
  readonly voidSteps: number;
}
