import { DataRefError } from '@dataref/core';
import type * as Tf from '@tensorflow/tfjs';
import { failed } from '../../collective/checks.js';
import { FlatExchange } from '../flat-exchange.js';
import { OneAtATime } from '../one-at-a-time.js';
import { checkOptions, type Training } from './arguments.js';
import { rowsOf, tensorsOf, type BatchRows } from './batch-rows.js';
import { refused } from '../refused.js';
import { broadcastState } from './training-state.js';
import type { DataParallel, DataParallelOptions, DataParallelStep } from './types.js';

/**
 * Training of one model by all ranks, with the steps of one process: each rank sums the losses of its own rows, one
 * allreduce sums gradients, loss, count and stop flag over all ranks, and each makes the same step of its optimizer by
 * the mean. Layers that keep means of batches, as batch normalisation does, see those of their own rank.
 * @throws DataRefError INVALID_ARGUMENT, MISSING_PACKAGE
 * @see Goyal et al., Accurate, Large Minibatch SGD (2017), 2.3: one loss over the global batch
 */
export function dataParallel<B = any>(options: DataParallelOptions<B>): DataParallel<B> {
  return new Trainer(checkOptions(options));
}

/** Places of what rides along with the gradients. */
const [LOSS, ROWS, STOPS, FAILURES, RIDERS] = [0, 1, 2, 3, 4];

class Trainer<B> implements DataParallel<B> {
  readonly #training: Training<B>;
  readonly #exchange: FlatExchange;
  #isAlike = false;
  readonly #turn = new OneAtATime();

  constructor(training: Training<B>) {
    this.#training = training;
    const lengths = training.variables.map(({ size }) => size);
    this.#exchange = new FlatExchange(training.collective, lengths, RIDERS);
  }

  broadcast<T>(value?: T): Promise<T> {
    return this.#turn.run('broadcast', () => this.#broadcast(value)) as Promise<T>;
  }

  step(batch: B): Promise<DataParallelStep> {
    return this.#turn.run('step', async () => {
      try {
        return await this.#step(batch);
      } finally {
        this.#training.tf.dispose(tensorsOf(this.#training.tf, batch));
      }
    });
  }

  async #broadcast(value?: unknown): Promise<unknown> {
    const sent = await broadcastState(this.#training.collective, this.#training, value);
    this.#isAlike = true;
    return sent;
  }

  async #step(batch: B): Promise<DataParallelStep> {
    const { tf, mask, preemption, collective } = this.#training;
    if (!this.#isAlike) await this.#broadcast();
    const { arrays, scalars } = this.#exchange;
    this.#exchange.clear();
    let promised: number | undefined;
    // Whatever is wrong here, the others are waiting: they are told, and fail too.
    let failure: { readonly error: unknown } | undefined;
    try {
      const rows = await rowsOf(tf, batch, mask);
      promised = rows.globalLength;
      if (rows.count > 0) await this.#putGradients(batch, rows);
      scalars[ROWS] = rows.count;
    } catch (error) {
      failure = { error };
      scalars[FAILURES] = 1;
    }
    // Signals are told of between turns of the event loop, of which a step in memory may have none.
    if (preemption !== undefined) await new Promise((resolve) => setImmediate(resolve));
    scalars[STOPS] = preemption?.asked === undefined ? 0 : 1;
    await this.#exchange.sum();
    if (failure !== undefined) throw failure.error;
    const [lossSum = 0, globalLength = 0, stops = 0, failures = 0] = scalars;
    if (failures > 0)
      throw failed(
        `dataParallel: the step failed on ${failures} of ${collective.size} ranks, which say why; weights are as they were before it`,
      );
    if (globalLength === 0) throw refused('no rank has a row in this batch');
    if (promised !== undefined && promised !== globalLength)
      throw refused(
        `the ranks have ${globalLength} rows together, and globalLength is ${promised}: each rank needs its share of the same global batch, as stream({ shardRank, numShards }).globalBatch(n) gives it`,
      );
    const loss = lossSum / globalLength;
    if (!this.#exchange.isFinite)
      throw new DataRefError(
        'NOT_FINITE',
        `dataParallel: the loss of the global batch is ${loss}${Number.isFinite(loss) ? ', and its gradients are not finite' : ''}; weights are as they were before the step. A lower learning rate may help, or clipped gradients, or look at the batch`,
        { details: { loss } },
      );
    this.#apply(arrays, globalLength);
    return { loss, globalLength, stop: stops > 0 };
  }

  /** Writes this rank's sums into the exchange. */
  async #putGradients(batch: B, rows: BatchRows): Promise<void> {
    const { tf, variables, loss } = this.#training;
    const { value, grads } = tf.tidy(() =>
      tf.variableGrads(() => sumOf(tf, loss(batch), rows), variables as Tf.Variable[]),
    );
    try {
      this.#exchange.scalars.set(await value.data<'float32'>(), LOSS);
      for (const [i, { name }] of variables.entries()) {
        // None for a variable that the loss does not depend on.
        const gradient = grads[name];
        if (gradient !== undefined) this.#exchange.arrays[i]?.set(await gradient.data<'float32'>());
      }
    } finally {
      tf.dispose([value, grads]);
    }
  }

  #apply(sums: readonly Float32Array[], count: number): void {
    const { tf, variables, optimizer } = this.#training;
    tf.tidy(() =>
      optimizer.applyGradients(
        variables.map(({ name, shape }, i) => ({
          name,
          tensor: tf.tensor(meanOf(sums[i] as Float32Array, count), shape),
        })),
      ),
    );
  }
}

/** An array of its own: a backend keeps what a tensor was made of, and an optimizer may keep the tensor. */
function meanOf(sum: Float32Array, count: number): Float32Array {
  const mean = new Float32Array(sum.length);
  for (let i = 0; i < mean.length; i++) mean[i] = (sum[i] as number) / count;
  return mean;
}

/** The sum of the losses of the rows that are no padding. */
function sumOf(tf: typeof Tf, losses: unknown, { length, mask }: BatchRows): Tf.Scalar {
  if (!(losses instanceof tf.Tensor)) throw refused(`loss must give a tensor, got ${typeof losses}`);
  if (losses.rank !== 1 || losses.size !== length)
    throw refused(
      `loss must give one value for each of the ${length} rows, [${length}], got [${losses.shape.join(', ')}]: no mean or sum, which would be of this rank's rows alone; tf.losses take tf.Reduction.NONE`,
    );
  return tf.sum<Tf.Scalar>(mask === undefined ? losses : tf.mul(losses, tf.tensor1d(mask)));
}
