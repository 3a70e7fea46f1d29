import { DataRefError, type Schema, type StreamState } from '@dataref/core';
import { checkFilePath, endedByAbort, orAbort, SignalListener } from '@dataref/core/adapter';
import type * as ort from 'onnxruntime-common';
import type { OrtBatch, OrtWorkerFeeds } from '../feeds/types.js';
import { feedsOf } from './bound-feeds.js';
import { Checkpointing } from './checkpointing.js';
import { checkOptions, type CheckedOptions } from './options.js';
import { numberAt } from './numbers.js';
import { PingPongState } from './ping-pong-state.js';
import { checkParameters, LOSS, outputError, RATE, refused, stepGraphOf, type StepGraph } from './step-graph.js';
import type { TrainingLoop, TrainingOptions, TrainingStep } from './types.js';

/**
 * Training as a loop over its steps: `for await (const { step, epoch, loss } of trainingLoop({ … })) …`. A step is made
 * when it is asked for: the graph's state goes in as `NAME` and comes out as `NAME.out`. With `checkpoint`, training goes
 * on from its file where there is one, to the bit; it is written every `everySteps` steps before the step is handed out,
 * when a limit is reached, and on signals. A loop that is left by `break`, an abort or an error saves nothing: `save` does.
 * @param options see each
 * @returns a loop that may be left and entered again
 * @throws DataRefError INVALID_ARGUMENT at once for options, a model that is no training step, or parameters that do not
 *   fit it. Out of the loop: CORRUPT for a damaged checkpoint, STATE_MISMATCH for one of another model or dataset;
 *   NOT_FINITE where the loss is, the state before that step being kept, and saved beside the checkpoint;
 *   OUT_OF_RANGE for a label that is no class; USE_AFTER_RELEASE where the session was released; SCHEMA_MISMATCH where
 *   `run` gives other outputs; EMPTY where epochs have no batch; DISK_FULL, STORE_FAILED; what the
 *   stream throws; an abort's own reason
 */
export function trainingLoop<S extends Schema>(options: TrainingOptions<S>): TrainingLoop {
  const checked = checkOptions(options as TrainingOptions);
  const { session, rateAt, parameters } = checked;
  const graph = stepGraphOf(session);
  checkParameters(parameters, graph);
  if (graph.rateShape === undefined && rateAt !== undefined)
    throw refused(`learningRate was given, and the model has no input ${RATE}`);
  if (graph.rateShape !== undefined && rateAt === undefined)
    throw refused(
      `learningRate is missing: the model has the input ${RATE}. Give a number, or a function of { step, epoch }`,
    );
  return new Training(checked, graph, feedsOf(checked, graph));
}

/** What onnxruntime says where softmaxCrossEntropy looks a label up among the classes. */
const WRONG_LABEL = /\/loss\/GatherElements.*Out of range/su;

class Training implements TrainingLoop {
  readonly #options: CheckedOptions;
  readonly #graph: StepGraph;
  readonly #flow: OrtWorkerFeeds;
  readonly #parameters: PingPongState;
  readonly #checkpointing: Checkpointing | undefined;
  readonly #listener: SignalListener;
  readonly #rate = new Float32Array(1);
  readonly #rateFeed: Readonly<Record<string, ort.Tensor>>;
  #step = 0;
  #savedStep = 0;
  #state: StreamState;
  #hasLoaded = false;
  #isEntered = false;
  #startMs = 0;
  /** Whether a listener waits for the last report. */
  #hasTold = false;

