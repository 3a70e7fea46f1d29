import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  field,
  fromColumns,
  fromRecords,
  ndarray,
  type ArrayTypes,
  type DataRef,
  type NumericDType,
} from '@dataref/core';
import { pickColumns, type BatchFlow } from '@dataref/core/adapter';
import { float16ToNumber, numberToFloat16 } from '../../dist/schema/float16.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { failure } from '../expect-error.js';
import { gather } from '../stream/gather.js';
import { storageOver, storeInParts } from '../stream/store-in-parts.js';

type Spec = { readonly dtype?: NumericDType; readonly scale?: number; readonly oneHot?: number };
const LENGTH = 24;
const WIDTH = 7; // no multiple of a SIMD lane, and more than 16 bytes for most dtypes

const arrays: { readonly [D in NumericDType]: (length: number) => ArrayTypes[D] } = {
  bool: (length) => Uint8Array.from({ length }, (_, i) => i % 2),
  int8: (length) => Int8Array.from({ length }, (_, i) => i * 3 - 100),
  uint8: (length) => Uint8Array.from({ length }, (_, i) => i * 5),
  int16: (length) => Int16Array.from({ length }, (_, i) => i * 777 - 3000),
  uint16: (length) => Uint16Array.from({ length }, (_, i) => i * 999),
  int32: (length) => Int32Array.from({ length }, (_, i) => i * 7_654_321 - 5),
  uint32: (length) => Uint32Array.from({ length }, (_, i) => 4_294_967_295 - i * 1_000_003),
  int64: (length) => BigInt64Array.from({ length }, (_, i) => BigInt(i) * 7_654_321n - 5n),
  uint64: (length) => BigUint64Array.from({ length }, (_, i) => 2n ** 64n - 1n - BigInt(i)),
  float16: (length) => Uint16Array.from({ length }, (_, i) => numberToFloat16(i / 3 - 5)),
  float32: (length) => Float32Array.from({ length }, (_, i) => i / 7 - 1),
  float64: (length) => Float64Array.from({ length }, (_, i) => i / 7 - 1),
};
const small: { readonly [D in NumericDType]: (length: number) => ArrayTypes[D] } = {
  ...arrays,
  int64: (length) => BigInt64Array.from({ length }, (_, i) => BigInt(i % 2)),
  uint64: (length) => BigUint64Array.from({ length }, (_, i) => BigInt(i % 2)),
  int8: (length) => Int8Array.from({ length }, (_, i) => i % 2),
  uint8: (length) => Uint8Array.from({ length }, (_, i) => i % 2),
  int16: (length) => Int16Array.from({ length }, (_, i) => i % 2),
  uint16: (length) => Uint16Array.from({ length }, (_, i) => i % 2),
  int32: (length) => Int32Array.from({ length }, (_, i) => i % 2),
  uint32: (length) => Uint32Array.from({ length }, (_, i) => i % 2),
  float16: (length) => Uint16Array.from({ length }, (_, i) => numberToFloat16(i % 2)),
  float32: (length) => Float32Array.from({ length }, (_, i) => i % 2),
  float64: (length) => Float64Array.from({ length }, (_, i) => i % 2),
};
const DTYPES = Object.keys(arrays) as NumericDType[];
const isFloat = (dtype: NumericDType): boolean => dtype.startsWith('float');
const isBig = (dtype: NumericDType): boolean => dtype === 'int64' || dtype === 'uint64';

/** One element converted, by the documented rule. */
function converted(element: number | bigint, from: NumericDType, { dtype: to = from, scale }: Spec): number | bigint {
  const value = from === 'float16' ? float16ToNumber(element as number) : element;
  if (to === 'float32') return Math.fround(Math.fround(Number(value)) * Math.fround(scale ?? 1));
  if (to === 'float64') return Number(value) * (scale ?? 1);
  if (to === 'float16') return from === 'float16' ? element : numberToFloat16(Number(value));
  return isBig(to) ? BigInt(value) : Number(value);
}

/** The same data in memory, read by position, and resident. */
const sources: { readonly name: string; dataref: DataRef }[] = [];

