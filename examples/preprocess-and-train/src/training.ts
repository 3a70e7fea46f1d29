// node dist/training.js FOLDER: another process. Loads what was preprocessed by its name, trains, and saves the model by its name.
import * as tf from '@tensorflow/tfjs';
import { openCatalog, tfModel } from '@dataref/catalog';
import { FileStorage } from '@dataref/core/fs';
import '@dataref/tfjs';
import { MODEL, TOKENS, parts, piecesOf } from './names.js';
import { PIECES } from './preprocess.js';

const catalog = openCatalog(new FileStorage(process.argv[2] as string));
const { train } = parts(await catalog.load(TOKENS));

const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [PIECES], units: 2, activation: 'softmax' })] });
model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
const dataset = train
  .stream({ shuffle: true, shuffleSeed: 1900 })
  .batch(64)
  .map(({ columns }) => ({ pieces: piecesOf(columns.ids), label: columns.label }))
  .toTfDataset({ columns: { xs: 'pieces', ys: { column: 'label', oneHot: 2 } } });
await model.fitDataset(dataset, {
  epochs: 4,
  verbose: 0,
  callbacks: {
    onEpochEnd: async (epoch, logs) => console.log(`epoch ${epoch + 1}: loss ${logs?.['loss']?.toFixed(4)}`),
  },
});
await model.save(tfModel(catalog, MODEL));
