// usage: write-graphs.mjs FOLDER SEED. Writes the graphs, and what onnxruntime computed by them, for Python to compare.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cnns, layers, mlps, ROW } from './cases.mjs';

const [folder, seed] = [process.argv[2], Number(process.argv[3])];
const require = createRequire(new URL('../../../packages/onnx/package.json', import.meta.url));
const ort = require('onnxruntime-node');
const THREADS = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 3 };
const STEPS = 50;
const BATCH = 64;

mkdirSync(folder, { recursive: true });
for (const { name, network } of [...mlps, ...cnns, ...layers]) {
  writeFileSync(join(folder, `${name}.training.onnx`), network.trainingGraph);
  writeFileSync(join(folder, `${name}.gradient.onnx`), network.gradientGraph);
  writeFileSync(join(folder, `${name}.update.onnx`), network.updateGraph);
  writeFileSync(join(folder, `${name}.inference.onnx`), network.inferenceGraph());
  writeFileSync(join(folder, `${name}.baked.onnx`), network.inferenceGraph(network.initialState(seed)));
}

const digits = readDigits(STEPS * BATCH);
for (const { name, spec, network } of mlps) {
  const run = await opened(network);
  let state = network.initialState(seed);
  const [initial, losses] = [state, []];
  const batches = Array.from({ length: STEPS }, (_, i) => digitsBatch(i, spec.loss));
  for (const batch of batches) {
    const result = await run(state, spec.lr, batch);
    losses.push(result.loss);
    state = result.state;
  }
  write(name, { spec, initial: encoded(initial), batches: batches.map(encoded), losses, final: encoded(state) });
}

const random = randomOf(seed);
for (const { name, spec, network } of layers) {
  const state = Object.fromEntries(
    Object.entries(network.initialState(seed)).map(([key, { shape, data }]) => [
      key,
      { dtype: 'float32', shape, data: key.endsWith('.momentum') ? data : data.map(() => random()) },
    ]),
  );
  const batch = randomBatch(5, spec.loss);
  const { loss, state: after } = await (await opened(network))(state, 1, batch);
  // From a momentum of 0 the first step makes it the gradient.
  const gradients = Object.fromEntries(network.parameterNames.map((key) => [key, after[`${key}.momentum`]]));
  const parameters = Object.fromEntries(network.parameterNames.map((key) => [key, state[key]]));
  write(name, { spec, parameters: encoded(parameters), batch: encoded(batch), loss, gradients: encoded(gradients) });
}

/** Runs steps of training. */
async function opened(network) {
  const session = await ort.InferenceSession.create(network.trainingGraph, THREADS);
  return async (state, lr, batch) => {
    const given = { ...batch, ...state, lr: { dtype: 'float32', shape: [], data: Float32Array.of(lr) } };
    const feeds = Object.entries(given).map(([key, { dtype, data, shape }]) => [
      key,
      new ort.Tensor(dtype, data, shape),
    ]);
    const outputs = await session.run(Object.fromEntries(feeds));
    const next = Object.keys(state).map((key) => {
      const { data, dims } = outputs[`${key}.out`];
      return [key, { dtype: 'float32', shape: dims, data }];
    });
    return { loss: outputs.loss.data[0], state: Object.fromEntries(next) };
  };
}

/** Real digits, one of each after another. */
function readDigits(count) {
  const each = Math.ceil(count / 10);
  const images = new Uint8Array(each * 10 * 784);
  for (let label = 0; label < 10; label++) {
    const { data } = JSON.parse(readFileSync(require.resolve(`mnist/src/digits/${label}.json`), 'utf8'));
    for (let i = 0; i < each; i++)
      images.set(
        data.slice(i * 784, (i + 1) * 784).map((value) => Math.round(value * 255)),
        (i * 10 + label) * 784,
      );
  }
  return images;
}

/** The last rows of every fifth batch are padding. */
function digitsBatch(step, loss) {
  const start = step * BATCH;
  const label = (i) => (start + i) % 10;
  return {
    x: { dtype: 'uint8', shape: [BATCH, 28, 28], data: digits.subarray(start * 784, (start + BATCH) * 784) },
    y:
      loss === 'crossEntropy'
        ? { dtype: 'int32', shape: [BATCH], data: Int32Array.from({ length: BATCH }, (_, i) => label(i)) }
        : {
            dtype: 'float32',
            shape: [BATCH, 10],
            data: Float32Array.from({ length: BATCH * 10 }, (_, i) => Number(label(Math.floor(i / 10)) === i % 10)),
          },
    mask: {
      dtype: 'float32',
      shape: [BATCH],
      data: Float32Array.from({ length: BATCH }, (_, i) => Number(step % 5 !== 4 || i < 50)),
    },
  };
}

function randomBatch(length, { is, dtype, mask }) {
  const arrays = { int32: Int32Array, int64: BigInt64Array, uint8: Uint8Array };
  const labels = Array.from({ length }, () => Math.floor((random() + 1) * 1.5));
  return {
    x: {
      dtype: 'float32',
      shape: [length, ...ROW],
      data: Float32Array.from({ length: length * ROW[0] * ROW[1] * ROW[2] }, random),
    },
    y:
      is === 'crossEntropy'
        ? { dtype, shape: [length], data: arrays[dtype].from(dtype === 'int64' ? labels.map(BigInt) : labels) }
        : { dtype, shape: [length, 3], data: Float32Array.from({ length: length * 3 }, random) },
    ...(mask && { mask: { dtype: 'float32', shape: [length], data: Float32Array.of(1, 0, 1, 1, 0) } }),
  };
}

/** Numbers from −1 to below 1: SplitMix32. */
function randomOf(from) {
  let state = from | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 31 - 1;
  };
}

function encoded(arrays) {
  const entries = Object.entries(arrays).map(([key, { dtype, shape, data }]) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
    return [key, { dtype, shape, bytes }];
  });
  return Object.fromEntries(entries);
}

function write(name, content) {
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(content));
}