beforeAll(async () => {
  const columns: Record<string, never> = {};
  for (const dtype of DTYPES) {
    columns[`${dtype}_wide`] = ndarray(arrays[dtype](LENGTH * WIDTH) as never, [LENGTH, WIDTH], dtype) as never;
    columns[`${dtype}_one`] = ndarray(arrays[dtype](LENGTH) as never, [LENGTH], dtype) as never;
    columns[`${dtype}_bits`] = ndarray(small[dtype](LENGTH * WIDTH) as never, [LENGTH, WIDTH], dtype) as never;
  }
  columns['label'] = Uint8Array.from({ length: LENGTH }, (_, i) => i % 10) as never;
  columns['label64'] = BigInt64Array.from({ length: LENGTH }, (_, i) => BigInt(i % 10)) as never;
  columns['huge64'] = Float64Array.from({ length: LENGTH }, (_, i) => (i === 9 ? 2 ** 128 - 2 ** 103 : i)) as never;
  const memory = fromColumns(columns) as DataRef;
  const store = new MemoryStore();
  await storeInParts(store, memory, 'dtypes', '1', 16);
  sources.push({ name: 'memory', dataref: memory });
  for (const reading of ['positional', 'resident'] as const)
    sources.push({ name: reading, dataref: await storageOver(store, reading).fetch('dtypes', '1') });
  // Several rounds, so that the resident dataset has been loaded.
  for (const { dataref } of sources) for (let i = 0; i < 5; i++) await gather(dataref.stream().batch(7));
});

/** A column as every way of reading it gives it; the second epoch shuffled. */
async function pick(column: string, spec: Spec) {
  const results: unknown[] = [];
  for (const { dataref } of sources) {
    const stream = dataref.stream({ shuffle: true, shuffleSeed: 5 }).batch(LENGTH) as unknown as BatchFlow;
    const [batch] = await gather(stream.pick(pickColumns({ x: { column, ...spec } }, () => undefined)));
    const { dtype, shape, data } = batch!.columns.x;
    results.push({ dtype, shape, data, indices: Array.from(batch!.indices) });
  }
  return results as { dtype: NumericDType; shape: number[]; data: ArrayTypes[NumericDType]; indices: number[] }[];
}

const bitsOf = (data: ArrayBufferView): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');

