import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { fromRecords } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { fromTfDataset } from '@dataref/tfjs';
import { backends, useBackend } from './backends.js';
import { values } from './values.js';

describe.each(backends)('fromTfDataset on %s', (backend) => {
  let folder: string;
  beforeAll(async () => {
    await useBackend(backend);
    folder = await mkdtemp(join(tmpdir(), 'dataref-tfjs-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const source = () =>
    tf.data.generator(function* () {
      for (let i = 0; i < 5; i++) {
        yield {
          xs: tf.tensor2d([i, i + 0.5, i + 1, i + 1.5], [2, 2]),
          id: tf.scalar(i, 'int32'),
          hit: tf.tensor1d([i % 2, 1], 'bool'),
          text: tf.scalar(`text ${i}`, 'string'),
          pair: [tf.scalar(i / 4), i],
        };
      }
    } as never) as tf.data.Dataset<any>;

  test('gives records of the tensors’ dtypes and shapes, which are stored and come back equal', async () => {
    const before = tf.memory().numTensors;
    const stored = await new FileStorage(folder).submit(fromTfDataset(source()), 'made', '1');
    expect(tf.memory().numTensors).toBe(before);
    expect(stored.schema).toEqual({
      xs: { dtype: 'float32', shape: [2, 2] },
      id: { dtype: 'int32', shape: [] },
      hit: { dtype: 'bool', shape: [2] },
      text: { dtype: 'string', shape: [] },
      pair: [
        { dtype: 'float32', shape: [] },
        { dtype: 'float64', shape: [] },
      ],
    });
    const theirs = await values(source().map((element: any) => ({ ...element, pair: element.pair[0] })));
    const ours = await values(
      stored
        .stream()
        .map((r: any) => ({ ...r, pair: r.pair[0] }))
        .toTfDataset(),
    );
    expect(ours).toEqual(theirs);
  });

  test('disposes what it took when it is given up', async () => {
    const before = tf.memory().numTensors;
    for await (const record of fromTfDataset(source())) {
      expect(record).toMatchObject({ id: { dtype: 'int32', shape: [] } });
      break;
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test('what no dataset can hold is refused with its place', async () => {
    const before = tf.memory().numTensors;
    const dataset = tf.data.generator(function* () {
      yield { a: tf.scalar(1), words: tf.tensor1d(['a', 'b']) };
    } as never);
    await expect(fromRecords(fromTfDataset(dataset))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      details: { column: 'words' },
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
