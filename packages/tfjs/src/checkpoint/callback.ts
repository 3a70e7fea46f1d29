import { DataRefError, type StreamState } from '@dataref/core';
import { countOf, optionsOf, refuseUnknown } from '@dataref/core/adapter';
import type * as Tf from '@tensorflow/tfjs';
import type { Follower } from '../element-source.js';
import { insideOf } from '../tf-dataset.js';
import type { ResumableDataset } from '../types.js';
import { checkParts, checkPath } from './arguments.js';
import { saveCheckpoint } from './checkpoint.js';

export interface CheckpointsOptions {
  /** Batches from one checkpoint to the next, beside those at the ends of epochs. Default: only those. */
  readonly everyBatches?: number | undefined;
  /**
   * Signals, such as `['SIGTERM']`, at which the checkpoint is written after the batch under way and training stops:
   * `fitDataset` returns, with `model.stopTraining` true. A second one ends the process as if there were no handler.
   */
  readonly signals?: readonly string[] | undefined;
}

/** Signals are seen when the event loop turns; a training loop may not let it for long. */
const TURN_EVERY_MS = 50;

/**
 * A callback for `fitDataset` that saves model, optimizer and the dataset's state after every `everyBatches` batches,
 * at the end of each epoch, and on signals. A batch counts once the model has learned from it.
 * @param parts `dataset`: the very object that `fitDataset` is given, without `batchesPerEpoch`
 * @throws DataRefError INVALID_ARGUMENT; and out of `fitDataset` TF_WRAPPED when it was given another dataset
 */
export function checkpoints(
  path: string | URL,
  parts: { readonly model: Tf.LayersModel; readonly dataset: ResumableDataset<any> },
  options: CheckpointsOptions = {},
): Tf.CustomCallbackArgs {
  const { everyBatches, signals = [], ...unknown } = optionsOf('checkpoints', options);
  refuseUnknown('checkpoints', unknown, ['everyBatches', 'signals']);
  const every = everyBatches === undefined ? Infinity : countOf('checkpoints: everyBatches', everyBatches, 1);
  checkPath('checkpoints', path);
  const { model, dataset } = checkParts('checkpoints', parts);
  const { tf, followers } = insideOf(dataset);
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
    if (!listener.wasAsked) return;
    await save();
    model.stopTraining = true;
  };

  return {
    onTrainBegin: () => {
      progress.begin();
      followers.add(progress);
      listener.start();
      unsaved = 0;
      learned = undefined;
      turned = performance.now();
      return undefined;
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

class SignalListener {
  readonly #signals: readonly string[];
  readonly #isTraining: () => boolean;
  #asked = false;
  #listening = false;

  constructor(signals: readonly string[], isTraining: () => boolean) {
    for (const signal of signals) {
      if (
        typeof signal !== 'string' ||
        !/^SIG[A-Z0-9]+$/u.test(signal) ||
        signal === 'SIGKILL' ||
        signal === 'SIGSTOP'
      ) {
        throw new DataRefError(
          'INVALID_ARGUMENT',
          `checkpoints: signals are names such as "SIGTERM", got ${JSON.stringify(signal)}`,
        );
      }
    }
    this.#signals = signals;
    this.#isTraining = isTraining;
  }

  get wasAsked(): boolean {
    return this.#asked;
  }

  start(): void {
    this.stop();
    this.#asked = false;
    for (const signal of this.#signals) process.on(signal, this.#handle);
    this.#listening = true;
  }

  stop(): void {
    if (!this.#listening) return;
    for (const signal of this.#signals) process.off(signal, this.#handle);
    this.#listening = false;
  }

  readonly #handle = (signal: NodeJS.Signals): void => {
    if (!this.#asked && this.#isTraining()) this.#asked = true;
    else {
      this.stop();
      process.kill(process.pid, signal);
    }
  };
}
