import type * as Tf from '@tensorflow/tfjs';
import type { Collective } from '../../collective/types.js';

export interface DataParallelOptions<B> {
  readonly collective: Collective;
  /** Its trainable weights are trained, as they are now; all of its weights are sent. Or `variables`. */
  readonly model?: Tf.LayersModel | undefined;
  /** What is trained, where there is no model: float32, in the same order on all ranks. */
  readonly variables?: readonly Tf.Variable[] | undefined;
  /** Made alike on all ranks. Default: the one that the model was compiled with. */
  readonly optimizer?: Tf.Optimizer | undefined;
  /**
   * The loss of each row of a batch, float32 `[rows]`; those of padding are left out. No mean or sum: ranks have different
   * numbers of rows. Not called where this rank has no rows.
   */
  readonly loss: (batch: B) => Tf.Tensor;
  /**
   * Name of the tensor of a batch that is 1 for real rows and 0 for padding, float32 `[rows]`. Other numbers weigh the
   * rows. Default: `mask`, where batches have it. Batches of a stream know their padding.
   */
  readonly mask?: string | undefined;
  /** What knows whether this rank was asked to stop, such as `onPreempt()`. */
  readonly preemption?: { readonly asked: NodeJS.Signals | undefined } | undefined;
  /** The TensorFlow.js that made model and optimizer. Default: the installed @tensorflow/tfjs. */
  readonly tf?: typeof Tf | undefined;
}

/** A step that all ranks made; its numbers are the same on each of them. */
export interface DataParallelStep {
  /** Mean over the global batch, before the step. */
  readonly loss: number;
  /** Rows of the global batch, without padding: what the mean was divided by. */
  readonly globalLength: number;
  /** Some rank was asked to stop: all are to leave after this step, rank 0 with a checkpoint. */
  readonly stop: boolean;
}

/** Training of one model by all ranks. */
export interface DataParallel<B> {
  /**
   * Gives all ranks the weights of rank 0 and what its optimizer has gathered. The first step does it where it was not
   * done; call it after weights were changed on rank 0 alone, as by `loadCheckpoint`. Made by all ranks together.
   * @param value plain JSON of rank 0 that goes along, such as the checkpoint's state of the stream; what the others give is left
   * @returns the value of rank 0
   * @throws DataRefError COLLECTIVE_FAILED; INVALID_ARGUMENT where model or optimizer differ from those of rank 0
   */
  broadcast<T = undefined>(value?: T): Promise<T>;
  /**
   * One step of the optimizer, by the mean gradient of the global batch. Made by all ranks together, those without rows
   * too, one after another.
   * @param batch this rank's rows of the global batch: an element of `toTfDataset()`, whose tensors are disposed, or a
   * batch of `globalBatch()`
   * @throws DataRefError COLLECTIVE_FAILED where another rank failed; INVALID_ARGUMENT for a loss or mask of another shape, rows
   * that are not those of one global batch, or none at all; NOT_FINITE before anything is changed; what `loss` throws
   */
  step(batch: B): Promise<DataParallelStep>;
}
