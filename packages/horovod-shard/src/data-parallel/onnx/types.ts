import type { NDArray, NumericDType } from '@dataref/core';
import type * as ort from 'onnxruntime-common';
import type { Collective } from '../../collective/types.js';

/** Arrays by the names of the update graph's inputs: parameters, and what the optimizer has gathered. */
export type Parameters = Readonly<Record<string, NDArray<NumericDType, readonly number[]>>>;

export type OrtSession = Pick<ort.InferenceSession, 'inputMetadata' | 'outputMetadata' | 'run'>;

export interface DataParallelOptions {
  readonly collective: Collective;
  /** The onnxruntime that made the sessions. */
  readonly ort: { readonly Tensor: typeof ort.Tensor };
  /**
   * Of a graph that takes rows and parameters NAME, and gives `loss`, a mean over the real rows, and its gradients
   * NAME.grad, float32, such as `gradientGraph` of '@dataref/onnx/graph'. Its other outputs of one number are metrics, means
   * as well.
   */
  readonly gradientSession: OrtSession;
  /** Of a graph that takes the state NAME, NAME.grad and `lr`, and gives NAME.out, such as `updateGraph`. */
  readonly updateSession: OrtSession;
  /** First values of the whole state, such as `initialState(1)` or those of a checkpoint. They are copied. */
  readonly parameters: Parameters;
  /** What knows whether this rank was asked to stop, such as `onPreempt()`. */
  readonly preemption?: { readonly asked: NodeJS.Signals | undefined } | undefined;
}

/** One rank's rows of a global batch, such as `toOrtFeeds` makes of `globalBatch()`. */
export interface GlobalBatch {
  /** For the inputs of the gradient graph that are no parameters. */
  readonly feeds: Readonly<Record<string, ort.Tensor>>;
  /** This rank's rows without padding; 0 where it has none. */
  readonly validLength: number;
  /** Those of all ranks. */
  readonly globalLength: number;
}

/** A step that all ranks made; its numbers are the same on each of them. */
export interface DataParallelStep {
  /** Mean over the global batch, before the step. */
  readonly loss: number;
  /** Means over the global batch of the gradient graph's other outputs of one number, such as `accuracy`. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Rows of the global batch, without padding. */
  readonly globalLength: number;
  /** Some rank was asked to stop: all are to leave after this step, rank 0 with a checkpoint. */
  readonly stop: boolean;
}

/** Training of one model by all ranks. */
export interface DataParallel {
  /**
   * Gives all ranks the parameters of rank 0, and what its optimizer has gathered. The first step does it where it was not
   * done. Made by all ranks together.
   * @param value plain JSON of rank 0 that goes along, such as the checkpoint's state of the stream; what the others give is left
   * @returns the value of rank 0
   * @throws DataRefError COLLECTIVE_FAILED
   */
  broadcast<T = undefined>(value?: T): Promise<T>;
  /**
   * One step by the mean gradient of the global batch. Made by all ranks together, those without rows too, one after another.
   * Where it fails, all ranks fail, with parameters as they were before it.
   * @param learningRate for the input `lr`, where the update graph has it; alike on all ranks
   * @throws DataRefError NOT_FINITE where the loss is no number; COLLECTIVE_FAILED, also where another rank's step failed;
   * INVALID_ARGUMENT where the ranks' rows are not those of one global batch. What the session throws
   */
  step(batch: GlobalBatch, learningRate?: number): Promise<DataParallelStep>;
  /** A copy of the state after the last step, the same on all ranks: parameters, and what the optimizer has gathered. */
  parameters(): Record<string, NDArray<NumericDType, readonly number[]>>;
}
