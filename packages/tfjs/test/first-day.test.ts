import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { checkpoints, loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';
import { useBackend } from './backends.js';
import { columns, digits, makeDataset, makeModel, RECORDS } from './model.js';

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ name: 'DataRefError', code, message: expect.stringMatching(message) });

describe('what people get wrong on the first day of checkpoints', () => {
  let folder: string;
  let path: string;
  const parts = () => ({ model: makeModel('sgd'), dataset: makeDataset() });
  beforeAll(async () => {
    await useBackend('cpu');
    folder = await mkdtemp(join(tmpdir(), 'dataref-first-day-'));
    path = join(folder, 'run.ckpt');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(['SIGTREM', 'SIGKILL', 'SIGSTOP', 'SIG', 'toString', '', 15, null])('the signal %j', (signal) => {
    expect(() => checkpoints(path, parts(), { signals: [signal as never] })).toThrow(
      refusal('INVALID_ARGUMENT', /names such as "SIGTERM" and "SIGINT"/u),
    );
  });

  test('signals that are no list', () => {
    expect(() => checkpoints(path, parts(), { signals: 'SIGTERM' as never })).toThrow(
      refusal('INVALID_ARGUMENT', /a list, such as \["SIGTERM"\]/u),
    );
  });

  test('a folder, or nothing, for the file', () => {
    expect(() => checkpoints(folder, parts())).toThrow(refusal('INVALID_ARGUMENT', /is a folder; give a file/u));
    expect(() => checkpoints(pathToFileURL(folder), parts())).toThrow(refusal('INVALID_ARGUMENT', /is a folder/u));
    expect(() => checkpoints(undefined as never, parts())).toThrow(refusal('INVALID_ARGUMENT', /the path/u));
    expect(() => checkpoints(join(folder, 'new', 'run.ckpt'), parts())).not.toThrow();
  });

  test.each(['a sequential model', 'a functional model'])('%s in the place of { model }', async (kind) => {
    const sequential = makeModel('sgd');
    const model = kind === 'a sequential model' ? sequential : tf.model({ inputs: sequential.inputs, outputs: sequential.outputs }); // prettier-ignore
    await expect(loadCheckpoint(path, model as never)).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /loadCheckpoint needs \{ model, dataset \}, not the model alone/u),
    );
    await expect(saveCheckpoint(path, model as never)).rejects.toEqual(
      refusal('INVALID_ARGUMENT', /saveCheckpoint\(path, \{ model, state \}\)/u),
    );
    expect(() => checkpoints(path, model as never)).toThrow(refusal('INVALID_ARGUMENT', /\{ model, dataset \}/u));
    await expect(loadCheckpoint(path, undefined as never)).rejects.toEqual(refusal('INVALID_ARGUMENT', /model/u));
  });

  test('a batch that is larger than the dataset', async () => {
    const model = makeModel('sgd');
    const dataset = digits.stream().batch(64, { remainder: 'drop' }).toTfDataset({ columns });
    const training = model.fitDataset(dataset, {
      epochs: 2,
      verbose: 0,
      callbacks: checkpoints(path, { model, dataset }, { signals: ['SIGUSR2'] }),
    });
    await expect(training).rejects.toEqual(
      refusal('EMPTY', new RegExp(`no batch of 64.*there are ${RECORDS} records`, 'u')),
    );
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });

  test('a filter that leaves nothing', async () => {
    const model = makeModel('sgd');
    const dataset = digits.stream().filter(() => false).batch(8).toTfDataset({ columns }); // prettier-ignore
    const callbacks = checkpoints(path, { model, dataset });
    const warned = await warnings(() => model.fitDataset(dataset, { epochs: 1, verbose: 0, callbacks }));
    expect(warned).toEqual([expect.stringContaining('gave no batch')]);
  });

  /** What is written to console.warn meanwhile. */
  async function warnings(action: () => Promise<unknown>): Promise<unknown[]> {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    try {
      await action();
      return warn.mock.calls.map(([text]) => text);
    } finally {
      warn.mockRestore();
    }
  }

  test('initialEpoch forgotten', async () => {
    const train = async (epochs: number, initialEpoch?: (saved: number | undefined) => number | undefined) => {
      const { model, dataset } = parts();
      const saved = await loadCheckpoint(path, { model, dataset });
      const fit = () =>
        model.fitDataset(dataset, {
          epochs,
          initialEpoch: initialEpoch?.(saved?.epoch) ?? 0,
          verbose: 0,
          callbacks: checkpoints(path, { model, dataset }),
        });
      return warnings(async () => {
        await fit();
        await fit();
      });
    };
    expect(await train(1)).toEqual([]);
    expect(await train(3, (epoch) => epoch)).toEqual([]);
    expect(await train(1)).toEqual([expect.stringMatching(/resumed in epoch \d.*initialEpoch: saved\.epoch/u)]);
  });

  test('no initialEpoch where epochs are not those of the data', async () => {
    const model = makeModel('sgd');
    const dataset = makeDataset()
      .repeat()
      .resume({ ...makeDataset().repeat().state, epoch: 2 });
    const callbacks = checkpoints(path, { model, dataset });
    expect(
      await warnings(() => model.fitDataset(dataset, { epochs: 1, batchesPerEpoch: 3, verbose: 0, callbacks })),
    ).toEqual([]);
    await dataset.close();
  });

  test('a checkpoint of other data', async () => {
    const { model, dataset } = parts();
    await saveCheckpoint(path, { model, state: dataset.state });
    const other = digits.slice(1).stream({ shuffle: true, shuffleSeed: 777 }).batch(8).toTfDataset({ columns });
    await expect(loadCheckpoint(path, { model, dataset: other })).rejects.toMatchObject({
      code: 'STATE_MISMATCH',
      message: expect.stringMatching(/run\.ckpt was made with another dataset.*: .*dataset.*at another path/u),
      details: { path },
    });
  });

  test.each([[['image', 'label']], ['image'], [null]])('columns as %j', (given) => {
    expect(() => digits.stream().toTfDataset({ columns: given as never })).toThrow(
      refusal('INVALID_ARGUMENT', /\{ xs: 'image', ys: 'label' \}/u),
    );
  });
});