  constructor(options: CheckedOptions, graph: StepGraph, flow: OrtWorkerFeeds) {
    const { checkpoint, parameters } = options;
    this.#options = options;
    this.#graph = graph;
    this.#flow = flow;
    this.#parameters = new PingPongState(graph.state, parameters, options.ort);
    this.#checkpointing = checkpoint && new Checkpointing(checkpoint, options.ort);
    this.#listener = new SignalListener(checkpoint?.signals ?? []);
    const { rateShape } = graph;
    this.#rateFeed =
      rateShape === undefined ? {} : { [RATE]: new options.ort.Tensor('float32', this.#rate, rateShape) };
    this.#state = flow.state;
  }

  get step(): number {
    return this.#step;
  }

  get state(): StreamState {
    return this.#state;
  }

  get stoppedBy(): NodeJS.Signals | undefined {
    return this.#listener.asked;
  }

  parameters(): ReturnType<TrainingLoop['parameters']> {
    return this.#parameters.copy();
  }

  async save(path?: string | URL): Promise<void> {
    if (this.#checkpointing === undefined)
      throw refused('save() needs the option checkpoint: { path, model }, which tells the model that a file is of');
    if (!this.#hasLoaded)
      throw refused('save() before the loop was entered would replace a checkpoint that it has not taken up yet');
    if (path !== undefined) checkFilePath('trainingLoop: save()', path);
    await this.#checkpointing.save(this.#parameters.copy(), { step: this.#step, state: this.#state }, path);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrainingStep, undefined> {
    if (this.#isEntered) throw refused('the loop was entered twice at once: its steps are made one after the other');
    this.#isEntered = true;
    this.#listener.start();
    let isDone = false;
    try {
      this.#options.signal?.throwIfAborted();
      await this.#load();
      this.#startMs = performance.now();
      for await (const batch of this.#batches()) {
        const made = await this.#make(batch);
        const isLast = this.#step >= this.#options.steps || this.stoppedBy !== undefined;
        if (isLast || this.#step - this.#savedStep >= this.#everySteps) await this.#save();
        isDone = isLast;
        this.#tell({ isDone });
        yield made;
        if (isDone) return;
        if (this.stoppedBy !== undefined) break;
      }
      await this.#save();
      isDone = true;
      this.#tell({ isDone });
    } finally {
      this.#listener.stop();
      this.#isEntered = false;
      if (!isDone && this.#hasTold) this.#tell({ isDone, isStopped: true });
    }
  }

  /** Takes up what was saved, once, before the first step. */
  async #load(): Promise<void> {
    if (!this.#hasLoaded) {
      const saved = await this.#checkpointing?.load(this.#graph.state, (state) => this.#flow.resume(state));
      this.#hasLoaded = true;
      if (saved !== undefined) {
        this.#parameters.replace(saved.parameters);
        this.#step = this.#savedStep = saved.step;
        this.#state = saved.state;
      }
    }
    this.#flow.resume(this.#state);
  }

  /** The batches of the epochs that are left, until a limit is reached. */
  async *#batches(): AsyncGenerator<OrtBatch, undefined> {
    const { epochs, steps } = this.#options;
    // What is left of an epoch may be nothing; a whole one may not.
    for (let empty = 0; empty < 2; empty++) {
      if (this.#flow.epoch >= epochs || this.#step >= steps) return;
      for await (const batch of this.#untilAborted()) {
        if (batch.epoch >= epochs) return;
        // Of a global batch a shard may have no row, and a mean over none is no number.
        if (batch.validLength === 0) continue;
        empty = -1;
        yield batch;
      }
      if (this.stoppedBy !== undefined) return;
    }
    throw new DataRefError(
      'EMPTY',
      `trainingLoop: an epoch of the stream has no batch, so that nothing would be learned. Make batches smaller, or keep the last one: remainder: 'keep'`,
    );
  }

  async *#untilAborted(): AsyncGenerator<OrtBatch, undefined> {
    const { signal } = this.#options;
    const { stopping } = this.#listener;
    const iterator = this.#flow[Symbol.asyncIterator]();
    let isWaiting = false;
    try {
      for (;;) {
        isWaiting = true;
        const next = await orAbort(orAbort(iterator.next(), stopping), signal);
        isWaiting = false;
        if (next.done === true) return;
        yield next.value;
        signal?.throwIfAborted();
      }
    } catch (error) {
      // No step is under way: what was learned is saved now, since data may never come.
      if (error !== stopping.reason || !stopping.aborted) throw error;
    } finally {
      const closing = iterator.return?.();
      if (signal?.aborted === true || (isWaiting && stopping.aborted)) closing?.catch(() => undefined);
      else await closing;
    }
  }

  /** One step on one batch. Where it fails, all stands as before it. */
  async #make({ feeds, epoch, validLength, state }: OrtBatch): Promise<TrainingStep> {
    const { rateAt } = this.#options;
    const missing = this.#graph.data.find(({ name }) => !Object.hasOwn(feeds, name));
    if (missing !== undefined)
      throw refused(`the feeds have nothing for input ${missing.name}: name it in toOrtFeeds, as inputs or maskInput`);
    const learningRate = rateAt?.({ step: this.#step, epoch });
    this.#rate[0] = learningRate ?? 0;
    const fetches: Record<string, ort.Tensor | null> = { ...this.#parameters.fetches, [LOSS]: null };
    for (const name of this.#graph.metrics) fetches[name] = null;
    const results = await this.#run({ ...feeds, ...this.#rateFeed, ...this.#parameters.feeds }, fetches);
    const loss = numberOf(LOSS, results);
    if (!Number.isFinite(loss)) throw await this.#diverged(loss, epoch);
    const metrics = Object.fromEntries(this.#graph.metrics.map((name) => [name, numberOf(name, results)]));
    this.#parameters.advance(results);
    this.#step++;
    this.#state = state;
    return { step: this.#step, epoch, loss, metrics, learningRate, validLength, state };
  }

  async #run(
    feeds: Record<string, ort.Tensor>,
    fetches: Record<string, ort.Tensor | null>,
  ): Promise<Record<string, ort.Tensor>> {
    const { session, signal } = this.#options;
    try {
      // One that hangs is left behind by an abort. It may write into what the next step would be written into, which is never made.
      const results = await endedByAbort(signal, () => session.run(feeds, fetches));
      return Object(results) as Record<string, ort.Tensor>;
    } catch (error) {
      signal?.throwIfAborted();
      if (WRONG_LABEL.test(String(error)))
        throw new DataRefError(
          'OUT_OF_RANGE',
          `trainingLoop: step ${this.#step + 1} was given a label that is no class: labels are 0 to classes - 1, in rows of padding too, and the last dense layer has as many units as there are classes. Parameters are as they were before the step`,
          { cause: error, details: { step: this.#step } },
        );
      if (!/session.*(?:disposed|released)/iu.test(String(error))) throw error;
      throw new DataRefError(
        'USE_AFTER_RELEASE',
        `trainingLoop: the session was released before step ${this.#step + 1}. What the ${this.#step} steps before it learned is kept: save() writes it. Release the session after the loop`,
        { cause: error, details: { step: this.#step } },
      );
    }
  }

  async #diverged(loss: number, epoch: number): Promise<DataRefError> {
    const at = { step: this.#step, state: this.#state };
    const bad = await this.#checkpointing?.saveBad(this.#parameters.arrays(), at);
    const told = bad === undefined ? '' : `${bad.told}. `;
    return new DataRefError(
      'NOT_FINITE',
      `trainingLoop: the loss of step ${at.step + 1}, in epoch ${epoch}, is ${loss}; parameters() has the state before it, with which the step can be made again. ${told}` +
        'A lower learning rate may help, or clipped gradients, or look at the batch',
      { details: { ...at, epoch, loss, path: bad?.path } },
    );
  }

  async #save(): Promise<void> {
    if (this.#checkpointing === undefined || this.#savedStep === this.#step) return;
    await this.#checkpointing.save(this.#parameters.arrays(), { step: this.#step, state: this.#state });
    this.#savedStep = this.#step;
  }

  #tell({ isDone, isStopped }: { readonly isDone: boolean; readonly isStopped?: boolean }): void {
    const { onProgress, epochs, steps } = this.#options;
    if (onProgress === undefined) return;
    this.#hasTold = isStopped !== true && !isDone; // what ended is told once
    const promised = Math.min(steps, epochs * (this.#flow.length ?? NaN));
    const total = isDone ? this.#step : Number.isFinite(promised) ? Math.max(promised, this.#step + 1) : undefined;
    const elapsedMs = performance.now() - this.#startMs;
    onProgress({ phase: 'train', done: this.#step, total, unit: 'steps', elapsedMs, isStopped });
  }

  get #everySteps(): number {
    return this.#checkpointing?.everySteps ?? Infinity;
  }
}

/** @throws DataRefError SCHEMA_MISMATCH for anything but one number; a model may leave a rank open */
function numberOf(name: string, results: Readonly<Record<string, ort.Tensor>>): number {
  const tensor = results[name];
  if (tensor?.data.length !== 1) throw outputError(name, tensor);
  return numberAt(tensor.type, tensor.data, 0);
}
