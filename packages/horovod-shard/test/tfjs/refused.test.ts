import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { localCollectives, type Collective } from '@dataref/horovod-shard';
import { dataParallel, type DataParallelOptions } from '@dataref/horovod-shard/tfjs';
import { lossOf, makeModel, type Element } from './digits.js';

beforeAll(() => tf.setBackend('cpu'));

const refused = (message: string) =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) });

const sizes = (...shape: number[]): tf.Tensor => tf.zeros(shape);
const element = (rows = 2): Element => ({ xs: sizes(rows, 3, 4), ys: sizes(rows, 4) });

function options(changes: object = {}): DataParallelOptions<any> {
  const model = makeModel();
  const [collective] = localCollectives(1) as [Collective];
  return { collective, model, optimizer: tf.train.sgd(0.1), loss: lossOf(model), ...changes };
}

test.each<[string, object]>([
  ['unknown option "optimiser"', { optimiser: 'adam' }],
  ['collective must be', { collective: {} }],
  ['one of the two', { variables: [] }],
  ['one of the two', { model: undefined }],
  ['model must be', { model: 'mnist' }],
  ['variables must be a list', { model: undefined, variables: {} }],
  ['nothing to train', { model: undefined, variables: [] }],
  ['none of this TensorFlow.js', { model: undefined, variables: [{}] }],
  ['optimizer must be', { optimizer: undefined }],
  ['optimizer must be', { optimizer: 'adam' }],
  ['loss must be a function', { loss: 'meanSquaredError' }],
  ['mask must be the name', { mask: true }],
  ['preemption must have asked', { preemption: () => undefined }],
])('%s', (message, changes) => {
  expect(() => dataParallel(options(changes))).toThrow(refused(message));
});

test('only float32 variables are trained', () => {
  const variables = [tf.variable(tf.zeros([2], 'int32'), true, 'counts')];
  expect(() => dataParallel(options({ model: undefined, variables }))).toThrow(refused('counts: only float32'));
});

describe('a step is refused, and leaves no tensor,', () => {
  test.each<[string, object, object]>([
    ['needs a batch', {}, {}],
    ['no rank has a row', {}, element(0)],
    ['the batch has no tensor real', { mask: 'real' }, element()],
    ['the mask of a batch of 2 rows must be [2], got [2, 1]', {}, { ...element(), mask: sizes(2, 1) }],
    ['for each of the 2 rows, [2], got [2, 4]', { loss: ({ ys }: Element) => tf.mul(ys, 1) }, element()],
    ['for each of the 2 rows, [2], got []', { loss: ({ ys }: Element) => tf.mean(ys) }, element()],
    ['loss must give a tensor, got object', { loss: async () => undefined }, element()],
  ])('%s', async (message, changes, batch) => {
    const training = dataParallel(options(changes));
    await training.broadcast();
    await expect(training.step(batch)).rejects.toEqual(refused(message));
    expect(
      tf.tensor_util.getTensorsInContainer(batch as tf.TensorContainerObject).every((tensor) => tensor.isDisposed),
    ).toBe(true);
  });
});

test('a step under way is not joined by another', async () => {
  const training = dataParallel(options());
  const first = training.step(element());
  await expect(training.step(element())).rejects.toEqual(refused('await each'));
  await first;
});

test.each<[string, () => object]>([
  [
    'those of rank 0 4 (float32 [12, 6]',
    () => ({ model: tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [12] })] }) }),
  ],
  ['that of rank 0 SGD', () => ({ optimizer: tf.train.adam(0.1) })],
  ['that of rank 0 SGD', () => ({ optimizer: tf.train.sgd(0.2) })],
])('a rank whose model or optimizer differs is refused: %s', async (message, changes) => {
  const [first, second] = localCollectives(2) as [Collective, Collective];
  const own = options({ collective: second });
  const [, end] = await Promise.allSettled([
    dataParallel(options({ collective: first })).broadcast(),
    dataParallel({ ...own, ...changes() }).broadcast(),
  ]);
  expect(end).toEqual({ status: 'rejected', reason: refused(message) });
});
