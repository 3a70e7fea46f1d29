import { describe, expect, test } from '@jest/globals';
import { fromColumns, ndarray, type DataRef, type NDArray } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { resumeSuite } from '@dataref/core/testing';
import { openArrays, slice, type ArrayDataset, type Arrays } from '@dataref/arrays';
import { failure } from '../../../core/test/expect-error.js';
import { countedStore } from './counted-store.js';

const LENGTH = 103;
const IMAGE = [4, 3];
const images = Uint8Array.from({ length: LENGTH * 12 }, (_, i) => (i * 7) % 251);
const labels = Float32Array.from({ length: LENGTH }, (_, i) => i / 4);
const inMemory: DataRef = fromColumns({ image: ndarray(images, [LENGTH, ...IMAGE]), label: labels });

/** The same records in chunks: whole images, images cut into pieces, labels in longer chunks than either. */
async function stored(cacheBytes?: number, imageChunk: readonly number[] = [10, ...IMAGE]) {
  const { store, reads } = countedStore();
  const arrays = openArrays(new ObjectStorage(store), cacheBytes === undefined ? {} : { cacheBytes });
  const image = await arrays.array('train:image', {
    shape: [LENGTH, 4, 3],
    chunk: imageChunk,
    dtype: 'uint8',
  });
  const label = await arrays.array('train:label', { shape: [LENGTH], chunk: [25], dtype: 'float32' });
  await image.set([], images);
  await label.set([], labels);
  const dataset = await arrays.dataset('train', { image, label });
  reads.length = 0;
  return { arrays, dataset, reads };
}

async function labelsOf(stream: AsyncIterable<any>): Promise<number[]> {
  const seen: number[] = [];
  for await (const { columns } of stream) seen.push(...columns.label.data);
  return seen;
}

describe.each([
  ['whole rows', [10, 4, 3]],
  ['rows in pieces', [7, 3, 2]],
])('a dataset of arrays with chunks of %s', (_, chunk) => {
  test.each([
    {},
    { shuffle: true, shuffleSeed: 5 },
    { shuffle: true, shuffleSeed: 5, shuffleAlgorithm: 'permutation' },
  ])(
    'streams the records that lie in memory, in the same order, through a cache of any size: %j',
    async (options: object) => {
      const expected: unknown[] = [];
      for await (const batch of inMemory.stream(options).batch(8)) expected.push(batch.columns);
      for (const cacheBytes of [0, 300, 2 ** 20]) {
        const { dataset } = await stored(cacheBytes, chunk);
        const got: unknown[] = [];
        for await (const batch of dataset.stream(options).batch(8)) got.push(batch.columns);
        expect(got).toEqual(expected);
      }
    },
  );

  test('has at, read, slice, where, select as any other', async () => {
    const { dataset } = await stored(undefined, chunk);
    expect(dataset).toHaveLength(LENGTH);
    expect(dataset.schema).toEqual(inMemory.schema);
    expect(await dataset.at(-1)).toEqual(await inMemory.at(-1));
    const indices = [99, 3, 3, 50];
    expect((await dataset.read(indices)).columns).toEqual((await inMemory.read(indices)).columns);
    const few = await dataset.select('label').where(({ label }) => label > 25);
    expect(await few.at(0)).toEqual({ label: 25.25 });
    expect(await dataset.slice(40, 44).at(1)).toEqual(await inMemory.at(41));
  });
});

describe.each(['numpy', 'permutation', 'parts'] as const)('states of a stream shuffled by %s', (shuffleAlgorithm) => {
  let opened: Promise<Awaited<ReturnType<typeof stored>>['dataset']> | undefined;
  const dataset = () => (opened ??= stored(300).then((made) => made.dataset));
  const options = { shuffle: true, shuffleSeed: 2, shuffleAlgorithm, numShards: 2, shardRank: 1 };
  for (const { name, run } of resumeSuite({ pipeline: async () => (await dataset()).stream(options).batch(8) }))
    test(name, run);
});

test('a chunk is decoded once in an epoch of a full shuffle where all fit the budget', async () => {
  const { dataset, reads } = await stored();
  const seen = await labelsOf(dataset.stream({ shuffle: true, shuffleSeed: 1 }).batch(8));
  expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from(labels));
  expect(reads.toSorted()).toEqual([...new Set(reads)].toSorted());
  expect(reads).toHaveLength(11 + 5);
});

test('the order parts decodes each chunk of the largest array once, with a budget for its window alone', async () => {
  const { dataset, reads } = await stored(5 * 120);
  const order = { shuffle: true, shuffleSeed: 1, shuffleAlgorithm: 'parts', shuffleWindow: 3 } as const;
  const seen = await labelsOf(dataset.stream(order).batch(8));
  expect(new Set(seen).size).toBe(LENGTH);
  expect(seen).not.toEqual(Array.from(labels));
  const ofImages = reads.filter((key) => key.includes('image'));
  expect(ofImages).toHaveLength(11);
});

test('what is written once no stream reads is seen by the next', async () => {
  const { dataset } = await stored();
  await labelsOf(dataset.stream().batch(50));
  await dataset.set('label', [slice(0, 2)], [70, 71]);
  await dataset.arrays.label.set([2], 72);
  expect((await labelsOf(dataset.stream().batch(50))).slice(0, 4)).toEqual([70, 71, 72, 0.75]);
  expect(await dataset.at(1)).toMatchObject({ label: 71 });
});

