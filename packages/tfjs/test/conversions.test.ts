import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { field, fromColumns, fromRecords, ndarray, type DataRef } from '@dataref/core';
import '@dataref/tfjs';
import { backends, useBackend } from './backends.js';
import { values } from './values.js';

/** One column of each dtype: what is stored, and the tensor that it becomes. */
const dtypes: readonly [dtype: string, column: any, tensor: string, values: readonly number[]][] = [
  ['bool', ndarray(Uint8Array.of(1, 0), [2], 'bool'), 'bool', [1, 0]],
  ['int8', Int8Array.of(-128, 127), 'int32', [-128, 127]],
  ['uint8', Uint8Array.of(0, 255), 'int32', [0, 255]],
  ['int16', Int16Array.of(-32768, 32767), 'int32', [-32768, 32767]],
  ['uint16', Uint16Array.of(0, 65535), 'int32', [0, 65535]],
  ['int32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1), 'int32', [-(2 ** 31), 2 ** 31 - 1]],
  ['uint32', Uint32Array.of(0, 2 ** 31 - 1), 'int32', [0, 2 ** 31 - 1]],
  ['int64', BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n), 'int32', [-(2 ** 31), 2 ** 31 - 1]],
  ['uint64', BigUint64Array.of(0n, 2n ** 31n - 1n), 'int32', [0, 2 ** 31 - 1]],
  ['float16', ndarray(Uint16Array.of(0x3c00, 0xc100), [2], 'float16'), 'float32', [1, -2.5]],
  ['float32', Float32Array.of(0.5, -1.25), 'float32', [0.5, -1.25]],
  ['float64', Float64Array.of(0.1, 1e10), 'float32', [Math.fround(0.1), 1e10]],
];

/** Values beyond int32. */
const tooLarge: readonly [dtype: string, column: any][] = [
  ['int64', BigInt64Array.of(1n, 2n ** 31n)],
  ['int64', BigInt64Array.of(1n, -(2n ** 40n))],
  ['uint64', BigUint64Array.of(1n, 2n ** 32n)],
  ['uint32', Uint32Array.of(1, 2 ** 31)],
];

