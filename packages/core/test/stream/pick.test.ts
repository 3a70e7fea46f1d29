import { describe, expect, test } from '@jest/globals';
import { fromColumns, ndarray, type DataRef } from '@dataref/core';
import { pickColumns, type BatchFlow, type RecordFlow } from '@dataref/core/adapter';

const dataset: DataRef = fromColumns({
  image: ndarray(
    Uint8Array.from({ length: 12 }, (_, i) => i),
    [6, 2],
  ),
  label: BigInt64Array.from([0n, 1n, 2n, 0n, 1n, 2n]),
});
const specs = { xs: { column: 'image', dtype: 'float32', scale: 0.5 }, ys: { column: 'label', oneHot: 3 } } as const;
const picker = () => pickColumns(specs, () => undefined);

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe.each([
  ['as stored', (stream: RecordFlow) => stream],
  ['after a map', (stream: RecordFlow) => stream.map((record: unknown) => record) as RecordFlow],
])('records with picked columns, %s', (_, prepare) => {
  test('have the values of the batches with the same columns', async () => {
    const stream = () => prepare(dataset.stream({ shuffle: true, shuffleSeed: 1 }) as unknown as RecordFlow);
    const records = await all(stream().pick(picker()));
    const [batch] = await all(stream().batch(6).pick(picker()));
    const flat = (name: string) => records.flatMap((record) => [...record[name].data]);
    expect(flat('xs')).toEqual([...batch.columns.xs.data]);
    expect(flat('ys')).toEqual([...batch.columns.ys.data]);
    expect(records[0]).toMatchObject({ xs: { dtype: 'float32', shape: [2] }, ys: { dtype: 'float32', shape: [3] } });
  });
});

test('a value that a picked column cannot hold is an error that names the record', async () => {
  const tooFew = pickColumns({ ys: { column: 'label', oneHot: 2 } }, () => undefined);
  const records = (dataset.stream() as unknown as RecordFlow).pick(tooFew);
  await expect(all(records)).rejects.toMatchObject({ code: 'LOSSY_CAST', details: { column: 'label', index: 2 } });
});

test('buffers of picked batches are not written anew unless the adapter gives them back', async () => {
  const batches = dataset.stream().batch(2, { reuse: true }) as unknown as BatchFlow;
  const [first, ...rest] = await all(batches.pick(picker()));
  expect([...first.columns.xs.data]).toEqual([0, 0.5, 1, 1.5]);
  expect(new Set([first, ...rest].map((batch) => batch.columns.xs.data.buffer)).size).toBe(3);
});

test('a column that there is not is refused with the one that was probably meant', () => {
  const meant = (column: string) => () => pickColumns({ xs: { column } }, () => undefined).resolve(dataset.schema);
  expect(meant('imagee')).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('did you mean "image"?') }),
  );
  expect(meant('Label')).toThrow(/did you mean "label"/u);
  expect(meant('weights')).toThrow(expect.objectContaining({ message: expect.not.stringContaining('did you mean') }));
});

test('batches have a length that is known before only where none is kept short, and no map can change it', () => {
  const everyLength = (flow: unknown): number | undefined => (flow as BatchFlow).everyLength;
  const stream = (shardRank: number) => dataset.stream({ shardRank, numShards: 2 });
  expect(everyLength(dataset.stream().batch(4))).toBeUndefined();
  expect(everyLength(dataset.stream().batch(4, { remainder: 'drop' }))).toBe(4);
  expect(everyLength(dataset.stream().batch(4, { remainder: 'pad' }).take(1))).toBe(4);
  expect(
    everyLength(
      dataset
        .stream()
        .filter(() => true)
        .batch(4, { remainder: 'pad' }),
    ),
  ).toBe(4);
  expect([0, 1].map((rank) => everyLength(stream(rank).batch(2, { remainder: 'drop' })))).toEqual([2, 2]);
  expect([0, 1].map((rank) => everyLength(stream(rank).globalBatch(5, { remainder: 'pad' })))).toEqual([3, 2]);
  const mapped = dataset
    .stream()
    .batch(4, { remainder: 'drop' })
    .map((batch) => batch.columns);
  expect(everyLength(mapped)).toBeUndefined();
});
