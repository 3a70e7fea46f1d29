import type { BatchStream, ColumnSpec, Field, Schema, Stream, StreamState } from '@dataref/core';
import type * as tf from '@tensorflow/tfjs';

/** The record's structure with a tensor for each leaf. */
export type TensorsOf<S> = 0 extends 1 & S
  ? any
  : S extends Field
    ? tf.Tensor
    : { -readonly [K in keyof S]: TensorsOf<S[K]> };

/** A tf.data.Dataset that knows where it stands. An iteration is one epoch; the next one is the next epoch. */
export interface ResumableDataset<T extends tf.TensorContainer> extends tf.data.Dataset<T> {
  /** After the last element handed out. Plain JSON. */
  readonly state: StreamState;
  /** The epoch that the next element belongs to. */
  readonly epoch: number;
  /**
   * This dataset, standing where the state says; `undefined` starts from the beginning. Comes last, after `batch`,
   * `repeat`, `take` and `skip`.
   * @throws DataRefError STATE_INVALID, STATE_MISMATCH, STATE_PIPELINE, STATE_WORLD
   */
  resume(state: StreamState | undefined): this;
  /** `count` epochs as one; endless without a count, or with a negative one. */
  repeat(count?: number): this;
  /** At most `count` elements of an epoch; all without a count, or with a negative one. */
  take(count?: number): this;
  /** Without the first `count` elements of each epoch. */
  skip(count: number): this;
  /** Reads `batches` elements ahead. They become tensors only when they are asked for. */
  prefetch(batches: number): this;
  /** Another value for each element, which keeps its state. Runs in tf.tidy; the element's tensors are disposed after it. */
  map<O extends tf.TensorContainer>(transform: (value: T) => O): ResumableDataset<O>;
  /** As `map`, with a promise; tensors in between are the function's to dispose. */
  mapAsync<O extends tf.TensorContainer>(transform: (value: T) => Promise<O>): ResumableDataset<O>;
  /** @throws DataRefError UNSUPPORTED always: `stream({ shuffle: true, shuffleSeed })` shuffles the whole dataset */
  shuffle(bufferSize: number, seed?: string, reshuffleEachIteration?: boolean): never;
  /** Ends the iteration under way and closes files. */
  close(): Promise<void>;
  /** An epoch, as `iterator()`, for `for await`; leaving the loop ends the iteration. The tensors are yours to dispose. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T>;
}

/** A tf.data.Dataset whose batch, repeat, take, … keep the fast path, the element type (tfjs's own lose it) and the state. */
export interface TfDataset<T extends tf.TensorContainer> extends ResumableDataset<T> {
  /**
   * Batches of `size` records, one tensor a column.
   * @param smallLastBatch false drops a last batch with fewer records. Default true
   * @throws DataRefError UNSUPPORTED where the elements are batches already
   */
  batch(size: number, smallLastBatch?: boolean): TfDataset<T>;
}

export interface TfOptions {
  /** The TensorFlow.js that the program uses. Default: the installed @tensorflow/tfjs. */
  readonly tf?: typeof tf | undefined;
}

/** Columns by the names that the model wants, each with the conversion it needs. */
export type TfColumns<S> = Readonly<Record<string, ColumnSpec<S>>>;

export interface ToTfDataset<S> {
  // The one with columns last: of several that do not fit, TypeScript explains the last.
  (options?: TfOptions & { readonly columns?: undefined }): TfDataset<TensorsOf<S>>;
  <const M extends TfColumns<S>>(
    options: TfOptions & { readonly columns: M },
  ): TfDataset<{ -readonly [K in keyof M]: tf.Tensor }>;
}

/** Of batches, which may have padding. */
export interface BatchesToTfDataset<S> extends ToTfDataset<S> {
  /** @param options `mask`: name of a further tensor, float32 `[rows]`, 1 for real rows and 0 for padding */
  <const M extends TfColumns<S>, K extends string>(
    options: TfOptions & { readonly columns: M; readonly mask: K },
  ): TfDataset<{ -readonly [N in keyof M | K]: tf.Tensor }>;
}

/** What `toTfDataset` takes: elements of a Stream are records, of a BatchStream batches. */
export type AnyStream<S extends Schema> = Stream<S> | BatchStream<S>;