describe.each(backends)('columns on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  describe.each([
    ['of a batch', (dataset: DataRef) => dataset.stream().batch(2)],
    [
      'of a batch, after a map',
      (dataset: DataRef) =>
        dataset
          .stream()
          .map((record) => record, { schema: dataset.schema })
          .batch(2),
    ],
    ['of a record', (dataset: DataRef) => dataset.stream()],
  ])('%s', (_, elements) => {
    test.each(dtypes)('%s becomes %3$s', async (_dtype, column, tensor, expected) => {
      for (const columns of [undefined, { value: 'x' }]) {
        const dataset = fromColumns({ x: column }) as DataRef;
        const made = elements(dataset).toTfDataset(columns === undefined ? {} : ({ columns } as never));
        const seen: number[] = [];
        const found = new Set<string>();
        await made.forEachAsync((element: Record<string, tf.Tensor>) => {
          const [value] = Object.values(element) as [tf.Tensor];
          found.add(value.dtype);
          seen.push(...Array.from(value.dataSync(), Number));
          tf.dispose(element);
        });
        expect([...found]).toEqual([tensor]);
        expect(seen).toEqual(expected);
      }
    });

    test.each(tooLarge)(
      '%s beyond int32 is an error that names record and column, not a wrapped value',
      async (_dtype, column) => {
        const before = tf.memory().numTensors;
        const dataset = fromColumns({ x: column }) as DataRef;
        await expect(values(elements(dataset).toTfDataset())).rejects.toMatchObject({
          code: 'LOSSY_CAST',
          details: { column: 'x', index: 1 },
        });
        expect(tf.memory().numTensors).toBe(before);
      },
    );

    test('scale, dtype and oneHot make what a model takes', async () => {
      const dataset: DataRef = fromColumns({
        image: ndarray(Uint8Array.of(0, 51, 102, 255), [2, 2]),
        label: Uint8Array.of(2, 0),
        wide: BigInt64Array.of(1n, 0n),
      });
      const columns = {
        xs: { column: 'image', scale: 1 / 255 },
        same: { column: 'image', dtype: 'float32' },
        ys: { column: 'label', oneHot: 3 },
        wide: { column: 'wide', oneHot: 2, dtype: 'int32' },
        flag: { column: 'wide', dtype: 'bool' },
      } as const;
      const made = elements(dataset).toTfDataset({ columns });
      const dtypesOf: Record<string, string> = {};
      await made.forEachAsync((element) => {
        for (const [name, tensor] of Object.entries(element)) dtypesOf[name] = tensor.dtype;
        tf.dispose(element);
      });
      expect(dtypesOf).toEqual({ xs: 'float32', same: 'float32', ys: 'float32', wide: 'int32', flag: 'bool' });
      const all = await values(elements(dataset).toTfDataset({ columns }));
      const flat = (name: string) => all.flatMap((element) => element[name].flat(3));
      expect(flat('xs')).toEqual([0, 51, 102, 255].map((value) => Math.fround(value * Math.fround(1 / 255))));
      expect(flat('same')).toEqual([0, 51, 102, 255]);
      expect(flat('ys')).toEqual([0, 0, 1, 1, 0, 0]);
      expect(flat('wide')).toEqual([0, 1, 1, 0]);
      expect(all.flatMap((element) => element.flag)).toEqual([1, 0]);
    });

    test('a label that is no class is an error', async () => {
      const dataset: DataRef = fromColumns({ label: Uint8Array.of(1, 3) });
      const made = elements(dataset).toTfDataset({ columns: { ys: { column: 'label', oneHot: 3 } } });
      await expect(values(made)).rejects.toMatchObject({ code: 'LOSSY_CAST', details: { column: 'label', index: 1 } });
    });

    test('texts become string tensors', async () => {
      const dataset: DataRef = fromColumns({ text: ['grün', ''], n: Uint8Array.of(1, 2) });
      const all = await values(elements(dataset).toTfDataset());
      expect(all.flatMap((element) => element.text)).toEqual(['grün', '']);
    });

    test('bytes are refused at once, with the cure', () => {
      const dataset: DataRef = fromColumns({ png: [Uint8Array.of(1)], n: Uint8Array.of(1) });
      expect(() => elements(dataset).toTfDataset()).toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('decode them with map') }),
      );
      expect(elements(dataset).toTfDataset({ columns: { n: 'n' } }).size).toBe(1);
    });
  });

  const ragged = () =>
    fromRecords(
      [Int32Array.of(1), Int32Array.of(2, 3), Int32Array.of()].map((data) => ({
        tokens: ndarray(data, [data.length]),
      })),
      { schema: { tokens: field('int32', [null]) } },
    );

  test('ragged columns are refused at once, naming the padding, unless batches are padded', async () => {
    const dataset = await ragged();
    const refusal = expect.objectContaining({
      code: 'RAGGED',
      message: expect.stringContaining("ragged: 'pad'"),
      details: { column: 'tokens' },
    });
    expect(() => dataset.stream().batch(2).toTfDataset()).toThrow(refusal);
    expect(() =>
      dataset
        .stream()
        .batch(2)
        .toTfDataset({ columns: { xs: 'tokens' } }),
    ).toThrow(expect.objectContaining({ code: 'RAGGED' }));
    expect(() => dataset.stream().toTfDataset().batch(2)).toThrow(refusal);
    for (const columns of [{ tokens: 'tokens' }, { tokens: { column: 'tokens', dtype: 'float32' } }] as const) {
      expect(await values(dataset.stream().batch(2, { ragged: 'pad' }).toTfDataset({ columns }))).toEqual([
        {
          tokens: [
            [1, 0],
            [2, 3],
          ],
        },
        { tokens: [] },
      ]);
    }
    const single = await values(dataset.stream().toTfDataset());
    expect(single).toEqual([{ tokens: [1] }, { tokens: [2, 3] }, { tokens: [] }]);
  });

  test('ragged columns that only a map gives are refused at the first batch', async () => {
    const dataset = await ragged();
    const mapped = dataset
      .stream()
      .batch(2)
      .map((batch) => ({ again: batch.columns.tokens }));
    await expect(values(mapped.toTfDataset())).rejects.toMatchObject({ code: 'RAGGED' });
  });

  test('padding of a last batch becomes zeros', async () => {
    const dataset = fromColumns({ x: Float32Array.of(1, 2, 3), text: ['a', 'b', 'c'] });
    expect(await values(dataset.stream().batch(2, { remainder: 'pad' }).toTfDataset())).toEqual([
      { x: [1, 2], text: ['a', 'b'] },
      { x: [3, 0], text: ['c', ''] },
    ]);
  });

  test('a mask tells real rows from padding, on a shard without rows too, and goes through maps', async () => {
    const dataset = fromColumns({ x: Float32Array.of(1, 2, 3, 4, 5) });
    const masks = await Promise.all(
      [0, 1, 2].map(async (shardRank) => {
        const batches = dataset.stream({ shardRank, numShards: 3 }).globalBatch(4, { remainder: 'pad' });
        const tensors = batches.toTfDataset({ columns: { xs: 'x' }, mask: 'mask' });
        return values(tensors.map(({ xs, mask }) => ({ xs, real: mask.mul(1) })));
      }),
    );
    expect(masks).toEqual([
      [
        { xs: [1, 4], real: [1, 1] },
        { xs: [5, 0], real: [1, 0] },
      ],
      [
        { xs: [2], real: [1] },
        { xs: [0], real: [0] },
      ],
      [
        { xs: [3], real: [1] },
        { xs: [0], real: [0] },
      ],
    ]);
  });

  test.each([
    [{ columns: { xs: 'x' }, mask: 'xs' }, 'mask must be a name that columns has not'],
    [{ columns: { xs: 'x' }, mask: true }, 'mask must be a name'],
    [{ mask: 'mask' }, 'beside columns'],
  ])('the mask of %j is refused', (options, message) => {
    const batches = fromColumns({ x: Float32Array.of(1) })
      .stream()
      .batch(1);
    expect(() => batches.toTfDataset(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });

  test('a mask of records is refused, which have no padding', () => {
    const records = fromColumns({ x: Float32Array.of(1) }).stream();
    const masked = { columns: { xs: 'x' }, mask: 'mask' } as const;
    expect(() => records.toTfDataset(masked as { columns: { xs: 'x' } })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('only batches') }),
    );
  });

  test('a batch of no elements a record is a tensor without elements', async () => {
    const dataset = fromColumns({ x: ndarray(new Float32Array(0), [3, 0]) });
    const iterator = await dataset.stream().batch(3).toTfDataset().iterator();
    const { value } = await iterator.next();
    expect(value.x.shape).toEqual([3, 0]);
    tf.dispose(value);
  });
});

