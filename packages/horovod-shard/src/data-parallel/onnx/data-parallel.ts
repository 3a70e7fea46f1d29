import { DataRefError, type NDArray, type NumericDType } from '@dataref/core';
import type * as ort from 'onnxruntime-common';
import { FlatExchange } from '../flat-exchange.js';
import { OneAtATime } from '../one-at-a-time.js';
import { refused } from '../refused.js';
import { rootValue } from '../root-value.js';
import { checkOptions, type Training } from './arguments.js';
import type { DataParallel, DataParallelOptions, DataParallelStep, GlobalBatch } from './types.js';

type Tensors = Record<string, ort.Tensor>;
type Elements = NDArray<NumericDType, readonly number[]>['data'];

/**
 * Training of one model by all ranks, with the steps of one process: each rank runs the gradient graph on its own rows, one
 * allreduce adds up gradients, loss, metrics and stop flag, each weighed by the rank's share of the global batch, and each
 * rank makes the same step by the update graph. One rank alone makes the steps of the training graph, to the bit.
 * @throws DataRefError INVALID_ARGUMENT
 * @see Goyal et al., Accurate, Large Minibatch SGD (2017), 2.3: one loss over the global batch
 */
export function dataParallel(options: DataParallelOptions): DataParallel {
  return new Trainer(checkOptions(options));
}

/** Places of what rides along with the gradients; metrics follow. */
const [LOSS, ROWS, STOPS, FAILURES, RATE, METRICS] = [0, 1, 2, 3, 4, 5];

class Trainer implements DataParallel {
  readonly #training: Training;
  readonly #exchange: FlatExchange;
  /** Over the exchange's arrays. */
  readonly #gradients: Tensors;
  /** Every run makes it anew, so that a step that fails leaves what was before it. */
  #state: Tensors;
  #isAlike = false;
  readonly #turn = new OneAtATime();