describe('what TensorFlow.js says, and the README explains', () => {
  beforeAll(() => useBackend('cpu'));
  const fit = (dataset: unknown, model = makeModel('sgd')) =>
    model.fitDataset(dataset as tf.data.Dataset<tf.TensorContainer>, { epochs: 1, verbose: 0 });

  test('of a dataset without columns, a stream, and records that are no batches', async () => {
    await expect(fit(digits.stream().batch(8).toTfDataset())).rejects.toThrow(/generates \[object Object\]/u);
    await expect(fit(digits.stream().batch(8))).rejects.toThrow(/dataset\.iterator is not a function/u);
    await expect(fit(digits.stream().toTfDataset({ columns }))).rejects.toThrow(/Batch size mismatch/u);
  });

  test('sparseCategoricalCrossentropy learns from labels of float32', async () => {
    const model = makeModel('sgd');
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    const labels = (ys: 'label' | { column: 'label'; dtype: 'float32' }) =>
      digits
        .stream()
        .batch(8)
        .toTfDataset({ columns: { xs: columns.xs, ys } });
    await expect(fit(labels('label'), model)).rejects.toThrow();
    await fit(labels({ column: 'label', dtype: 'float32' }), model);
  });
});

test('saveCheckpoint without a state', async () => {
  const saving = saveCheckpoint('unused.ckpt', { model: makeModel('sgd') } as never);
  await expect(saving).rejects.toEqual(
    refusal('INVALID_ARGUMENT', /saveCheckpoint: state is missing; .*\{ model, state: dataset\.state \}/u),
  );
});
