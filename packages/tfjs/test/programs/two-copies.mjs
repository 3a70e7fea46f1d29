// Two copies of TensorFlow.js in one process, as when one package brings its own.
import { createRequire } from 'node:module';
import { fromColumns } from '@dataref/core';
import '@dataref/tfjs';

const require = createRequire(import.meta.url);
const first = require('@tensorflow/tfjs');
const x = Float32Array.of(0, 1, 2, 3);
const batches = () => fromColumns({ xs: x, ys: x }).stream().batch(2);
const byDefault = batches().toTfDataset();
for (const name of Object.keys(require.cache)) if (name.includes('@tensorflow')) delete require.cache[name];
const second = require('@tensorflow/tfjs');
await second.setBackend('cpu');
const given = batches().toTfDataset({ tf: second });
const model = second.sequential({ layers: [second.layers.dense({ inputShape: [1], units: 1 })] });
model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
const { epoch } = await model.fitDataset(
  given.map(({ xs, ys }) => ({ xs: xs.expandDims(1), ys: ys.expandDims(1) })),
  { epochs: 2, verbose: 0 },
);
console.log(
  JSON.stringify({
    areTwo: first.data.Dataset !== second.data.Dataset,
    byDefault: [byDefault instanceof first.data.Dataset, byDefault instanceof second.data.Dataset],
    given: [given instanceof first.data.Dataset, given instanceof second.data.Dataset],
    epoch,
  }),
);
