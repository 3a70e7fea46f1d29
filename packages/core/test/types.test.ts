// What the compiler must accept, infer and refuse: `tsc -b` checks this file, the tests below run what can be run.
import { expect, test } from '@jest/globals';
import {
  concat,
  defineDataRef,
  field,
  fromColumns,
  fromRecords,
  isDataRefError,
  ndarray,
  parseState,
  type BatchStream,
  type DataRef,
  type NDArray,
  type RecordOf,
  type Schema,
  type Storage,
  type StreamOptions,
  type StreamState,
} from '@dataref/core';
import { failure } from './expect-error.js';

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- how two types are compared
type Eq<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a claim about the type alone
const is = <T extends true>(...claim: readonly T[]): void => void claim;
type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const N: number = 12;
const mnist = fromColumns({ image: ndarray(new Uint8Array(N * 784), [N, 28, 28]), label: new Uint8Array(N) });
const noise = defineDataRef({
  length: 10,
  fingerprint: 'noise-v1',
  schema: { x: field('float32', [3]), y: field('int64'), name: field('string'), tokens: field('int32', [null]) },
  read: async (indices) =>
    indices.map((i) => ({
      x: ndarray(new Float32Array(3), [3]),
      y: BigInt(i),
      name: `n${i}`,
      tokens: ndarray(new Int32Array(i), [i]),
    })),
});

test('columns give the types of records and batches', async () => {
  is<Eq<RecordOf<typeof mnist.schema>, { image: NDArray<'uint8', readonly [28, 28]>; label: number }>>();
  const batches = mnist.stream({ shuffle: true, shuffleSeed: 7 }).globalBatch(4, { remainder: 'drop' });
  for (let epoch = batches.resume(undefined).epoch; epoch < 2; epoch++) {
    for await (const batch of batches) {
      is<Eq<typeof batch.columns.image, NDArray<'uint8', readonly [number, 28, 28]>>>();
      const json: Json = batch.state;
      expect(parseState(JSON.parse(JSON.stringify(json)))).toEqual(batch.state);
    }
  }
  const row = await mnist.at(0);
  const pixels: Uint8Array = row.image.data;
  const rows = await mnist.read([3, 1, 4]);
  expect([pixels.length, rows.columns.image.shape[0]]).toEqual([784, 3]);
});

test('a custom dataset gives the types of its schema', async () => {
  for await (const batch of noise.stream({ shuffle: true, shuffleSeed: 1 }).batch(8)) {
    const names: readonly string[] = batch.columns.name;
    const y: BigInt64Array = batch.columns.y.data;
    const tokens: readonly NDArray<'int32'>[] = batch.columns.tokens;
    expect(names.length + y.length + tokens.length).toBe(3 * batch.length);
  }
});

test('records give their types, nested, as tuples and bare', async () => {
  const nested = await fromRecords([{ xs: { image: ndarray(new Float32Array(4), [2, 2]) }, ys: 1 }]);
  is<Eq<RecordOf<typeof nested.schema>, { xs: { image: NDArray<'float32', readonly [2, 2]> }; ys: number }>>();
  const tuple = await fromRecords([[ndarray(new Int32Array(4), [4]), 'a'] as const]);
  for await (const batch of tuple.stream().batch(2)) {
    const numbers: Int32Array = batch.columns[0].data;
    const texts: readonly string[] = batch.columns[1];
    expect([numbers.length, texts]).toEqual([4, ['a']]);
  }
  const bare = await fromRecords([0, 1, 2]);
  is<Eq<RecordOf<typeof bare.schema>, number>>();
});

test('a schema narrows what plain numbers become, and what a map gives', async () => {
  const narrow = await fromRecords([{ id: 1, big: 2n }], { schema: { id: field('int32'), big: field('int64') } });
  for await (const batch of narrow.stream().batch(1)) {
    const ids: Int32Array = batch.columns.id.data;
    expect(ids).toEqual(new Int32Array([1]));
  }
  const typed = mnist.stream().map(
    (record) => ({ x: ndarray(Float32Array.from(record.image.data), [28, 28]), y: record.label }),
    { schema: { x: field('float32', [28, 28]), y: field('int32') } }, // prettier-ignore
  );
  for await (const batch of typed.batch(4)) {
    const y: Int32Array = batch.columns.y.data;
    expect(y.length).toBe(4);
  }
  const bright = mnist.stream().map((record, { random }) => ({ ...record, bright: random() })).batch(5, { remainder: 'pad' }); // prettier-ignore
  for await (const batch of bright) {
    is<Eq<typeof batch.columns.bright, NDArray<'float64', readonly [number]>>>();
    is<Eq<typeof batch.columns.image, NDArray<'uint8', readonly [number, 28, 28]>>>();
    expect(batch.columns.bright.shape).toEqual([5]);
  }
});

