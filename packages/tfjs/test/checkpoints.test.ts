import { copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { checkpoints, loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';
import { scale } from '../../core/test/scale.js';
import { backends, useBackend } from './backends.js';
import { columns, digits, makeDataset, makeModel, STEPS, weightsHash } from './model.js';

const EPOCHS = scale < 1 ? 2 : 3;
const optimizers: readonly [string, () => tf.Optimizer][] = [
  ['SGD', () => tf.train.sgd(0.1)],
  ['Adam', () => tf.train.adam(0.01)],
  ['momentum', () => tf.train.momentum(0.05, 0.9)],
  ['RMSProp, centered', () => tf.train.rmsprop(0.01, 0.9, 0.5, undefined, true)],
  ['Adagrad', () => tf.train.adagrad(0.1)],
  ['Adadelta', () => tf.train.adadelta(0.1)],
  ['Adamax', () => tf.train.adamax(0.01)],
];

describe.each(backends)('checkpoints on %s', (backend) => {
  let folder: string;
  let path: string;
  beforeAll(() => useBackend(backend));
  beforeEach(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    folder = await mkdtemp(join(tmpdir(), 'dataref-checkpoints-'));
    path = join(folder, 'run.ckpt');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /**
   * A whole training, in one program for the first run and the resumed ones; ends early after `stopAfter` steps, where
   * fitDataset ends the epoch too and so a checkpoint is written.
   */
  async function run(optimizer: () => tf.Optimizer, stopAfter = Infinity): Promise<{ hash: string; steps: number }> {
    const model = makeModel(optimizer());
    const dataset = makeDataset();
    const saved = await loadCheckpoint(path, { model, dataset });
    let steps = 0;
    if ((saved?.epoch ?? 0) < EPOCHS) {
      await model.fitDataset(dataset, {
        epochs: EPOCHS,
        initialEpoch: saved?.epoch ?? 0,
        verbose: 0,
        callbacks: [
          checkpoints(path, { model, dataset }),
          {
            onBatchEnd: () => {
              if (++steps >= stopAfter) model.stopTraining = true;
            },
          },
        ],
      });
    }
    const hash = weightsHash(model);
    model.dispose();
    model.optimizer.dispose();
    return { hash, steps };
  }

  test.each(optimizers)(
    'training with %s that stops anywhere and goes on ends with the same bits',
    async (name, optimizer) => {
      const whole = await run(optimizer);
      expect(whole.steps).toBe(EPOCHS * STEPS);
      // In mid-epoch, right before an end, at the very end of an epoch, right after it; then a second and a third time.
      const everywhere = [[1], [STEPS - 1], [STEPS], [STEPS + 1], [2 * STEPS], [3, 2, STEPS], [1, 1, 1]];
      const isThorough = scale === 1 || (name === 'Adam' && backend !== 'wasm');
      for (const stops of isThorough ? everywhere : [[STEPS, 3]]) {
        await rm(path, { force: true });
        let steps = 0;
        for (const stop of stops) steps += (await run(optimizer, stop)).steps;
        const last = await run(optimizer);
        expect(steps + last.steps).toBe(EPOCHS * STEPS);
        expect(last.hash).toBe(whole.hash);
      }
    },
    60_000,
  );

  test('a training that has ended stays as it is', async () => {
    const { hash } = await run(() => tf.train.adam(0.01));
    expect(await run(() => tf.train.adam(0.01))).toEqual({ hash, steps: 0 });
  });

  test('every N batches: a training killed between two checkpoints goes on from the older', async () => {
    const whole = await run(() => tf.train.adam(0.01));
    await rm(path, { force: true });
    const model = makeModel(tf.train.adam(0.01));
    const dataset = makeDataset();
    const kept = join(folder, 'kept.ckpt');
    let steps = 0;
    await model.fitDataset(dataset, {
      epochs: EPOCHS,
      verbose: 0,
      callbacks: [
        checkpoints(path, { model, dataset }, { everyBatches: 3 }),
        {
          onBatchEnd: async () => {
            // What a kill at step 5 would leave.
            if (++steps === 5) await copyFile(path, kept);
          },
        },
      ],
    });
    await copyFile(kept, path);
    const saved = await loadCheckpoint(path, { model: makeModel('adam') });
    expect(saved).toMatchObject({ step: 3, epoch: 0, state: { epoch: 0 } });
    expect((await run(() => tf.train.adam(0.01))).hash).toBe(whole.hash);
  });

  test('without everyBatches a checkpoint is written at the end of each epoch', async () => {
    const model = makeModel('adam');
    const dataset = makeDataset();
    const epochs: unknown[] = [];
    await model.fitDataset(dataset, {
      epochs: 2,
      verbose: 0,
      callbacks: [
        checkpoints(path, { model, dataset }),
        {
          onBatchEnd: async () => void epochs.push((await stat(path).catch(() => undefined)) !== undefined),
        },
      ],
    });
    expect(epochs.indexOf(true)).toBe(STEPS);
    expect(await loadCheckpoint(path, { model, dataset })).toMatchObject({ epoch: 2, step: 2 * STEPS });
    expect(await readdir(folder)).toEqual(['run.ckpt']);
  });

  test('a hand-written loop saves and goes on by the stream’s own states', async () => {
    const loop = async (stopAfter: number): Promise<string> => {
      const model = makeModel(tf.train.adam(0.01));
      const stream = digits.stream({ shuffle: true, shuffleSeed: 5 }).batch(8);
      const saved = await loadCheckpoint(path, { model });
      const dataset = stream.toTfDataset({ columns }).resume(saved?.state);
      for (let epoch = dataset.epoch; epoch < 2; epoch++) {
        const iterator = await dataset.iterator();
        for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
          await model.trainOnBatch(step.value.xs, step.value.ys);
          tf.dispose(step.value);
          await saveCheckpoint(path, { model, state: dataset.state });
          if (--stopAfter === 0) return '';
        }
      }
      return weightsHash(model);
    };
    const whole = await loop(Infinity);
    await rm(path);
    await loop(4);
    await loop(STEPS);
    expect(await loop(Infinity)).toBe(whole);
  });

  test('an optimizer beside a model that was not compiled is saved with it', async () => {
    const make = (): [tf.Sequential, tf.Optimizer] => [
      tf.sequential({ layers: [tf.layers.dense({ inputShape: [2], units: 1, kernelInitializer: 'ones' })] }),
      tf.train.adam(0.1),
    ];
    const step = (model: tf.Sequential, optimizer: tf.Optimizer): void => {
      optimizer.minimize(() => tf.tidy(() => (model.apply(tf.ones([3, 2])) as tf.Tensor).square().mean()));
    };
    const { state } = makeDataset();
    const [model, optimizer] = make();
    step(model, optimizer);
    await saveCheckpoint(path, { model, optimizer, state });
    step(model, optimizer);
    const [again, other] = make();
    await expect(loadCheckpoint(path, { model: again })).rejects.toMatchObject({ code: 'STATE_MISMATCH' });
    model.trainable = false;
    expect(await loadCheckpoint(path, { model: again, optimizer: other })).toMatchObject({ step: 1 });
    other.minimize(() => tf.tidy(() => (again.apply(tf.ones([3, 2])) as tf.Tensor).square().mean()));
    expect(weightsHash(again)).toBe(weightsHash(model));
  });

  test('there is nothing to load before the first checkpoint', async () => {
    const model = makeModel('sgd');
    const before = weightsHash(model);
    expect(await loadCheckpoint(path, { model, dataset: makeDataset() })).toBeUndefined();
    expect(weightsHash(model)).toBe(before);
  });

  test('saving and loading leave no tensors', async () => {
    const model = makeModel(tf.train.adam(0.01));
    const dataset = makeDataset();
    await model.fitDataset(dataset, { epochs: 1, verbose: 0 });
    await saveCheckpoint(path, { model, state: dataset.state });
    const before = tf.memory();
    for (let i = 0; i < 20; i++) {
      await saveCheckpoint(path, { model, state: dataset.state });
      await loadCheckpoint(path, { model, dataset });
    }
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numBytes).toBe(before.numBytes);
  });

  test('on a signal it saves, and training stops after the batch under way', async () => {
    const whole = await run(() => tf.train.adam(0.01));
    await rm(path, { force: true });
    const model = makeModel(tf.train.adam(0.01));
    const dataset = makeDataset();
    let steps = 0;
    await model.fitDataset(dataset, {
      epochs: EPOCHS,
      verbose: 0,
      callbacks: [
        {
          onBatchBegin: () => {
            if (++steps === 4) process.emit('SIGUSR2', 'SIGUSR2');
          },
        },
        checkpoints(path, { model, dataset }, { signals: ['SIGUSR2'] }),
      ],
    });
    expect(steps).toBe(4);
    expect(model.stopTraining).toBe(true);
    expect(process.listenerCount('SIGUSR2')).toBe(0);
    expect((await run(() => tf.train.adam(0.01))).hash).toBe(whole.hash);
  });

  describe('refuse with TF_WRAPPED', () => {
    const wrappers: readonly [string, (dataset: any) => tf.data.Dataset<any>][] = [
      ['a filter of it', (dataset) => dataset.filter(() => true)],
      ['a dataset of its own that was derived from it', (dataset) => dataset.take(3)],
      ['another dataset', () => makeDataset()],
      ['what tf.data prefetches of it', (dataset) => tf.data.Dataset.prototype.prefetch.call(dataset, 2)],
      ['what tf.data maps of it', (dataset) => tf.data.Dataset.prototype.map.call(dataset, (x: any) => x) as never],
      ['it after another one', (dataset) => makeDataset().concatenate(dataset)],
      [
        'two of its batches made one',
        (dataset) =>
          tf.data.generator(async function* () {
            const iterator = await dataset.iterator();
            for (;;) {
              const [a, b] = [await iterator.next(), await iterator.next()];
              if (a.done || b.done) return;
              tf.dispose(a.value);
              yield b.value;
            }
          } as never),
      ],
    ];
    test.each(wrappers)('when fitDataset is given %s', async (_, wrap) => {
      const model = makeModel('sgd');
      const dataset = makeDataset();
      const training = model.fitDataset(wrap(dataset), {
        epochs: 2,
        verbose: 0,
        callbacks: checkpoints(path, { model, dataset }, { everyBatches: 1, signals: ['SIGUSR2'] }),
      });
      await expect(training).rejects.toMatchObject({
        code: 'TF_WRAPPED',
        message: expect.stringContaining('same object'),
      });
      expect(process.listenerCount('SIGUSR2')).toBe(0);
      expect(await readdir(folder)).toEqual([]);
    });
  });

  test('a map and a prefetch of ours keep the states', async () => {
    const make = () =>
      makeDataset()
        .prefetch(2)
        .map((batch) => ({ ...batch, xs: batch.xs.mul(2) }));
    const train = async (stopAfter: number): Promise<string> => {
      const model = makeModel(tf.train.adam(0.01));
      const dataset = make();
      const saved = await loadCheckpoint(path, { model, dataset });
      await model.fitDataset(dataset, {
        epochs: 2,
        initialEpoch: saved?.epoch ?? 0,
        verbose: 0,
        callbacks: [
          checkpoints(path, { model, dataset }, { everyBatches: 1 }),
          {
            onBatchEnd: () => {
              if (--stopAfter === 0) model.stopTraining = true;
            },
          },
        ],
      });
      return weightsHash(model);
    };
    const whole = await train(Infinity);
    await rm(path);
    await train(5);
    expect(await train(Infinity)).toBe(whole);
  });

  test('bad options are refused when the callback is made', () => {
    const parts = { model: makeModel('sgd'), dataset: makeDataset() };
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    expect(() => checkpoints(path, parts, { everyBatches: 0 })).toThrow(refused);
    expect(() => checkpoints(path, parts, { every: 2 } as never)).toThrow(refused);
    expect(() => checkpoints(path, parts, { signals: ['TERM' as never] })).toThrow(refused);
    expect(() => checkpoints(path, { ...parts, dataset: parts.dataset.filter(() => true) as never })).toThrow(refused);
  });
});
