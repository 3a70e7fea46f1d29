// Saves checkpoints of a growing step number until it is killed, or, with a second argument, that many times.
import { fromColumns } from '@dataref/core';
import { loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';
import * as tf from '@tensorflow/tfjs';

const [path, times = 'Infinity'] = process.argv.slice(2);
await tf.setBackend('cpu');
const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [100], units: 200 })] });
model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
const dataset = fromColumns(new Float32Array(4)).stream().batch(2).toTfDataset();
const saved = await loadCheckpoint(path, { model });
let step = saved?.step ?? 0;
process.send?.({ loaded: step });
for (let i = 0; i < Number(times); i++) {
  Object.assign(model.optimizer, { iterations_: ++step });
  model.setWeights(model.getWeights().map((weight) => tf.fill(weight.shape, step)));
  try {
    await saveCheckpoint(path, { model, state: dataset.state });
    process.send?.({ saved: step });
  } catch (error) {
    process.send?.({ code: error.code, errno: error.details?.errno });
    break;
  }
}
process.disconnect?.();
