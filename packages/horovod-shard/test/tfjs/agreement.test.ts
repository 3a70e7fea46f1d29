import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { localCollectives, type Collective } from '@dataref/horovod-shard';
import { dataParallel, type DataParallelOptions } from '@dataref/horovod-shard/tfjs';
import { scale } from '../../../core/test/scale.js';
import { columns, digits, lossOf, makeModel, weightsOf, type Element } from './digits.js';

beforeAll(() => tf.setBackend('cpu'));

const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01),
  // tfjs takes the epsilon of a centred one away from what its root is taken of.
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5, -1e-3, true),
};

const alone = (): Collective => localCollectives(1)[0] as Collective;

/** This rank's batches of an epoch; the last has 2 records. */
function batchesOf({ rank: shardRank, size: numShards }: Collective, epochs = 1) {
  const batches = digits.stream({ shardRank, numShards }).globalBatch(8, { remainder: 'pad' });
  return batches.repeat(epochs).toTfDataset({ columns, mask: 'mask' });
}

function train(collective: Collective, options: Partial<DataParallelOptions<Element>> = {}) {
  const model = makeModel(collective.rank + 1);
  const optimizer = tf.train.adam(0.01);
  return dataParallel<Element>({ collective, model, optimizer, loss: lossOf(model), ...options });
}

test.each(Object.entries(OPTIMIZERS))(
  'ranks that join one whose %s has made steps go on as it would have alone',
  async (_name, make) => {
    const begun = async () => {
      const model = makeModel();
      const optimizer = make();
      const training = dataParallel({ collective: alone(), model, optimizer, loss: lossOf(model) });
      for await (const element of batchesOf(alone())) await training.step(element);
      return { model, optimizer, training };
    };
    const whole = await begun();
    for await (const element of batchesOf(alone())) await whole.training.step(element);
    const trained = await Promise.all(
      localCollectives(3).map(async (collective) => {
        const { model, optimizer } = collective.rank === 0 ? await begun() : { model: makeModel(9), optimizer: make() };
        const training = dataParallel({ collective, model, optimizer, loss: lossOf(model) });
        expect(await training.broadcast(collective.rank)).toBe(0);
        for await (const element of batchesOf(collective)) await training.step(element);
        return { weights: weightsOf(model), iterations: optimizer.iterations };
      }),
    );
    for (const rank of trained) expect(rank).toEqual(trained[0]);
    expect(trained[0]?.iterations).toBe(whole.optimizer.iterations);
    const away = weightsOf(whole.model).map((weight, i) => Math.abs(weight - (trained[0]?.weights[i] ?? NaN)));
    expect(Math.max(...away)).toBeLessThan(1e-5);
  },
);

test('the optimizer is that of a compiled model', async () => {
  const model = makeModel();
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  const training = dataParallel({ collective: alone(), model, loss: lossOf(model) });
  for await (const element of batchesOf(alone())) await training.step(element);
  expect(model.optimizer.iterations).toBe(7);
});

test('a step tells the mean loss and the length of the global batch, the same on all ranks', async () => {
  const model = makeModel();
  const expected: object[] = [];
  for await (const batch of batchesOf(alone())) {
    const { mask, ...element } = batch;
    const real = mask.sum().dataSync()[0] as number;
    const loss = lossOf(model)(element).mul(mask).sum().div(real).dataSync()[0] as number;
    expected.push({ loss: expect.closeTo(loss, 5), globalLength: real, stop: false });
  }
  const steps = await Promise.all(
    localCollectives(3).map(async (collective) => {
      const training = train(collective, { optimizer: tf.train.sgd(0) });
      const told: object[] = [];
      for await (const element of batchesOf(collective)) told.push(await training.step(element));
      return told;
    }),
  );
  for (const told of steps) expect(told).toEqual(steps[0]);
  expect(steps[0]).toEqual(expected);
});

/** Of seven steps each. */
const EPOCHS = scale < 1 ? 8 : 32;
test(`no tensor is left by ${7 * EPOCHS} steps, of ranks without rows too`, async () => {
  const memory: { readonly numTensors: number; readonly numBytes: number }[] = [];
  await Promise.all(
    localCollectives(3).map(async (collective) => {
      const training = train(collective);
      let step = 0;
      for await (const element of batchesOf(collective, EPOCHS)) {
        await training.step(element);
        await collective.barrier();
        const { numTensors, numBytes } = tf.memory();
        if (collective.rank === 0 && ++step % 7 === 0) memory.push({ numTensors, numBytes });
        await collective.barrier();
      }
    }),
  );
  expect(memory).toHaveLength(EPOCHS);
  expect(new Set(memory.slice(1).map(({ numTensors }) => numTensors)).size).toBe(1);
  expect(new Set(memory.slice(1).map(({ numBytes }) => numBytes)).size).toBe(1);
});

