import { DataRefError, type StateNode, type StreamState } from '@dataref/core';
import {
  BatchFlow,
  checkFilePath,
  checkSignals,
  countOf,
  optionsOf,
  refuseUnknown,
  SignalListener,
  type RecordFlow,
} from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import type { Follower } from '../element-source.js';
import { insideOf } from '../tf-dataset.js';
import type { ResumableDataset } from '../types.js';
import { checkParts } from './arguments.js';
import { saveCheckpoint } from './checkpoint.js';

export interface CheckpointsOptions {
  /** Batches from one checkpoint to the next, beside those at the ends of epochs. Default: only those. */
  readonly everyBatches?: number | undefined;
  /**
   * Signals, such as `['SIGTERM']`, at which the checkpoint is written after the batch under way and training stops:
   * `fitDataset` returns, with `model.stopTraining` true. A second one ends the process as if there were no handler.
   */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
}

/** Signals are seen when the event loop turns; a training loop may not let it for long. */
const TURN_EVERY_MS = 50;

/**
 * A callback for `fitDataset` that saves model, optimizer and the dataset's state after every `everyBatches` batches,
 * at the end of each epoch, and on signals. A batch counts once the model has learned from it.
 * @param parts `dataset`: the very object that `fitDataset` is given, without `batchesPerEpoch`
 * @throws DataRefError INVALID_ARGUMENT; and out of `fitDataset` TF_WRAPPED when it was given another dataset, EMPTY
 *   where an epoch has no batch
 */
export function checkpoints(
  path: string | URL,
  parts: { readonly model: Tf.LayersModel; readonly dataset: ResumableDataset<any> },
  options: CheckpointsOptions = {},
): Tf.CustomCallbackArgs {
  checkFilePath('checkpoints', path);
  const { model, dataset } = checkParts('checkpoints', parts, '{ model, dataset }');
  const { everyBatches, signals = [], ...unknown } = optionsOf('checkpoints', options);
  refuseUnknown('checkpoints', unknown, ['everyBatches', 'signals']);
  const every = everyBatches === undefined ? Infinity : countOf('checkpoints: everyBatches', everyBatches, 1);
  checkSignals('checkpoints', signals);
  const inside = insideOf(dataset);
  const { tf, followers } = inside;
  const progress = new Progress();
  // Where another callback or the data fails, tfjs ends training and tells nobody: the model knows, or (of a sequential
  // one) the model inside.
  const isTraining = (): boolean => {
    const outer = model as unknown as {
      readonly isTraining?: boolean;
      readonly model?: { readonly isTraining?: boolean };
    };
    return outer.isTraining === true || outer.model?.isTraining === true;
  };
  const listener = new SignalListener(signals, isTraining);
  let unsaved = 0;
  let learned: StreamState | undefined;
  let turned = 0;

  const end = (): void => {
    followers.delete(progress);
    listener.stop();
  };
  const save = async (): Promise<void> => {
    if (learned === undefined || unsaved === 0) return;
    await saveCheckpoint(path, { model, state: learned }, { tf });
    unsaved = 0;
  };
  /** Runs a step of ours; where it fails, training ends, and nothing of ours stays behind. */
  const guarded = async (step: () => Promise<void> | void): Promise<void> => {
    try {
      await step();
    } catch (error) {
      end();
      throw error;
    }
  };
  const stopIfAsked = async (): Promise<void> => {
    if (signals.length > 0 && performance.now() - turned > TURN_EVERY_MS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      turned = performance.now();
    }
    if (listener.asked === undefined) return;
    await save();
    model.stopTraining = true;
  };

  return {
    onTrainBegin: () => {
      if (dataset.size === 0) throw emptyEpoch(inside.flow);
      progress.begin();
      followers.add(progress);
      listener.start();
      unsaved = 0;
      learned = undefined;
      turned = performance.now();
      return undefined;
    },
    onEpochBegin: (epoch) => {
      const { resumedEpoch = 0 } = inside;
      inside.resumedEpoch = undefined;
      // Epochs of an endless dataset are those of `batchesPerEpoch`.
      if (epoch === 0 && resumedEpoch > 0 && dataset.size !== Infinity)
        console.warn(
          `DataRef: fitDataset begins to count at epoch 0, but the dataset was resumed in epoch ${resumedEpoch}: it would be trained for ${resumedEpoch} epochs more than \`epochs\` says. Give fitDataset { initialEpoch: saved.epoch }, with what loadCheckpoint gave`,
        );
    },
    onBatchBegin: () => guarded(() => progress.checkElement()),
    onBatchEnd: () =>
      guarded(async () => {
        learned = progress.takeState();
        unsaved++;
        if (unsaved >= every) await save();
        await stopIfAsked();
      }),
    onEpochEnd: () =>
      guarded(async () => {
        if (learned === undefined)
          console.warn(
            'DataRef: an epoch of the dataset gave no batch, and nothing was trained: does a filter leave any?',
          );
        await save();
        await stopIfAsked();
      }),
    onTrainEnd: () => end(),
  };
}

/** Knows which state belongs to the batch under way: there is one for each element, and one batch an element. */
class Progress implements Follower {
  #asked = 0;
  #states: StreamState[] = [];
  #wrapper: string | undefined;

  begin(): void {
    this.#asked = 0;
    this.#states = [];
    this.#wrapper = undefined;
  }

  asked(): void {
    this.#asked++;
  }

  handedOut(state: StreamState | undefined): void {
    if (state === undefined) this.#asked--;
    else if (this.#states.length < 2) this.#states.push(state);
  }

  wrapped(method: string): void {
    this.#wrapper ??= method;
  }

  /** @throws DataRefError TF_WRAPPED */
  checkElement(): void {
    if (this.#wrapper !== undefined) throw tfWrapped(`what its ${this.#wrapper}() gave`);
    if (this.#states.length === 0) throw tfWrapped('another one');
    if (this.#asked !== 1) throw tfWrapped(`one that took ${this.#asked} elements for a batch`);
  }

  takeState(): StreamState {
    this.checkElement();
    this.#asked--;
    return this.#states.shift() as StreamState;
  }
}

function tfWrapped(given: string): DataRefError {
  return new DataRefError(
    'TF_WRAPPED',
    `checkpoints() was given one dataset and fitDataset ${given}, whose batches have no states: give both the same object. ` +
      'Leave records out when the dataset is submitted, not here; batch, repeat, take, skip, prefetch and map of a dataset give one that has states',
  );
}

function emptyEpoch(flow: RecordFlow | BatchFlow): DataRefError {
  const size = flow instanceof BatchFlow ? ` of ${flow.batchSize}` : '';
  const records = recordsOf(flow.state.node);
  return new DataRefError(
    'EMPTY',
    `checkpoints: an epoch of the dataset has no batch${size}, so that fitDataset would train nothing` +
      `${records === undefined ? '' : `: there are ${records} records`}. Make batches smaller, or keep the last one: remainder: 'keep'`,
  );
}

/** Records of the dataset that a pipeline begins with; undefined where there are several. */
function recordsOf(node: StateNode): number | undefined {
  if (node.kind === 'step') return recordsOf(node.input);
  return node.kind === 'source' ? node.dataset.length : undefined;
}
