import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { fromColumns, fromRecords, ndarray } from '@dataref/core';
import '@dataref/tfjs';
import { backends, useBackend } from './backends.js';
import { plain, values } from './values.js';

const range = fromColumns(Int32Array.from({ length: 10 }, (_, i) => i));

describe.each(backends)('toTfDataset on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('gives a true tf.data.Dataset that knows its size', () => {
    const dataset = range.stream().toTfDataset();
    expect(dataset).toBeInstanceOf(tf.data.Dataset);
    expect(dataset.size).toBe(10);
    expect(dataset.batch(4).size).toBe(3);
    expect(dataset.batch(4, false).size).toBe(2);
    expect(dataset.repeat(3).size).toBe(30);
    expect(dataset.repeat().size).toBe(Infinity);
    expect(range.stream().batch(5).toTfDataset().size).toBe(2);
  });

  test('the walkthrough comes out as YogaDL prints it', async () => {
    const numbers = await fromRecords(Array.from({ length: 10 }, (_, i) => i));
    const stream = numbers.stream({ startOffset: 5, shuffle: true, shuffleSeed: 777 });
    expect(await values(stream.toTfDataset().repeat(3).batch(5))).toEqual([
      [5, 1, 9, 6, 7],
      [1, 7, 3, 9, 8],
      [2, 6, 0, 4, 5],
      [9, 5, 3, 0, 8],
      [6, 7, 4, 1, 2],
    ]);
  });

  test('for await goes through an epoch; the next loop, also after one that was left, through the next', async () => {
    const shuffled = () => range.stream({ shuffle: true, shuffleSeed: 1 });
    const dataset = shuffled().batch(4).toTfDataset();
    const epochs: number[][] = [];
    for (const count of [Infinity, 1, Infinity]) {
      const seen: number[] = [];
      for await (const batch of dataset) {
        seen.push(...batch.dataSync());
        batch.dispose();
        if (seen.length >= 4 * count) break;
      }
      epochs.push(seen);
    }
    const inOne = (await values(shuffled().repeat(3).toTfDataset())) as number[];
    expect(epochs).toEqual([inOne.slice(0, 10), inOne.slice(10, 14), inOne.slice(20)]);
    expect(dataset.epoch).toBe(3);
  });

  test('elements of a stream are records, of a batch stream batches', async () => {
    expect(await values(range.stream().toTfDataset().take(2))).toEqual([0, 1]);
    expect(await values(range.stream().batch(6).toTfDataset())).toEqual([
      [0, 1, 2, 3, 4, 5],
      [6, 7, 8, 9],
    ]);
  });

  test('batch, repeat, take, skip and prefetch do what tf.data does', async () => {
    const dataset = range.stream().toTfDataset();
    const theirs = tf.data.array(Array.from({ length: 10 }, (_, i) => tf.scalar(i, 'int32')));
    const pipelines: ((of: tf.data.Dataset<tf.Tensor>) => tf.data.Dataset<any>)[] = [
      (of) => of.take(3),
      (of) => of.take(100),
      (of) => of.take(-1),
      (of) => of.skip(4),
      (of) => of.skip(40),
      (of) => of.repeat(2),
      (of) => of.repeat(0),
      (of) => of.batch(4),
      (of) => of.batch(4, false),
      (of) => of.skip(1).take(5).batch(2),
      (of) => of.repeat(2).batch(7),
      (of) => of.batch(3).take(2),
      (of) => of.prefetch(3).batch(4),
    ];
    for (const pipeline of pipelines) {
      const elements = (await pipeline(theirs).toArray()).map(plain);
      expect(await values(pipeline(dataset))).toEqual(elements);
    }
    tf.dispose(await theirs.toArray());
  });

  test('filter, concatenate, zip, toArray and resolveFully are those of tf.data', async () => {
    const dataset = range.stream().toTfDataset();
    const even = dataset.filter((value) => tf.tidy(() => value.dataSync()[0] as number) % 2 === 0);
    expect(await values(even)).toEqual([0, 2, 4, 6, 8]);
    const both = dataset.take(2).concatenate(range.stream().toTfDataset().skip(8));
    expect(await values(both)).toEqual([0, 1, 8, 9]);
    const zipped = tf.data.zip({ a: dataset.take(2), b: range.stream().toTfDataset().skip(5) });
    expect(await values(zipped)).toEqual([
      { a: 0, b: 5 },
      { a: 1, b: 6 },
    ]);
    const array = await dataset.take(3).toArray();
    expect(array.map(plain)).toEqual([0, 1, 2]);
    tf.dispose(array);
  });

  test('map and mapAsync keep the order, the state and the memory', async () => {
    const before = tf.memory().numTensors;
    const dataset = range.stream().toTfDataset();
    const doubled = dataset.map((value) => ({ twice: value.mul(2), same: value }));
    expect(await values(doubled.take(2))).toEqual([
      { twice: 0, same: 0 },
      { twice: 2, same: 1 },
    ]);
    const later = dataset.mapAsync(async (value) => value.add(1)).skip(1);
    expect((await values(later)).slice(0, 3)).toEqual([2, 3, 4]);
    expect(await values(dataset.map((value) => value.mul(3)).batch(4))).toEqual([
      [0, 3, 6, 9],
      [12, 15, 18, 21],
      [24, 27],
    ]);
    const iterator = await doubled.iterator();
    tf.dispose((await iterator.next()).value);
    expect(doubled.state.node).toMatchObject({ kind: 'source', position: 1 });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('shuffle says where shuffling is done', () => {
    expect(() => range.stream().toTfDataset().shuffle(10)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('shuffleSeed') }),
    );
  });

  test('batches are not batched again', () => {
    expect(() => range.stream().batch(2).toTfDataset().batch(2)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    );
  });

  test('an iterator that is made and not pulled takes no epoch', async () => {
    const dataset = range.stream({ shuffle: true, shuffleSeed: 1 }).toTfDataset();
    await dataset.iterator();
    await dataset.iterator();
    expect(dataset.epoch).toBe(0);
    const first = await values(dataset);
    expect(dataset.epoch).toBe(1);
    expect(await values(dataset)).not.toEqual(first);
  });

  test('calls of next at the same time get the elements in their order', async () => {
    const iterator = await range.stream().toTfDataset().iterator();
    const results = await Promise.all(Array.from({ length: 12 }, () => iterator.next()));
    expect(results.map(({ value }) => (value === null ? null : plain(value)))).toEqual([
      ...Array(10).keys(),
      null,
      null,
    ]);
  });

  test('the state after k elements, taken up in another dataset, gives the rest', async () => {
    const make = () => range.stream({ shuffle: true, shuffleSeed: 9 }).toTfDataset().repeat(2).batch(3);
    const whole = await values(make());
    for (let k = 0; k <= whole.length; k++) {
      const first = make();
      const iterator = await first.iterator();
      for (let i = 0; i < k; i++) tf.dispose((await iterator.next()).value);
      const state = JSON.parse(JSON.stringify(first.state));
      const rest = k === whole.length ? [] : await values(make().resume(state));
      expect(rest).toEqual(whole.slice(k));
    }
  });

  test('a stream that was resumed gives a dataset that stands there', async () => {
    const make = () => range.stream({ shuffle: true, shuffleSeed: 9 }).batch(3);
    const whole = await values(make().toTfDataset());
    const first = make().toTfDataset();
    tf.dispose((await (await first.iterator()).next()).value);
    expect(await values(make().resume(first.state).toTfDataset())).toEqual(whole.slice(1));
    expect(await values(first.resume(undefined))).toEqual(whole);
  });

  test('a newer iteration supersedes an older one, and close ends all', async () => {
    const dataset = range.stream().toTfDataset();
    const older = await dataset.iterator();
    await older.next();
    await (await dataset.iterator()).next();
    await expect(older.next()).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await dataset.close();
    await expect(values(dataset)).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
  });

  test('an error of a map in the stream comes out as it is, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const failing = range.stream().map((value) => {
      if (value === 3) throw new Error('three');
      return { value };
    });
    await expect(values(failing.toTfDataset())).rejects.toMatchObject({ code: 'MAP_FAILED' });
    await expect(
      values(
        range
          .stream()
          .toTfDataset()
          .map(() => tf.tensor([1, 2], [3])),
      ), //
    ).rejects.toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('what is no stream, and options that there are not, are refused', async () => {
    const { toTfDataset } = await import('@dataref/tfjs/pure');
    expect(() => toTfDataset(range as never)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(() => range.stream().toTfDataset({ colums: {} } as never)).toThrow(/"colums".*there are columns, mask, tf/u);
  });

  test('the dataset of another copy of TensorFlow.js is an instance of that copy', () => {
    // A copy has classes of its own, over the same engine.
    class Dataset extends tf.data.Dataset<any> {
      iterator(): never {
        throw new Error('abstract');
      }
    }
    const copy = { ...tf, data: { ...tf.data, Dataset } } as unknown as typeof tf;
    const theirs = range.stream().toTfDataset({ tf: copy });
    expect(theirs).toBeInstanceOf(Dataset);
    expect(range.stream().toTfDataset()).not.toBeInstanceOf(Dataset);
    expect(range.stream().toTfDataset({ tf: copy }).constructor).toBe(theirs.constructor);
  });

  test('records keep their structure: objects in objects, tuples, bare values', async () => {
    const nested = await fromRecords([
      { xs: { image: ndarray(Float32Array.of(1, 2), [2]) }, ys: 1 },
      { xs: { image: ndarray(Float32Array.of(3, 4), [2]) }, ys: 2 },
    ]);
    expect(await values(nested.stream().batch(2).toTfDataset())).toEqual([
      {
        xs: {
          image: [
            [1, 2],
            [3, 4],
          ],
        },
        ys: [1, 2],
      },
    ]);
    expect(await values(nested.stream().toTfDataset({ columns: { a: 'xs.image' } }))).toEqual([
      { a: [1, 2] },
      { a: [3, 4] },
    ]);
    const tuples = await fromRecords([
      [ndarray(Int32Array.of(1, 2), [2]), 'a'] as const,
      [ndarray(Int32Array.of(3, 4), [2]), 'b'] as const,
    ]);
    expect(await values(tuples.stream().batch(2).toTfDataset())).toEqual([
      [
        [
          [1, 2],
          [3, 4],
        ],
        ['a', 'b'],
      ],
    ]);
    expect(await values(tuples.stream().toTfDataset().take(1))).toEqual([[[1, 2], 'a']]);
  });
});
