import type { BatchStream, ColumnSpec, Flow, Schema, StreamState } from '@dataref/core';
import type * as ort from 'onnxruntime-common';

/** What `session.run` takes, and where the stream stands after it. */
export interface OrtBatch {
  /** One tensor for each input that the stream feeds. With `reuseBuffers` or `poisonExpired`, valid until the next batch is asked for. */
  readonly feeds: Record<string, ort.Tensor>;
  /** Rows of each tensor, padding included. */
  readonly length: number;
  /** Real rows, which come first: fewer than `length` only under `batch(n, { remainder: 'pad' })`. */
  readonly validLength: number;
  /** Real rows of the batch over all shards: what a mean over the ranks of a job is divided by. */
  readonly globalLength: number;
  /** Epoch of the first row. */
  readonly epoch: number;
  /** The state after this batch. */
  readonly state: StreamState;
}

/** What is asked of a session: which inputs the model has, and which outputs. */
export type OrtModel = Pick<ort.InferenceSession, 'inputMetadata'> & Partial<Pick<ort.InferenceSession, 'outputNames'>>;

/** What worker threads take too. */
export interface OrtBindingOptions<S> {
  /** The session that will be fed. Only the names, dtypes and shapes of its inputs are looked at, and the names of its outputs. */
  readonly session: OrtModel;
  /** The onnxruntime that the session is of: `import * as ort from 'onnxruntime-node'`, or 'onnxruntime-web'. */
  readonly ort: { readonly Tensor: typeof ort.Tensor };
  /**
   * The model's input → the column that feeds it, or `{ column, dtype, scale, oneHot }`. What is not named here is yours to
   * add to the feeds. Without `inputs`, every input takes the column of its name; only scalars, the state of a training
   * step (an input NAME with an output `NAME.out` or `NAME.grad`) and inputs of another fixed first dimension than the batches' may be
   * without one.
   */
  readonly inputs?: Readonly<Record<string, ColumnSpec<S>>> | undefined;
  /** An input float32[N] or bool[N] that is 1 for real rows and 0 for padding. */
  readonly maskInput?: string | undefined;
  /**
   * Debug mode: when the next batch is asked for, the arrays of the last one are overwritten, floats with NaN, integers
   * with bytes 0xAA and strings with 'expired', and not used again, so that a use after that shows. Default false.
   */
  readonly poisonExpired?: boolean | undefined;
}

export interface OrtOptions<S> extends OrtBindingOptions<S> {
  /**
   * A batch's arrays are valid until the next batch is asked for, and are then written anew. Safe where each `run` is
   * awaited before that; what is kept longer must be copied. Default false: every batch has arrays of its own.
   */
  readonly reuseBuffers?: boolean | undefined;
}

/**
 * Feeds from a stream that a module builds in a worker thread. An iteration is one epoch. The stream's other methods,
 * such as `take` or `repeat`, are for the module.
 */
export interface OrtWorkerFeeds
  extends
    AsyncIterable<OrtBatch>,
    Pick<Flow<OrtBatch>, 'length' | 'epoch' | 'state' | 'skipped' | 'close' | typeof Symbol.asyncDispose> {
  /**
   * These feeds, standing where the state says; `undefined` starts from the beginning. A state that does not fit the
   * stream is refused when the next batch is asked for: STATE_MISMATCH, STATE_PIPELINE, STATE_WORLD.
   * @throws DataRefError STATE_INVALID
   */
  resume(state: StreamState | undefined): this;
}

export interface OrtWorkerOptions<S> extends OrtBindingOptions<S> {
  /** Ends the thread, with the signal's reason, while its module has not made a stream yet; after that, `close()` does. */
  readonly signal?: AbortSignal | undefined;
}

/** What the module of a worker gives by default. */
export type BatchStreamModule = { readonly default: () => BatchStream | PromiseLike<BatchStream> };

export type ToOrtFeeds<S extends Schema> = (options: OrtOptions<S>) => Flow<OrtBatch>;
