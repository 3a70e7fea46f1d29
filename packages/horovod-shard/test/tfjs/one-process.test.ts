import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { localCollectives, type Collective } from '@dataref/horovod-shard';
import { dataParallel } from '@dataref/horovod-shard/tfjs';
import { columns, digits, lossOf, makeModel, RECORDS, weightsOf } from './digits.js';

beforeAll(() => tf.setBackend('cpu'));

function batchesOf(size: number, remainder: 'keep' | 'pad' | 'drop', { rank, size: numShards }: Collective) {
  return digits.stream({ shuffle: true, shuffleSeed: 7, shardRank: rank, numShards }).globalBatch(size, { remainder });
}

const fits = new Map<string, Promise<number[]>>();

/** The weights of a training by tfjs's own `fitDataset`, in one process: the same for all worlds. */
function fitted(size: number, remainder: 'keep' | 'drop'): Promise<number[]> {
  const key = `${size} ${remainder}`;
  const weights = fits.get(key) ?? fit(size, remainder);
  fits.set(key, weights);
  return weights;
}

async function fit(size: number, remainder: 'keep' | 'drop'): Promise<number[]> {
  const model = makeModel();
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
  const dataset = digits.stream({ shuffle: true, shuffleSeed: 7 }).batch(size, { remainder }).toTfDataset({ columns });
  await model.fitDataset(dataset as tf.data.Dataset<any>, { epochs: 1, verbose: 0 });
  return weightsOf(model);
}

function expectSteps(trained: readonly number[][], expected: readonly number[]): void {
  for (const weights of trained) expect(weights).toEqual(trained[0]);
  const away = expected.map((weight, i) => Math.abs(weight - (trained[0]?.[i] ?? NaN)));
  expect(Math.max(...away)).toBeLessThan(1e-5);
}

// Tails of 2 and 0 records; a world that does not divide the batch, or has more ranks than it has records.
describe.each([2, 3, 4, 7])('%i ranks that are given the weights of rank 0', (ranks) => {
  test.each([
    [8, 'keep'],
    [3, 'keep'],
    [RECORDS, 'keep'],
    [8, 'drop'],
  ] as const)('end with those of one process: global batches of %i, tails: %s', async (size, remainder) => {
    const trained = await Promise.all(
      localCollectives(ranks).map(async (collective) => {
        const model = makeModel(collective.rank + 1);
        const training = dataParallel({ collective, model, optimizer: tf.train.adam(0.01), loss: lossOf(model) });
        for await (const element of batchesOf(size, remainder, collective).toTfDataset({ columns }))
          await training.step(element);
        return weightsOf(model);
      }),
    );
    expectSteps(trained, await fitted(size, remainder));
  });

  test('end with those of one process where tails are padded, as the mask tells', async () => {
    const trained = await Promise.all(
      localCollectives(ranks).map(async (collective) => {
        const model = makeModel(collective.rank + 1);
        const options = { collective, model, optimizer: tf.train.adam(0.01), loss: lossOf(model) };
        const training = dataParallel({ ...options, mask: 'real' });
        for await (const element of batchesOf(8, 'pad', collective).toTfDataset({ columns, mask: 'real' }))
          await training.step(element);
        return weightsOf(model);
      }),
    );
    expectSteps(trained, await fitted(8, 'keep'));
  });

  test('end with those of one process where batches come as they are', async () => {
    const trained = await Promise.all(
      localCollectives(ranks).map(async (collective) => {
        const model = makeModel(collective.rank + 1);
        const training = dataParallel({
          collective,
          variables: model.trainableWeights.map((weight) => weight.read() as tf.Variable),
          optimizer: tf.train.adam(0.01),
          loss: ({ columns: { image, label } }) => {
            const xs = tf.tensor(image.data, image.shape, 'float32').div(255);
            const ys = tf.oneHot(tf.tensor1d(label.data, 'int32'), 4);
            return lossOf(model)({ xs, ys });
          },
        });
        for await (const batch of batchesOf(8, 'pad', collective)) await training.step(batch);
        return weightsOf(model);
      }),
    );
    expectSteps(trained, await fitted(8, 'keep'));
  });
});
