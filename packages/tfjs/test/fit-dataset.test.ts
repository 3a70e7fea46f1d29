import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { fromColumns } from '@dataref/core';
import { backends, useBackend } from './backends.js';
import { digits, makeDataset, makeModel, STEPS, weightsHash } from './model.js';

/** A model that learns nothing, and the numbers of the records that each batch of its training had. */
async function recordsOf(
  stream: (numbers: ReturnType<typeof numbersStream>) => any,
  args: Partial<tf.ModelFitDatasetArgs<tf.TensorContainer>>,
): Promise<number[][]> {
  const seen: number[][] = [];
  const dataset = stream(numbersStream()).map((batch: { xs: tf.Tensor; ys: tf.Tensor }) => {
    seen.push(Array.from(batch.xs.dataSync()));
    return batch;
  });
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  await model.fitDataset(dataset, { epochs: 1, verbose: 0, ...args });
  model.dispose();
  return seen;
}

function numbersStream() {
  const x = Float32Array.from({ length: 10 }, (_, i) => i);
  return fromColumns({ x, y: x })
    .stream({ shuffle: true, shuffleSeed: 3 })
    .map(({ x: value }) => ({
      xs: { dtype: 'float32', shape: [1], data: Float32Array.of(value) } as const,
      ys: { dtype: 'float32', shape: [1], data: Float32Array.of(value) } as const,
    }));
}

describe.each(backends)('fitDataset on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('trains three epochs on three epochs of data, each in its own order', async () => {
    const orders = [];
    for (let epoch = 0; epoch < 3; epoch++) {
      const stream = fromColumns(Int32Array.from({ length: 10 }, (_, i) => i)).stream({
        shuffle: true,
        shuffleSeed: 3,
      });
      for (let skipped = 0; skipped < epoch; skipped++) for await (const value of stream) void value;
      const order: number[] = [];
      for await (const value of stream) order.push(value);
      orders.push(order.slice(0, 4), order.slice(4, 8), order.slice(8));
    }
    expect(await recordsOf((stream) => stream.batch(4).toTfDataset(), { epochs: 3 })).toEqual(orders);
  });

  test('with batchesPerEpoch goes on through the repeated data', async () => {
    const whole = await recordsOf((stream) => stream.batch(4).toTfDataset().repeat(), {
      epochs: 3,
      batchesPerEpoch: 2,
    });
    const once = await recordsOf((stream) => stream.batch(4).toTfDataset().repeat(2), {});
    expect(whole).toEqual(once);
  });

  test('initialEpoch trains the epochs that are left', async () => {
    const seen = await recordsOf((stream) => stream.batch(5).toTfDataset(), { epochs: 5, initialEpoch: 3 });
    expect(seen).toHaveLength(4);
  });

  test('learns the same as from tensors made by hand', async () => {
    const ours = makeModel('sgd');
    await ours.fitDataset(makeDataset(), { epochs: 2, verbose: 0 });
    const theirs = makeModel('sgd');
    const stream = digits.stream({ shuffle: true, shuffleSeed: 777 }).batch(8);
    for (let epoch = 0; epoch < 2; epoch++) {
      for await (const {
        columns: { image, label },
        length,
      } of stream) {
        const xs = tf.tensor(
          Float32Array.from(image.data as Uint8Array, (v) => Math.fround(v) * Math.fround(1 / 255)),
          [length, 3, 4],
        );
        const ys = tf.tidy(() =>
          tf.oneHot(tf.tensor1d(Int32Array.from(label.data as Uint8Array), 'int32'), 4).toFloat(),
        );
        await theirs.trainOnBatch(xs, ys);
        tf.dispose([xs, ys]);
      }
    }
    expect(weightsHash(ours)).toBe(weightsHash(theirs));
    tf.dispose([ours.getWeights(), theirs.getWeights()]);
  });

  test('its progress knows the steps, and validation runs on a dataset of its own', async () => {
    const model = makeModel('adam');
    const history = await model.fitDataset(makeDataset(), {
      epochs: 2,
      verbose: 0,
      validationData: digits
        .stream()
        .batch(25)
        .toTfDataset({
          columns: { xs: { column: 'image', dtype: 'float32', scale: 1 / 255 }, ys: { column: 'label', oneHot: 4 } },
        }),
    });
    expect(history.history['val_loss']).toHaveLength(2);
    expect(makeDataset().size).toBe(STEPS);
  });
});