describe('columns that cannot be', () => {
  const dataset: DataRef = fromColumns({
    image: ndarray(new Uint8Array(8), [2, 4]),
    label: Uint8Array.of(1, 2),
    text: ['a', 'b'],
  });
  const refusals: readonly [what: string, columns: object, message: RegExp][] = [
    ['an unknown name', { xs: 'imgae' }, /columns\.xs: no column "imgae".*did you mean "image"/u],
    ['an unknown name in a specification', { xs: { column: 'labels' } }, /did you mean "label"/u],
    ['no columns', {}, /name at least one/u],
    [
      'an unknown key',
      { xs: { column: 'image', onehot: 10 } },
      /columns\.xs: unknown "onehot"; there are column, dtype/u,
    ],
    ['no specification', { xs: 3 }, /columns\.xs: it must be a column's name/u],
    [
      'a dtype that tfjs has not',
      { xs: { column: 'image', dtype: 'int64' } },
      /no "int64" tensors.*float32, int32, bool/u,
    ],
    ['a scale for integers', { xs: { column: 'image', dtype: 'int32', scale: 2 } }, /scale needs dtype float32/u],
    ['oneHot of an image', { xs: { column: 'image', oneHot: 10 } }, /oneHot needs one class number a record/u],
    ['numbers of a text', { xs: { column: 'text', dtype: 'float32' } }, /text.*cannot become float32/u],
  ];
  test.each(refusals)('%s is refused when the dataset is made', (_, columns, message) => {
    for (const stream of [dataset.stream(), dataset.stream().batch(2)]) {
      expect(() => stream.toTfDataset({ columns } as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
      );
    }
  });

  test('after a map without a schema the names are checked at the first element', async () => {
    await useBackend(backends[0] as (typeof backends)[number]);
    const mapped = dataset.stream().map((record) => ({ pixels: record.image }));
    for (const stream of [mapped, mapped.batch(2)] as any[]) {
      await expect(values(stream.toTfDataset({ columns: { xs: 'pixel' } }))).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/did you mean "pixels"/u),
      });
      expect(await values(stream.toTfDataset({ columns: { xs: 'pixels' } }))).not.toHaveLength(0);
    }
  });
});
