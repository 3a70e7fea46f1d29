// node tfjs.mjs SCALE RAW STORE MODE: epochs of W1 as tensors on the cpu backend, xs float32 in 0..1, ys int32 or one-hot.
// ours-*: toTfDataset of a shuffled stream. generator-*: tf.data.generator of one record's tensors in a shuffled order, then .batch(128).
import * as tf from '@tensorflow/tfjs';
import { FileStorage } from '@dataref/core/fs';
import { openRaw } from '../raw.mjs';
import { serve } from '../serve.mjs';
import { SEED, workload } from '../workloads.mjs';

const [scale, rawFolder, folder, mode] = process.argv.slice(2);
const spec = workload('w1', Number(scale));
const isOneHot = mode.endsWith('one-hot');
const raw = openRaw(spec, rawFolder);
const classes = 10;
tf.env().set('PROD', true);
await tf.setBackend('cpu');

async function ours() {
  await import('@dataref/tfjs');
  // The labels are record numbers: for ten classes, a dataset of their last digits.
  const storage = new FileStorage(`${folder}-digits`);
  if (!(await storage.has('digits', '1'))) {
    const { fromColumns, ndarray } = await import('@dataref/core');
    const digits = Uint8Array.from({ length: spec.records }, (_, i) => i % classes);
    const columns = { x: ndarray(raw.payload(), [spec.records, 28, 28]), digit: digits, y: raw.labels() };
    await storage.submit(fromColumns(columns), 'digits', '1');
  }
  const dataref = await storage.fetch('digits', '1');
  return dataref
    .stream({ shuffle: true, shuffleSeed: SEED })
    .batch(spec.batch)
    .toTfDataset({
      tf,
      columns: {
        xs: { column: 'x', dtype: 'float32', scale: 1 / 255 },
        ys: isOneHot ? { column: 'digit', oneHot: classes } : { column: 'y', dtype: 'int32' },
      },
    });
}

function generator() {
  const payload = raw.payload();
  return tf.data
    .generator(function* () {
      for (const i of shuffled(spec.records)) {
        const pixels = new Float32Array(784);
        for (let k = 0, at = i * 784; k < 784; k++) pixels[k] = payload[at + k] / 255;
        const label = new Float32Array(classes);
        label[i % classes] = 1;
        yield { xs: tf.tensor(pixels, [28, 28]), ys: isOneHot ? tf.tensor1d(label) : tf.scalar(i, 'int32') };
      }
    })
    .batch(spec.batch);
}

function shuffled(count) {
  const rows = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const drawn = Math.floor(Math.random() * (i + 1));
    [rows[i], rows[drawn]] = [rows[drawn], rows[i]];
  }
  return rows;
}

const dataset = mode.startsWith('ours') ? await ours() : generator();

async function epoch(look = (_batch) => undefined) {
  let records = 0;
  await dataset.forEachAsync((batch) => {
    records += batch.xs.shape[0];
    look(batch);
    tf.dispose(batch);
  });
  if (records !== spec.records) throw new Error(`an epoch had ${records} records`);
}

/** Compares every pixel and label with the raw files; which record a row is, its label tells, or its pixels do. */
async function verify() {
  const seen = new Uint8Array(spec.records);
  const payload = raw.payload();
  const known = new Map();
  if (isOneHot) for (let i = 0; i < spec.records; i++) known.set(hash(payload, i * 784), i);
  await epoch(({ xs, ys }) => {
    const pixels = xs.dataSync();
    const labels = ys.dataSync();
    const bytes = new Uint8Array(784);
    for (let row = 0; row < xs.shape[0]; row++) {
      for (let k = 0; k < 784; k++) bytes[k] = Math.round(pixels[row * 784 + k] * 255);
      const i = isOneHot ? known.get(hash(bytes, 0)) : labels[row];
      const isLabelled =
        !isOneHot ||
        labels
          .subarray(row * classes, (row + 1) * classes)
          .every((value, digit) => value === Number(digit === i % classes));
      if (!isLabelled || Buffer.compare(bytes, payload.subarray(i * 784, (i + 1) * 784)) !== 0 || seen[i]++ > 0)
        throw new Error(`record ${i} is wrong, or came twice`);
    }
  });
  if (seen.includes(0)) throw new Error(`record ${seen.indexOf(0)} never came`);
}

/** FNV-1a of one record's pixels. */
function hash(bytes, start) {
  let value = 0x811c9dc5;
  for (let k = start; k < start + 784; k++) value = Math.imul(value ^ bytes[k], 0x01000193);
  return value;
}

await verify();
if (mode.startsWith('ours')) for (let i = 0; i < 3; i++) await epoch();
await serve(() => epoch(), { verified: true });