test('derived datasets keep their types', () => {
  const labels = concat(mnist, mnist).slice(5).select('label');
  is<Eq<RecordOf<typeof labels.schema>, { label: number }>>();
  const { train, test: held } = mnist.split({ train: 0.75, test: 0.25 }, { seed: 1 });
  is<Eq<typeof train, typeof mnist>>();
  expect([labels.length, train.length, held.length]).toEqual([19, 9, 3]);
});

test('what a predicate is given is typed, and has the columns that it asks for alone', async () => {
  const dark = await mnist.where(({ label, image }) => label === 0 && image.data.every((value) => value === 0));
  is<Eq<typeof dark, typeof mnist>>();
  // @ts-expect-error -- the image is not read
  const labelled = await mnist.where(({ label, image }) => label === 0 && image === undefined, { columns: ['label'] });
  expect([dark.length, labelled.length]).toEqual([12, 12]);
});

test('a dataset of any schema, and a stream of one, take the typed ones', async () => {
  const anyRef: DataRef = mnist;
  const helper = (batches: BatchStream): number | undefined => batches.length;
  expect(helper(mnist.stream().batch(5))).toBe(3);
  for await (const batch of anyRef.stream().batch(20)) {
    const { image } = batch.columns;
    expect(image.shape).toEqual([12, 28, 28]);
  }
});

test('options may come from a config, and errors tell their code', () => {
  const config: { shuffle: boolean; seed: number } = { shuffle: true, seed: 4 };
  const options: StreamOptions = { shuffle: config.shuffle, shuffleSeed: config.seed };
  expect(mnist.stream(options).length).toBe(12);
  try {
    mnist.stream().batch(0);
  } catch (error) {
    if (!isDataRefError(error, 'INVALID_ARGUMENT', 'CORRUPT')) throw error;
    is<Eq<typeof error.code, 'INVALID_ARGUMENT' | 'CORRUPT'>>();
  }
});

test('what must not compile is refused when it runs, too', async () => {
  const invalid = failure('INVALID_ARGUMENT', /./);
  // @ts-expect-error shuffle needs a seed
  expect(() => mnist.stream({ shuffle: true })).toThrow(invalid);
  // @ts-expect-error rank without size
  expect(() => mnist.stream({ shardRank: 1 })).toThrow(invalid);
  // @ts-expect-error no such option
  expect(() => mnist.stream({ shufle: true })).toThrow(invalid);
  const world = { shardRank: 1 };
  // @ts-expect-error the rank spread of a world is not shard options
  expect(() => mnist.stream({ shuffle: true, shuffleSeed: 1, ...world })).toThrow(invalid);
  // @ts-expect-error int64 wants BigInt64Array
  expect(() => ndarray(new Int32Array(2), [2], 'int64')).toThrow(invalid);
  // @ts-expect-error no such column
  expect(() => mnist.select('imagee')).toThrow(invalid);
  // @ts-expect-error strings have no shape
  expect(() => field('string', [3])).toThrow(invalid);
  // @ts-expect-error wrong record for the schema
  const wrong = defineDataRef({ length: 1, fingerprint: 'w', schema: { x: field('float32', [3]) }, read: async () => [{ x: 1 }] }); // prettier-ignore
  await expect(wrong.at(0)).rejects.toEqual(failure('SCHEMA_MISMATCH', /x should be float32\[3\]/));
  // @ts-expect-error `big` wants a bigint
  const bad = fromRecords([{ id: 1, big: 2 }], { schema: { id: field('int32'), big: field('int64') } });
  await expect(bad).rejects.toEqual(failure('SCHEMA_MISMATCH', /big is int64/));
});

/** Only compiled: records of a schema that is not known yet. */
export async function copies<S extends Schema>(storage: Storage, from: DataRef<S>): Promise<readonly DataRef<S>[]> {
  const { schema } = from;
  const some = () => from.stream().filter(() => true);
  return [await storage.submit(some(), 'x', '1', { schema }), await fromRecords(some(), { schema })];
}

