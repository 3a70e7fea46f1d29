import { expect, test } from '@jest/globals';
import * as ort from 'onnxruntime-node';
import * as tf from '@tensorflow/tfjs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays } from '@dataref/arrays';
import '@dataref/onnx';
import '@dataref/tfjs';

test('batches of arrays become tensors of tfjs and of onnxruntime, with their dtypes', async () => {
  const arrays = openArrays(new ObjectStorage(new MemoryStore()));
  const point = await arrays.array('point', { shape: [10, 2], chunk: [4, 2], dtype: 'float32' });
  const label = await arrays.array('label', { shape: [10], chunk: [3], dtype: 'int32' });
  await point.set(
    [],
    Float32Array.from({ length: 20 }, (_, i) => i),
  );
  await label.set(
    [],
    Int32Array.from({ length: 10 }, (_, i) => i),
  );
  const dataset = await arrays.dataset('all', { point, label });
  const stream = () => dataset.stream({ shuffle: true, shuffleSeed: 1 }).batch(4);

  await tf.setBackend('cpu');
  const labels: number[] = [];
  await stream()
    .toTfDataset()
    .forEachAsync((batch) => {
      const { point: points, label: found } = batch as Record<string, tf.Tensor>;
      expect([points?.dtype, points?.shape.slice(1), found?.dtype]).toEqual(['float32', [2], 'int32']);
      labels.push(...(found?.dataSync() ?? []));
    });
  const fed: number[] = [];
  const inputMetadata = [
    { name: 'point', isTensor: true, type: 'float32', shape: ['N', 2] },
    { name: 'label', isTensor: true, type: 'int32', shape: ['N'] },
  ] as const;
  for await (const { feeds } of stream().toOrtFeeds({ ort, session: { inputMetadata } })) {
    expect([feeds['point']?.type, feeds['point']?.dims.slice(1)]).toEqual(['float32', [2]]);
    fed.push(...(feeds['label']?.data as Int32Array));
  }
  expect(fed).toEqual(labels);
  expect(labels.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
