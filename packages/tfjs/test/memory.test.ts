import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { fromColumns, ndarray, type DataRef } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import '@dataref/tfjs';
import { backends, useBackend } from './backends.js';

const RECORDS = 64;
const inMemory: DataRef = fromColumns({
  image: ndarray(
    Uint8Array.from({ length: RECORDS * 12 }, (_, i) => i % 251),
    [RECORDS, 3, 4],
  ),
  label: BigInt64Array.from({ length: RECORDS }, (_, i) => BigInt(i % 10)),
  weight: Float32Array.from({ length: RECORDS }, (_, i) => i / 8),
});
const columns = {
  xs: { column: 'image', dtype: 'float32', scale: 1 / 255 },
  ys: { column: 'label', oneHot: 10 },
  w: 'weight',
} as const;

describe.each(backends)('tensors on %s', (backend) => {
  let folder: string;
  let stored: DataRef;
  beforeAll(async () => {
    await useBackend(backend);
    folder = await mkdtemp(join(tmpdir(), 'dataref-tfjs-'));
    stored = await new FileStorage(folder).submit(inMemory, 'digits', '1');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('none is left after 1,000 batches that were disposed, and after an iteration given up', async () => {
    const before = tf.memory();
    const dataset = stored.stream({ shuffle: true, shuffleSeed: 1 }).batch(8).toTfDataset({ columns }).repeat(125);
    let batches = 0;
    await dataset.forEachAsync((batch) => {
      batches++;
      tf.dispose(batch);
    });
    expect(batches).toBe(1000);
    const early = await stored.stream().batch(8).prefetch({ batches: 4 }).toTfDataset().iterator();
    tf.dispose((await early.next()).value);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numBytes).toBe(before.numBytes);
  });

  test('none is left after fitDataset and evaluateDataset', async () => {
    const model = tf.sequential({
      layers: [tf.layers.flatten({ inputShape: [3, 4] }), tf.layers.dense({ units: 10, activation: 'softmax' })],
    });
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const make = () =>
      stored
        .stream()
        .batch(8)
        .toTfDataset({ columns: { xs: columns.xs, ys: columns.ys } });
    await model.fitDataset(make(), { epochs: 1, verbose: 0 });
    const before = tf.memory().numTensors;
    await model.fitDataset(make(), { epochs: 3, verbose: 0 });
    tf.dispose(await model.evaluateDataset(make(), {}));
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test.each([
    ['in memory', () => inMemory],
    ['stored', () => stored],
  ])('of one batch keep their values while later ones are made, with data %s', async (_name, dataset) => {
    // Whatever the stream's reuse says: the backend may hold the arrays themselves.
    for (const reuse of [false, true]) {
      const batches = dataset().stream().batch(8, { reuse }).toTfDataset({ columns });
      const kept: { xs: tf.Tensor; ys: tf.Tensor; w: tf.Tensor }[] = [];
      const iterator = await batches.repeat(3).iterator();
      for (let step = await iterator.next(); !step.done; step = await iterator.next()) kept.push(step.value);
      expect(kept).toHaveLength(24);
      kept.forEach(({ xs, ys, w }, i) => {
        const first = (i % 8) * 8;
        expect(Array.from(w.dataSync())).toEqual(Array.from({ length: 8 }, (_, k) => (first + k) / 8));
        expect(Array.from(ys.argMax(1).dataSync())).toEqual(Array.from({ length: 8 }, (_, k) => (first + k) % 10));
        expect(xs.dataSync()[1]).toBe(Math.fround(((first * 12 + 1) % 251) * Math.fround(1 / 255)));
      });
      tf.dispose(kept);
    }
  });

  test('what a map has kept of a batch keeps its values', async () => {
    const kept: Float32Array[] = [];
    const mapped = stored
      .stream()
      .batch(8)
      .map(({ columns: { weight } }) => {
        kept.push(weight.data);
        return { weight };
      });
    await mapped.toTfDataset().forEachAsync((batch) => tf.dispose(batch));
    expect(kept.flatMap((weights) => [...weights])).toEqual(Array.from({ length: RECORDS }, (_, i) => i / 8));
  });

  test('a record that cannot become a tensor leaves none of its columns', async () => {
    const before = tf.memory().numTensors;
    const late = inMemory.stream().map((record) => ({ a: record.weight, z: { ...record.image, shape: [5, 5] } }));
    const iterator = await late.toTfDataset().iterator();
    await expect(iterator.next()).rejects.toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });
});