/** Only compiled: what storages take and give. */
export async function storages(storage: Storage, state: StreamState | undefined): Promise<void> {
  const submitted = await storage.submit([{ text: 'a', label: 1 }], 'reviews', '1');
  for await (const record of submitted.stream().resume(state)) is<Eq<typeof record, { text: string; label: number }>>();
  const range = await storage.fetch('range', '1.0', { schema: field('float64') });
  for await (const value of range.stream()) is<Eq<typeof value, number>>();
  const narrow = await storage.submit([{ id: 1 }], 'x', '1', { schema: { id: field('int32') } });
  is<Eq<RecordOf<typeof narrow.schema>, { id: number }>>();
  // @ts-expect-error `big` wants a bigint
  await storage.submit([{ big: 2 }], 'x', '1', { schema: { big: field('int64') } });
  await storage.submit([{ id: Int32Array.of(1) }], 'x', '1', { schema: { id: field('int32', [null]) } });
  await storage.writer('x', '1', { part: 0, of: 1 }).submit([{ id: [1] }], { schema: { id: field('int32', [1]) } });
  const schema = { label: field('uint8') };
  // @ts-expect-error the record is to blame, not the option
  const lable = [storage.submit([{ lable: 1 }], 'x', '1',
    { schema },
  )]; // prettier-ignore
  await Promise.all(lable);
  const untyped = await storage.fetch('mnist', '1.0');
  for await (const batch of untyped.stream().batch(2)) is<Eq<typeof batch.columns.image, any>>(); // oxlint-disable-line typescript/no-explicit-any -- the claim is about any
}

test('records under a schema are given as typed arrays, ndarrays or lists', async () => {
  const schema = {
    tokens: field('int32', [null]),
    grid: field('float32', [2, 2]),
    mask: field('bool', [2]),
    n: field('int64'),
  };
  const grid = ndarray(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const same = await fromRecords(
    [
      { tokens: Int32Array.of(1, 2), grid, mask: Uint8Array.of(1, 0), n: 1n },
      { tokens: ndarray(Int32Array.of(1, 2), [2]), grid: [[1, 2], [3, 4]], mask: [true, false], n: ndarray(BigInt64Array.of(1n), []) },
      { tokens: [1, 2], grid, mask: Uint8ClampedArray.of(1, 0), n: 1n },
    ], // prettier-ignore
    { schema },
  );
  is<Eq<RecordOf<typeof same.schema>['tokens'], NDArray<'int32', readonly [number]>>>();
  const [first, ...others] = (await same.read([0, 1, 2])).records();
  expect(others).toEqual([first, first]);
  const computed = defineDataRef({ length: 1, fingerprint: 'c', schema, read: () => [{ tokens: [1, 2], grid, mask: [true, false], n: 1n }] }); // prettier-ignore
  expect(await computed.at(0)).toEqual(first);
  // @ts-expect-error a matrix is no flat list
  const flat = fromRecords([{ grid: [1, 2, 3, 4] }], { schema: { grid: field('float32', [2, 2]) } });
  await expect(flat).rejects.toEqual(failure('RAGGED', /grid/));
  // @ts-expect-error a vector of another dtype
  const other = fromRecords([{ x: new Float64Array(2) }], { schema: { x: field('float32', [2]) } });
  await expect(other).rejects.toEqual(failure('SCHEMA_MISMATCH', /x/));
  // @ts-expect-error a typed array is no matrix
  const typed = fromRecords([{ x: new Float32Array(4) }], { schema: { x: field('float32', [2, 2]) } });
  await expect(typed).rejects.toEqual(failure('RAGGED', /x/));
});

test('ragged columns are lists, and one array where they are padded', async () => {
  const texts = await fromRecords(
    [
      { tokens: [1, 2], name: 'a' },
      { tokens: [3], name: 'b' },
    ],
    {
      schema: { tokens: field('int32', [null]), name: field('string') },
    },
  );
  for await (const { columns } of texts.stream().batch(2)) {
    is<Eq<typeof columns.tokens, readonly NDArray<'int32', readonly [number]>[]>>();
    expect(columns.tokens[1]?.data).toEqual(Int32Array.of(3));
  }
  for (const batches of [
    texts.stream().batch(2, { ragged: 'pad' }),
    texts.stream().globalBatch(2, { ragged: 'pad', remainder: 'drop' }),
  ]) {
    for await (const { columns } of batches.take(1)) {
      is<Eq<typeof columns.tokens, NDArray<'int32', readonly [number, number]>>>();
      is<Eq<typeof columns.name, readonly string[]>>();
      expect([columns.tokens.shape, columns.tokens.data]).toEqual([[2, 2], Int32Array.of(1, 2, 3, 0)]);
    }
    for await (const { columns } of batches.unbatch().batch(2)) {
      is<Eq<typeof columns.tokens, readonly NDArray<'int32', readonly [number]>[]>>();
      expect(columns.tokens.length).toBe(2);
    }
  }
  const same = mnist.stream().batch(2, { ragged: 'pad' });
  is<Eq<typeof same.schema, typeof mnist.schema>>();
});
