import type { BatchStream, ColumnSpec, NDArray, NumericDType, Progress, Schema, StreamState } from '@dataref/core';
import type * as ort from 'onnxruntime-common';
import type { OrtWorkerFeeds } from '../feeds/types.js';

/** Arrays by the names of the graph's inputs: parameters and what the optimizer has gathered. */
export type Parameters = Readonly<Record<string, NDArray<NumericDType, readonly number[]>>>;

/** Where training stands when a learning rate is asked for. */
export interface TrainingMoment {
  /** Steps made so far: 0 before the first. */
  readonly step: number;
  /** Of the batch that is learned from next. */
  readonly epoch: number;
}

/** A step that was made. */
export interface TrainingStep {
  /** Steps made since training began, this one among them: 1 after the first, also counted over resumes. */
  readonly step: number;
  /** Of the batch that was learned from. */
  readonly epoch: number;
  /** The graph's output `loss`: before the step, of this batch. */
  readonly loss: number;
  /** The graph's other outputs that are scalars, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** What the step was made with; undefined where the graph has no input `lr`. */
  readonly learningRate: number | undefined;
  /** Real rows of the batch. */
  readonly validLength: number;
  /** The stream's state after the batch. Plain JSON. */
  readonly state: StreamState;
}

export interface TrainingCheckpoint {
  /** Training goes on from this file where there is one. Its folder is made where there is none. */
  readonly path: string | URL;
  /** The bytes that the session was made of: a checkpoint of another model is refused. */
  readonly model: Uint8Array;
  /** Steps from one checkpoint to the next, beside the one at the end. Default: only that one. */
  readonly everySteps?: number | undefined;
  /**
   * Signals, such as `['SIGTERM']`, at which the checkpoint is written after the step under way, or at once while data is waited for, and the loop ends, with
   * `stoppedBy` set. A second one ends the process as if there were no handler.
   */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /**
   * What the session was made with. Results are equal to the bit only for equal numbers of threads: a file that was
   * written with another is resumed with a warning. Default: unknown, written down as the machine's own number.
   */
  readonly intraOpNumThreads?: number | undefined;
}

export interface TrainingOptions<S extends Schema = any> {
  /** Of a training-step graph: state in as `NAME`, out as `NAME.out`; `loss` out; the learning rate in as `lr`. */
  readonly session: Pick<ort.InferenceSession, 'inputMetadata' | 'outputMetadata' | 'run'>;
  /** The onnxruntime that made the session. */
  readonly ort: { readonly Tensor: typeof ort.Tensor; readonly env?: Pick<ort.Env, 'versions'> };
  /**
   * Batches, or what `toOrtFeeds` made of them, such as `await toOrtFeeds(new URL('./batches.js', import.meta.url), { session,
   * ort })`, which loads in a worker thread beside the steps. Feeds are bound already: `inputs` and `maskInput` are said
   * there. They are yours to close.
   */
  readonly stream: BatchStream<S> | OrtWorkerFeeds;
  /** Data input → column, as in `toOrtFeeds`; left out: by name. */
  readonly inputs?: Readonly<Record<string, ColumnSpec<S>>> | undefined;
  /** The input that is 1 for real rows and 0 for padding. Default: `mask`, where the graph has it. */
  readonly maskInput?: string | undefined;
  /** First values of every state input. They are copied. */
  readonly parameters: Parameters;
  /** For the input `lr`, float32: a number, or what a function says before each step. */
  readonly learningRate?: number | ((at: TrainingMoment) => number) | undefined;
  /** Epochs of the stream, those before a resume among them. Of `epochs` and `steps` one is needed. */
  readonly epochs?: number | undefined;
  /** Steps in all, those before a resume among them. */
  readonly steps?: number | undefined;
  readonly checkpoint?: TrainingCheckpoint | undefined;
  /**
   * Ends the loop after the step under way, with the signal's reason; where its run does not end, a second later, and that
   * run is left behind.
   */
  readonly signal?: AbortSignal | undefined;
  /** Told of each step; `total` is what length and limits promise, until the last call. `progressBar('train')` shows it. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Steps of training, each made when it is asked for. A loop that was left goes on where it stood when it is entered again. */
export interface TrainingLoop extends AsyncIterable<TrainingStep> {
  /** Steps made, those before a resume among them. */
  readonly step: number;
  /** The stream's state after the last step. */
  readonly state: StreamState;
  /** The signal of `checkpoint.signals` that ended the loop; undefined for any other end. */
  readonly stoppedBy: NodeJS.Signals | undefined;
  /** A copy of all state after the last step: parameters, and what the optimizer has gathered. */
  parameters(): Record<string, NDArray<NumericDType, readonly number[]>>;
  /**
   * Writes a checkpoint of the last step.
   * @param path default: the path of `checkpoint`
   * @throws DataRefError INVALID_ARGUMENT without `checkpoint`, and before the loop was entered; NOT_FINITE, DISK_FULL, STORE_FAILED
   */
  save(path?: string | URL): Promise<void>;
}
