import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openCatalog, tfModel } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';

const open = (): ReturnType<typeof openCatalog> => openCatalog(new ObjectStorage(new MemoryStore()));

test('a model of TensorFlow.js is saved under a name, and predicts the same where it is loaded', async () => {
  const catalog = open();
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 3, inputShape: [4], activation: 'relu' }), tf.layers.dense({ units: 2 })],
  });
  await model.save(tfModel(catalog, 'yelp_model_output', { tags: ['best'] }));
  const loaded = await tf.loadLayersModel(tfModel(catalog, 'yelp_model_output@best'));
  const input = tf.tensor2d([[1, -2, 3, -4]]);
  const [expected, got] = [model, loaded].map((one) => (one.predict(input) as tf.Tensor).dataSync());
  expect(got).toEqual(expected);
  for (const [name, bytes] of Object.entries({
    short: new Uint8Array(4),
    other: new Uint8Array(40).fill(255),
    json: Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 123, 125),
  })) {
    await catalog.saveBlob(name, bytes);
    await expect(tf.loadLayersModel(tfModel(catalog, name))).rejects.toThrow(
      failure('CORRUPT', /no model of TensorFlow.js/u),
    );
  }
});
