import { describe, expect, test } from '@jest/globals';
import { fromColumns, fromRecords, ndarray } from '@dataref/core';
import { toOrtFeeds, type OrtBatch } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import { input, modelOf } from './tiny-model.js';

const points = fromColumns({
  a: ndarray(
    Float32Array.from({ length: 20 }, (_, i) => i),
    [10, 2],
  ),
  b: ndarray(
    Float32Array.from({ length: 20 }, (_, i) => -i),
    [10, 2],
  ),
});
const model = modelOf([input('b', 'float32', ['N', 2]), input('a', 'float32', ['N', 2]), input('m', 'bool', ['N'])]);
const feedsOf = (size: number, remainder: 'keep' | 'pad' = 'keep') =>
  toOrtFeeds(points.stream({ shuffle: true, shuffleSeed: 3 }).batch(size, { remainder }), {
    session: model,
    ort,
    maskInput: 'm',
    reuseBuffers: true,
  });
const shown = ({ feeds }: OrtBatch) =>
  Object.fromEntries(Object.entries(feeds).map(([name, { dims, data }]) => [name, [dims, Array.from(data as Float32Array)]])); // prettier-ignore

describe('where arrays are written anew', () => {
  test('their tensors are handed out again, in an object that is new', async () => {
    const tensors = new Set<unknown>();
    const objects = new Set<unknown>();
    for await (const { feeds } of feedsOf(2).prefetch({ batches: 2 })) {
      objects.add(feeds);
      for (const tensor of Object.values(feeds)) tensors.add(tensor);
    }
    expect(objects.size).toBe(5);
    expect(tensors.size).toBeLessThan(3 * 5);
  });

  test.each(['keep', 'pad'] as const)(
    'batches of any length are those of arrays of their own: %s',
    async (remainder) => {
      for (const size of [1, 2, 3, 4, 7]) {
        const own = toOrtFeeds(points.stream({ shuffle: true, shuffleSeed: 3 }).batch(size, { remainder }), { session: model, ort, maskInput: 'm' }); // prettier-ignore
        const wanted: unknown[] = [];
        for await (const batch of own.repeat(3)) wanted.push(shown(batch));
        const seen: unknown[] = [];
        for await (const batch of feedsOf(size, remainder).repeat(3)) seen.push(shown(batch));
        expect(seen).toEqual(wanted);
      }
    },
  );

  test('a tensor that its user disposed of is made anew', async () => {
    let rows = 0;
    for await (const { feeds } of feedsOf(2)) {
      rows += (feeds['a']!.data as Float32Array).length / 2;
      for (const tensor of Object.values(feeds)) tensor.dispose();
    }
    expect(rows).toBe(10);
  });

  test('texts and numbers come together', async () => {
    const words = await fromRecords([1, 2, 3].map((n) => ({ n, word: `word ${n}` })));
    const session = modelOf([input('n', 'float64', ['N']), input('word', 'string', ['N'])]);
    const seen: unknown[] = [];
    for await (const { feeds } of toOrtFeeds(words.stream().batch(1), { session, ort, reuseBuffers: true }))
      seen.push([...(feeds['n']!.data as Float64Array), ...(feeds['word']!.data as string[])]);
    expect(seen).toEqual([
      [1, 'word 1'],
      [2, 'word 2'],
      [3, 'word 3'],
    ]);
  });
});