describe('a column converted while it is read', () => {
  test.each(DTYPES.flatMap((from) => DTYPES.map((to) => [from, to] as const)))(
    '%s as %s, the same bits in memory, by position and resident',
    async (from, to) => {
      // Integers, bool and float16 take only what they can hold: zeros and ones of every dtype.
      const isSafe = from === to || to === 'float32' || to === 'float64';
      for (const column of isSafe ? [`${from}_wide`, `${from}_one`] : [`${from}_bits`]) {
        const results = await pick(column, { dtype: to });
        const [{ indices, data, shape }] = results as [(typeof results)[0]];
        const width = shape[1] ?? 1;
        const source = (isSafe ? arrays : small)[from](LENGTH * width);
        const wanted = indices.flatMap((index) =>
          Array.from({ length: width }, (_, k) => converted(source[index * width + k] as number, from, { dtype: to })),
        );
        const made = new (data.constructor as new (length: number) => typeof data)(wanted.length);
        wanted.forEach((value, i) => (made[i] = value as never));
        for (const result of results) {
          expect([result.dtype, result.shape]).toEqual([to, column.endsWith('one') ? [LENGTH] : [LENGTH, WIDTH]]);
          expect(result.data.BYTES_PER_ELEMENT).toBe(arrays[to](1).BYTES_PER_ELEMENT);
          expect(bitsOf(result.data)).toBe(bitsOf(made));
        }
      }
    },
  );

  test.each(DTYPES.flatMap((from) => (['float32', 'float64'] as const).map((to) => [from, to] as const)))(
    '%s as %s, scaled: the product is that of the target’s own factors',
    async (from, to) => {
      for (const scale of [1 / 255, 0.1, -3]) {
        const results = await pick(`${from}_wide`, { dtype: to, scale });
        const source = arrays[from](LENGTH * WIDTH);
        const made = new { float32: Float32Array, float64: Float64Array }[to](LENGTH * WIDTH);
        results[0]!.indices.forEach((index, row) => {
          for (let k = 0; k < WIDTH; k++)
            made[row * WIDTH + k] = converted(source[index * WIDTH + k]!, from, { dtype: to, scale }) as number;
        });
        for (const { data } of results) expect(bitsOf(data)).toBe(bitsOf(made));
      }
    },
  );

  test('as one-hot rows of any dtype', async () => {
    for (const column of ['label', 'label64']) {
      for (const dtype of [undefined, 'uint8', 'int32', 'int64', 'float64', 'bool'] as const) {
        for (const { indices, data, shape, dtype: got } of await pick(column, {
          ...(dtype && { dtype }),
          oneHot: 10,
        })) {
          expect([got, shape]).toEqual([dtype ?? 'float32', [LENGTH, 10]]);
          const wanted = indices.flatMap((index) => Array.from({ length: 10 }, (_, k) => (k === index % 10 ? 1 : 0)));
          expect(Array.from(data as ArrayLike<number | bigint>, Number)).toEqual(wanted);
        }
      }
    }
  });

  test('as one-hot rows of float16', async () => {
    for (const { indices, data } of await pick('label', { dtype: 'float16', oneHot: 10 })) {
      const wanted = indices.flatMap((index) => Array.from({ length: 10 }, (_, k) => (k === index % 10 ? 1 : 0)));
      expect(Array.from(data as Uint16Array, float16ToNumber)).toEqual(wanted);
    }
  });

  test.each(['int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32'] as const)(
    '%s as int64, with its sign',
    async (from) => {
      const source = arrays[from](LENGTH * WIDTH);
      for (const { indices, data } of await pick(`${from}_wide`, { dtype: 'int64' })) {
        const wanted = indices.flatMap((index) =>
          Array.from(source.subarray(index * WIDTH, (index + 1) * WIDTH), (value) => BigInt(value)),
        );
        expect(Array.from(data as BigInt64Array)).toEqual(wanted);
      }
    },
  );

  test('ragged, row by row', async () => {
    const records = [0, 1, 2, 3].map((n) => ({ tokens: ndarray(new Int32Array(n).fill(n), [n]) }));
    const memory = await fromRecords(records, { schema: { tokens: field('int32', [null]) } });
    const store = new MemoryStore();
    await storeInParts(store, memory, 'ragged', '1', 3);
    const resident = await storageOver(store, 'resident').fetch('ragged', '1');
    for (let i = 0; i < 3; i++) await gather(resident.stream().batch(2));
    for (const dataref of [memory, await storageOver(store, 'positional').fetch('ragged', '1'), resident]) {
      const stream = dataref.stream().batch(4) as unknown as BatchFlow;
      const spec = { column: 'tokens', dtype: 'float32', scale: 2 } as const;
      const [batch] = await gather(stream.pick(pickColumns({ t: spec }, () => undefined)));
      const lists = batch!.columns.t as { dtype: string; data: Float32Array }[];
      expect(lists.map(({ dtype, data }) => [dtype, ...data])).toEqual([
        ['float32'],
        ['float32', 2],
        ['float32', 4, 4],
        ['float32', 6, 6, 6],
      ]);
    }
  });

  const lossy: readonly (readonly [string, Spec, RegExp])[] = [
    ['uint8_wide', { dtype: 'int8' }, /uint8_wide is \d+, which is not int8/],
    ['float32_wide', { dtype: 'int32' }, /which is not int32/],
    ['float64_one', { dtype: 'int64' }, /which is not int64/],
    ['int64_wide', { dtype: 'int16' }, /which is not int16/],
    ['uint64_one', { dtype: 'int64' }, /which is not int64/],
    ['uint64_wide', { dtype: 'int32' }, /which is not int32/],
    ['int8_wide', { dtype: 'uint64' }, /which is not uint64/],
    ['int32_wide', { dtype: 'bool' }, /which is not bool/],
    ['float16_one', { dtype: 'uint8' }, /which is not uint8/],
    ['int32_wide', { dtype: 'float16' }, /int32_wide is \d+, which is not float16/],
    ['uint64_one', { dtype: 'float16' }, /which is not float16/],
    ['huge64', { dtype: 'float32' }, /huge64 is 3\.4028235677973366e\+38, which is not float32/],
    ['huge64', { dtype: 'float16' }, /which is not float16/],
    ['huge64', { dtype: 'float64', scale: -1e300 }, /times -1e\+300, which is not float64/],
    ['float32_one', { dtype: 'float32', scale: 2e38 }, /times 2e\+38, which is not float32/],
    ['uint8_wide', { dtype: 'float32', scale: 3e36 }, /uint8_wide is \d+ times 3e\+36, which is not float32/],
    ['int64_one', { dtype: 'float32', scale: 1e38 }, /times 1e\+38, which is not float32/],
    ['float32_one', { oneHot: 3 }, /float32_one is .*, which is not one of 3 classes/],
    ['label', { oneHot: 9 }, /label is 9, which is not one of 9 classes/],
    ['label64', { oneHot: 5 }, /label64 is [5-9], which is not one of 5 classes/],
  ];
  test.each(lossy)(
    '%s as %j is refused where it would lose, naming record, column and value',
    async (column, spec, message) => {
      const found: unknown[] = [];
      for (const { dataref } of sources) {
        const stream = dataref.stream().batch(LENGTH) as unknown as BatchFlow;
        const picked = stream.pick(pickColumns({ x: { column, ...spec } }, () => undefined));
        const error: unknown = await gather(picked).catch((caught: unknown) => caught);
        expect(error).toEqual(failure('LOSSY_CAST', message));
        found.push((error as { details: unknown }).details);
      }
      for (const details of found) expect(details).toEqual(found[0]);
    },
  );

  test('infinities and NaN stay what they are, and what is just within the range fits', async () => {
    const large = 2 ** 128 - 2 ** 103 - 2 ** 75; // rounds to the largest float32
    const x = Float64Array.of(Infinity, -Infinity, NaN, large, -large);
    for (const [dtype, most] of [
      ['float32', 3.4028234663852886e38],
      ['float64', large],
    ] as const) {
      // prettier-ignore
      const stream = fromColumns({ x }).stream().batch(5) as unknown as BatchFlow;
      const [batch] = await gather(stream.pick(pickColumns({ x: { column: 'x', dtype } }, () => undefined)));
      expect(Array.from(batch!.columns.x.data)).toEqual([Infinity, -Infinity, NaN, most, -most]);
    }
    const halves = fromColumns({ x: Float32Array.of(Infinity, -Infinity, NaN, 65519, -65519) });
    const stream = halves.stream().batch(5) as unknown as BatchFlow;
    const [batch] = await gather(stream.pick(pickColumns({ x: { column: 'x', dtype: 'float16' } }, () => undefined)));
    expect(Array.from(batch!.columns.x.data, float16ToNumber)).toEqual([Infinity, -Infinity, NaN, 65504, -65504]);
  });

  const senseless: readonly (readonly [string, Spec, RegExp])[] = [
    ['nothing', {}, /no column "nothing"/],
    ['uint8_one', { dtype: 'int32', scale: 2 }, /scale needs/],
    ['uint8_one', { dtype: 'float32', scale: NaN }, /not a finite number/],
    ['uint8_one', { dtype: 'float32', scale: 1e39 }, /not a finite number of float32/],
    ['uint8_one', { dtype: 'float8' as NumericDType }, /no such dtype/],
    ['uint8_wide', { oneHot: 3 }, /scalar column/],
    ['label', { oneHot: 0 }, /classes/],
  ];
  test.each(senseless)('%s as %j makes no sense, and says why', async (column, spec, message) => {
    const stream = sources[0]!.dataref.stream().batch(4) as unknown as BatchFlow;
    const picked = stream.pick(pickColumns({ x: { column, ...spec } }, () => undefined));
    await expect(gather(picked)).rejects.toEqual(failure('INVALID_ARGUMENT', message));
  });

  test('integers and floats are all there', () => expect(DTYPES.filter((dtype) => !isFloat(dtype)).length).toBe(9));
});