test('rows of an array with shapes of its own are ragged, each cut to its shape', async () => {
  const arrays = openArrays(new ObjectStorage(countedStore().store));
  const image = await arrays.array('image', { shape: [4, 3, 5], chunk: [2, 3, 5], dtype: 'uint8', recordAxes: 1 });
  const text = await arrays.array('text', { shape: [4, 6], chunk: [3, 6], dtype: 'uint16', recordAxes: 1 });
  const shapes = [
    [3, 5],
    [1, 2],
    [2, 4],
    [0, 0],
  ];
  await image.shapes!.set([], shapes);
  await text.shapes!.set([slice(0, 3)], [[2], [0], [6]]);
  for (const [i, [rows = 0, columns = 0]] of shapes.entries())
    if (rows > 0) await image.set([i, slice(rows), slice(columns)], i + 1);
  await text.set([0, slice(2)], [8, 9]);
  const dataset = await arrays.dataset('ragged', { image, text });
  expect(dataset.schema).toEqual({
    image: { dtype: 'uint8', shape: [null, null] },
    text: { dtype: 'uint16', shape: [null] },
  });
  const records: { readonly image: NDArray; readonly text: NDArray }[] = [];
  for await (const record of dataset.stream()) records.push(record);
  expect(records.map((record) => record.image.shape)).toEqual(shapes);
  expect(records.map((record) => new Set(record.image.data as Uint8Array))).toEqual([
    new Set([1]),
    new Set([2]),
    new Set([3]),
    new Set(),
  ]);
  // The last has no shape yet: all there is room for.
  expect(records.map((record) => Array.from(record.text.data as Uint16Array))).toEqual([
    [8, 9],
    [],
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0],
  ]);
});

test('a state is refused once an array was replaced or lengthened', async () => {
  const { arrays, dataset } = await stored();
  const stream = dataset.stream().batch(8);
  for await (const { state } of stream) {
    const left = async (opened: ArrayDataset<any>) => labelsOf(opened.stream().batch(8).resume(state));
    expect(await left(await arrays.openDataset('train'))).toEqual(Array.from(labels.subarray(8)));
    await arrays.array('train:label', { shape: [LENGTH], chunk: [25], dtype: 'float32', ifExists: 'replace' });
    const replaced = await arrays.openDataset('train');
    await expect(left(replaced)).rejects.toThrow(failure('STATE_MISMATCH', /train.*was replaced since/u));
    break;
  }
});

test('a row that was cut off meanwhile is told of, and others are read', async () => {
  const { arrays, dataset } = await stored();
  await dataset.arrays.label.resize(50);
  await expect(dataset.at(80)).rejects.toThrow(failure('OUT_OF_RANGE', /has 50 rows now.*open the dataset anew/u));
  expect(await dataset.at(20)).toMatchObject({ label: 5 });
  expect(await arrays.openDataset('train')).toHaveLength(50);
});

test('a damaged chunk is told of by its key', async () => {
  const { store } = countedStore();
  const arrays = openArrays(new ObjectStorage(store));
  const label = await arrays.array('label', { shape: [9], chunk: [3], dtype: 'int32' });
  await label.set([], 5);
  const dataset = await arrays.dataset('all', { label });
  const keys: string[] = [];
  for await (const { key } of store.list('')) if (key.endsWith('c/1')) keys.push(key);
  const { bytes } = (await store.get(keys[0]!, 1000))!;
  await store.put(
    keys[0]!,
    bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte)),
  );
  expect(await dataset.at(0)).toEqual({ label: 5 });
  await expect(dataset.at(4)).rejects.toThrow(failure('CORRUPT', /label\/c\/1/u));
  await expect(labelsOf(dataset.stream().batch(2))).rejects.toThrow(failure('CORRUPT', /label\/c\/1/u));
});

test.each<[string, (arrays: Arrays) => Promise<unknown>]>([
  [
    'replaced',
    (arrays) =>
      arrays.array('train:image', { shape: [LENGTH, 4, 3], chunk: [10, 4, 3], dtype: 'uint8', ifExists: 'replace' }),
  ],
  ['cut', async (arrays) => (await arrays.openArray('train:image')).resize(5)],
  ['deleted', (arrays) => arrays.delete('train:image')],
])('records of an array that was %s elsewhere are GENERATION_GONE, and no zeros', async (_, change) => {
  const { arrays, dataset } = await stored();
  await change(arrays);
  await expect(dataset.at(90)).rejects.toEqual(failure('GENERATION_GONE', /train:image was replaced, cut or deleted/u));
  await expect(labelsOf(dataset.stream().batch(8))).rejects.toEqual(
    failure('GENERATION_GONE', /open it anew, or the dataset/u),
  );
});

test('records that were never written are zeros, also while others lengthen the array', async () => {
  const { arrays } = await stored();
  const empty = await arrays.array('empty', { shape: [6], chunk: [2], dtype: 'float32' });
  const dataset = await arrays.dataset('sparse', { label: empty });
  await (await arrays.openArray('empty')).append([7]);
  expect(await labelsOf(dataset.stream().batch(4))).toEqual([0, 0, 0, 0, 0, 0]);
});

test('of chunks that reach far beyond their array, no more are read at once than fit the budget', async () => {
  const store = new MemoryStore();
  const arrays = openArrays(new ObjectStorage(store), { cacheBytes: 1000 });
  const label = await arrays.array('wide', { shape: [30, 1], chunk: [1, 600], dtype: 'uint8' });
  await label.set([], 1);
  const dataset = await arrays.dataset('far', { label });
  const get = store.get.bind(store);
  let now = 0;
  let most = 0;
  store.get = async (...request) => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now--;
    return get(...request);
  };
  expect(await labelsOf(dataset.stream().batch(30))).toEqual(Array(30).fill(1));
  expect(most).toBe(1);
});