  constructor(training: Training) {
    const { collective, graphs, parameters } = training;
    const { Tensor } = training.ort;
    this.#training = training;
    const lengths = graphs.learned.map(({ name }) => (parameters[name] as NDArray).data.length);
    this.#exchange = new FlatExchange(collective, lengths, METRICS + graphs.metrics.length);
    this.#gradients = Object.fromEntries(
      graphs.learned.map(({ name, shape }, i) => [
        `${name}.grad`,
        new Tensor('float32', this.#exchange.arrays[i] as Float32Array, shape),
      ]),
    );
    this.#state = Object.fromEntries(
      graphs.state.map(({ name, dtype, shape }) => [
        name,
        new Tensor(dtype, (parameters[name] as NDArray).data.slice() as Float32Array, shape),
      ]),
    );
  }

  broadcast<T>(value?: T): Promise<T> {
    return this.#turn.run('broadcast', () => this.#broadcast(value)) as Promise<T>;
  }

  step(batch: GlobalBatch, learningRate?: number): Promise<DataParallelStep> {
    return this.#turn.run('step', () => this.#step(batch, learningRate));
  }

  parameters(): Record<string, NDArray<NumericDType, readonly number[]>> {
    return Object.fromEntries(
      this.#training.graphs.state.map(({ name, dtype, shape }) => [
        name,
        { dtype, shape: [...shape], data: ((this.#state[name] as ort.Tensor).data as Elements).slice() },
      ]),
    );
  }

  async #broadcast(value?: unknown): Promise<unknown> {
    const { collective } = this.#training;
    const sent = await rootValue(collective, value);
    for (const { data } of Object.values(this.#state)) {
      const { buffer, byteOffset, byteLength } = data as Float32Array;
      await collective.broadcast(new Uint8Array(buffer, byteOffset, byteLength));
    }
    this.#isAlike = true;
    return sent;
  }

  async #step(batch: GlobalBatch, learningRate: number | undefined): Promise<DataParallelStep> {
    const { preemption, graphs, collective } = this.#training;
    if (!this.#isAlike) await this.#broadcast();
    const { scalars } = this.#exchange;
    this.#exchange.clear();
    // Whatever is wrong here, the others are waiting: they are told, and fail too.
    let failure: { readonly error: unknown } | undefined;
    try {
      this.#checkRate(learningRate);
      await this.#putGradients(batch);
    } catch (error) {
      failure = { error };
      scalars[FAILURES] = 1;
    }
    // Signals are told of between turns of the event loop, of which a step in memory may have none.
    if (preemption !== undefined) await new Promise((resolve) => setImmediate(resolve));
    scalars[STOPS] = preemption?.asked === undefined ? 0 : 1;
    // Rank 0's is everybody's: a rate of another would part the ranks for good.
    if (collective.rank === 0 && failure === undefined) scalars[RATE] = learningRate ?? 0;
    await this.#exchange.sum();
    if (failure !== undefined) throw failure.error;
    const [loss = NaN, rows = 0, stops = 0, failures = 0, rate = 0, ...metrics] = scalars;
    const { globalLength } = batch;
    if (failures > 0)
      throw new DataRefError(
        'COLLECTIVE_FAILED',
        `dataParallel: the step failed on ${failures} of ${collective.size} ranks, which say why; parameters are as they were before it`,
      );
    if (rows !== globalLength)
      throw refused(
        `the ranks have ${rows} rows together, and globalLength is ${globalLength}: each rank needs its share of the same global batch, as stream({ shardRank, numShards }).globalBatch(n) gives it`,
      );
    if (!this.#exchange.isFinite)
      throw new DataRefError(
        'NOT_FINITE',
        `dataParallel: the loss of the global batch is ${loss}${Number.isFinite(loss) ? ', and its gradients are not finite' : ''}; parameters are as they were before the step. A lower learning rate may help, or clipped gradients, or look at the batch`,
        { details: { loss } },
      );
    await this.#update(learningRate === undefined ? undefined : rate);
    return {
      loss,
      metrics: Object.fromEntries(graphs.metrics.map((name, i) => [name, metrics[i] as number])),
      globalLength,
      stop: stops > 0,
    };
  }

  /** Writes what this rank adds to the sums. */
  async #putGradients({ feeds, validLength, globalLength }: GlobalBatch): Promise<void> {
    if (!(Number.isInteger(validLength) && validLength >= 0 && validLength <= globalLength && globalLength > 0))
      throw refused(
        `step needs an element of toOrtFeeds over globalBatch(), { feeds, validLength, globalLength }; got validLength ${String(validLength)}, globalLength ${String(globalLength)}`,
      );
    if (validLength === 0) return;
    const { gradientSession, graphs } = this.#training;
    const { arrays, scalars } = this.#exchange;
    const parameters = graphs.learned.map(({ name }) => [name, this.#state[name]]);
    const results = await gradientSession.run({ ...feeds, ...Object.fromEntries(parameters) });
    const share = validLength / globalLength;
    graphs.learned.forEach(({ name }, i) => putScaled(arrays[i], results[`${name}.grad`], share));
    putScaled(scalars.subarray(LOSS, ROWS), results['loss'], share);
    graphs.metrics.forEach((name, i) => putScaled(scalars.subarray(METRICS + i), results[name], share));
    scalars[ROWS] = validLength;
  }

  async #update(learningRate: number | undefined): Promise<void> {
    const { updateSession, graphs, ort } = this.#training;
    const rate = learningRate === undefined ? {} : { lr: new ort.Tensor('float32', Float32Array.of(learningRate), []) };
    this.#isAlike = false; // where it fails on one rank alone, others have made the step: rank 0's state is sent anew
    const results = await updateSession.run({ ...this.#state, ...this.#gradients, ...rate });
    this.#isAlike = true;
    this.#state = Object.fromEntries(graphs.state.map(({ name }) => [name, results[`${name}.out`] as ort.Tensor]));
  }

  #checkRate(rate: number | undefined): void {
    const { hasRate } = this.#training.graphs;
    if (hasRate ? !Number.isFinite(rate) : rate !== undefined)
      throw refused(
        hasRate
          ? `step needs the learning rate, a finite number: step(batch, 0.001); got ${String(rate)}`
          : 'the update graph has no input lr for a learning rate',
      );
  }
}

function putScaled(into: Float32Array | undefined, tensor: ort.Tensor | undefined, share: number): void {
  const data = tensor?.data as Float32Array;
  for (let i = 0; i < data.length; i++) (into as Float32Array)[i] = (data[i] as number) * share;
}
