import type { StreamState } from '@dataref/core';
import { BatchFlow, type DataBatch, type RecordFlow } from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import type { TensorColumns } from './tensor-columns.js';
import { mapTensors, type TensorMap } from './tensor-map.js';
import { toTensors } from './to-tensors.js';

/** What a dataset's elements are made of. */
export interface DatasetRecipe {
  readonly tf: typeof Tf;
  /** Yields what `columns` picks. */
  readonly flow: RecordFlow | BatchFlow;
  readonly columns: TensorColumns;
  /** Name of the tensor that tells real rows from padding. */
  readonly mask: string | undefined;
  readonly maps: readonly TensorMap[];
}

/** Who follows a dataset's elements, to know which state belongs to which. */
export interface Follower {
  /** An element was asked for. */
  asked(): void;
  /** What was asked for was handed out: an element, with the state after it, or the end. */
  handedOut(state: StreamState | undefined): void;
  /** Another dataset was made over this one by a method of tfjs's. */
  wrapped(method: string): void;
}

/**
 * One iteration of a dataset. It begins when its first element is asked for; concurrent calls are served in turn, so
 * that element, tensors and state belong together.
 */
export function openElements(
  { tf, flow, columns, mask, maps }: DatasetRecipe,
  followers: ReadonlySet<Follower>,
): AsyncIterableIterator<Tf.TensorContainer> {
  const elements: AsyncIterator<unknown> = flow[Symbol.asyncIterator]();
  let turn: Promise<unknown> = Promise.resolve();

  const pull = async (): Promise<IteratorResult<Tf.TensorContainer>> => {
    const step = await elements.next();
    if (step.done === true) {
      for (const follower of followers) follower.handedOut(undefined);
      return { value: null, done: true };
    }
    try {
      let value =
        flow instanceof BatchFlow
          ? batchTensors(tf, flow, step.value as DataBatch, mask)
          : toTensors(tf, columns.schema, step.value);
      for (const map of maps) value = await mapTensors(tf, map, value);
      for (const follower of followers) follower.handedOut(flow.state);
      return { value, done: false };
    } catch (error) {
      await elements.return?.();
      throw error;
    }
  };

  return {
    next() {
      for (const follower of followers) follower.asked();
      const result = turn.then(pull, pull);
      turn = result;
      return result;
    },
    async return() {
      await elements.return?.();
      return { value: null, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function batchTensors(tf: typeof Tf, flow: BatchFlow, batch: DataBatch, mask: string | undefined): Tf.TensorContainer {
  const { length, validLength } = batch;
  const tensors = toTensors(tf, batch.schema, batch.columns);
  if (mask !== undefined)
    Object.assign(tensors as object, { [mask]: tf.tensor1d(new Float32Array(length).fill(1, 0, validLength)) });
  // The wasm backend has copied the bytes into its own memory by now, so that the arrays can be written anew. The other
  // backends keep them; and where a map of the user's has seen them (the schema is then not known), so may the user.
  if (tf.getBackend() === 'wasm' && flow.knownSchema !== undefined) batch.release();
  return tensors;
}