describe('stops', () => {
  test.each([1, 2, 3, 4, 7])('are known to all of %i ranks after the same step', async (size) => {
    const told = await Promise.all(
      localCollectives(size).map(async (collective) => {
        const preemption: { asked: NodeJS.Signals | undefined } = { asked: undefined };
        const training = train(collective, { preemption });
        const stops: boolean[] = [];
        for await (const element of batchesOf(collective)) {
          if (collective.rank === size - 1 && stops.length === 3) preemption.asked = 'SIGUSR1';
          const { stop } = await training.step(element);
          stops.push(stop);
          if (stop) break;
        }
        return stops;
      }),
    );
    for (const stops of told) expect(stops).toEqual([false, false, false, true]);
  });

  test('a signal is heard by a training in memory, whose steps never wait', async () => {
    const preemption: { asked: NodeJS.Signals | undefined } = { asked: undefined };
    const training = train(alone(), { preemption });
    setTimeout(() => (preemption.asked = 'SIGTERM'), 0); // as a signal, in a turn of the event loop
    let steps = 0;
    for await (const element of batchesOf(alone(), 100)) {
      steps++;
      if ((await training.step(element)).stop) break;
    }
    expect(steps).toBeLessThan(700);
  });
});

test('where the loss of one rank throws, the step fails on all, which go on with the same weights', async () => {
  const trained = await Promise.all(
    localCollectives(3).map(async (collective) => {
      const model = makeModel();
      let calls = 0;
      const loss = (element: Element): tf.Tensor => {
        if (collective.rank === 1 && ++calls === 3) throw new Error('this rank is broken');
        return lossOf(model)(element);
      };
      const training = train(collective, { model, loss });
      const failures: unknown[] = [];
      for await (const element of batchesOf(collective))
        await training.step(element).catch((error: unknown) => failures.push(error));
      return { weights: weightsOf(model), failures };
    }),
  );
  for (const [rank, { weights, failures }] of trained.entries()) {
    expect(weights).toEqual(trained[0]?.weights);
    expect(failures).toEqual([
      rank === 1
        ? new Error('this rank is broken')
        : expect.objectContaining({
            code: 'COLLECTIVE_FAILED',
            message: expect.stringContaining('failed on 1 of 3 ranks'),
          }),
    ]);
  }
});

test('a loss that is not finite changes nothing, on any rank', async () => {
  await Promise.all(
    localCollectives(2).map(async (collective) => {
      const model = makeModel();
      const loss = (element: Element): tf.Tensor => {
        const losses = lossOf(model)(element);
        return collective.rank === 1 ? losses.div(0).mul(0) : losses;
      };
      const training = train(collective, { model, loss });
      await training.broadcast();
      const before = weightsOf(model);
      for await (const element of batchesOf(collective)) {
        await expect(training.step(element)).rejects.toMatchObject({ code: 'NOT_FINITE' });
        break;
      }
      expect(weightsOf(model)).toEqual(before);
    }),
  );
});

test('batches of which each rank has all are refused, on all', async () => {
  await Promise.all(
    localCollectives(2).map(async (collective) => {
      const model = makeModel();
      const training = dataParallel({
        collective,
        model,
        optimizer: tf.train.sgd(0.1),
        loss: ({ length }: { length: number }) =>
          lossOf(model)({ xs: tf.zeros([length, 3, 4]), ys: tf.zeros([length, 4]) }),
      });
      for await (const batch of digits.stream().globalBatch(8).take(1))
        await expect(training.step(batch)).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining('the ranks have 16 rows together, and globalLength is 8'),
        });
    }),
  );
});

test('a value that is no JSON is refused at rank 0, and the others are told', async () => {
  const ends = await Promise.allSettled(localCollectives(2).map((collective) => train(collective).broadcast(1n)));
  expect(ends.map((end) => (end.status === 'rejected' ? end.reason.code : end.status))).toEqual([
    'INVALID_ARGUMENT',
    'COLLECTIVE_FAILED',
  ]);
});
