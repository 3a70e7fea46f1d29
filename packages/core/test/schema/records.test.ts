import { describe, expect, test } from '@jest/globals';
import { field, fromColumns, fromRecords, ndarray, type Columns, type Schema } from '@dataref/core';
import { failure } from '../expect-error.js';
import { gather } from '../stream/gather.js';

const array = (values: number[]) => ndarray(Float32Array.from(values), [values.length]);

describe('fromRecords', () => {
  test('takes the schema from the first record', async () => {
    const record = {
      number: 1, big: 2n, yes: true, text: 'é', raw: new Uint8Array([1]), vector: new Int16Array(3),
      matrix: ndarray(new Float32Array(6), [2, 3]), nested: { pair: [1, 'a'] }, half: ndarray(new Uint16Array(1), [1], 'float16'),
    }; // prettier-ignore
    const data = await fromRecords([record]);
    expect(data.schema).toEqual({
      number: field('float64'),
      big: field('int64'),
      yes: field('bool'),
      text: field('string'),
      raw: field('bytes'),
      vector: field('int16', [3]),
      matrix: field('float32', [2, 3]),
      nested: { pair: [field('float64'), field('string')] },
      half: field('float16', [1]),
    });
    const [back] = await gather(data.stream());
    expect(back).toMatchObject({ number: 1, big: 2n, yes: true, text: 'é', raw: new Uint8Array([1]) });
    expect(back?.nested).toEqual({ pair: [1, 'a'] });
    expect(back?.vector).toMatchObject({ dtype: 'int16', shape: [3], data: new Int16Array(3) });
  });

  test.each<[string, Schema, unknown]>([
    ['a bare number', field('float64'), 4],
    ['a bare tensor', field('float32', [2]), array([1, 2])],
    ['a bare string', field('string'), 'x'],
    ['a tuple', [field('int32'), [field('bool')]], [1, [true]]],
    ['an object in a tuple', [{ a: field('uint64') }], [{ a: 3n }]],
    ['names with dots in quotes', { 'a b': field('int8'), c: { d: field('int8') } }, { 'a b': 1, c: { d: 2 } }],
    ['an empty vector', field('int32', [0]), ndarray(new Int32Array(0), [0])],
    ['a ragged matrix', field('int32', [null, 2]), ndarray(new Int32Array(6), [3, 2])],
    ['a scalar tensor of float16', field('float16'), 0.5],
  ])('gives %s back in its structure', async (_name, schema, record) => {
    const data = await fromRecords([record, record] as never, { schema });
    expect(data.schema).toEqual(schema);
    expect((await gather(data.stream())).map((each) => structuredClone(each))).toEqual([record, record].map((each) => structuredClone(each))); // prettier-ignore
    expect(structuredClone(await data.at(-1))).toEqual(structuredClone(record));
    const [batch] = await gather(data.stream().batch(2));
    expect(batch!.records().map((each: unknown) => structuredClone(each))).toEqual([record, record].map((each) => structuredClone(each))); // prettier-ignore
  });

  test('takes iterables, generators and async iterables, once', async () => {
    async function* lines(): AsyncGenerator<{ text: string }> {
      yield { text: 'a' };
      yield { text: 'b' };
    }
    expect((await fromRecords(lines())).length).toBe(2);
    expect((await fromRecords(new Set([1, 2, 3]))).length).toBe(3);
    await expect(fromRecords(5 as never)).rejects.toEqual(failure('INVALID_ARGUMENT', /iterable/));
    await expect(fromRecords('text' as never)).rejects.toEqual(failure('INVALID_ARGUMENT', /iterable/));
  });

  test('needs a schema where there is no record', async () => {
    await expect(fromRecords([])).rejects.toEqual(failure('EMPTY', /schema/));
    const empty = await fromRecords([], { schema: { x: field('int8') } });
    expect([empty.length, await gather(empty.stream().batch(2))]).toEqual([0, []]);
  });

  const bad: readonly (readonly [string, readonly unknown[], Schema | undefined, string, RegExp])[] = [
    ['a null record', [1, null], undefined, 'NULL_VALUE', /record 1/],
    ['a null value', [{ a: 1 }, { a: null }], undefined, 'NULL_VALUE', /record 1: a is null/],
    ['a null in the first record', [{ a: { b: undefined } }], undefined, 'NULL_VALUE', /record 0: a\.b is null/],
    ['a missing column', [{ a: 1, b: 2 }, { a: 1 }], undefined, 'SCHEMA_MISMATCH', /record 1.*column "b" is missing/],
    ['a surplus column', [{ a: 1 }, { a: 1, c: 1 }], undefined, 'SCHEMA_MISMATCH', /record 1.*column "c" is not in the schema/],
    ['a column by another name', [{ a: 1 }, { c: 1 }], undefined, 'SCHEMA_MISMATCH', /record 1.*column "a" is missing, and column "c" is not/],
    ['another kind of value', [{ a: 1 }, { a: 'x' }], undefined, 'SCHEMA_MISMATCH', /record 1: a is float64.*"x"/],
    ['a number for a bigint', [{ a: 1n }, { a: 1 }], undefined, 'SCHEMA_MISMATCH', /record 1: a is int64.*bigint/],
    ['a number for a boolean', [{ a: true }, { a: 1 }], undefined, 'SCHEMA_MISMATCH', /record 1: a is bool/],
    ['a scalar for a vector', [{ a: array([1]) }, { a: 1 }], undefined, 'SCHEMA_MISMATCH', /record 1: a should be float32\[1\]/],
    ['a vector of another dtype', [array([1]), new Float64Array(1)], undefined, 'SCHEMA_MISMATCH', /record 1: value should be float32\[1\], got an array of float64/],
    ['a tuple for an object', [{ a: 1 }, [1]], undefined, 'SCHEMA_MISMATCH', /record 1.*"a" is missing/],
    ['a scalar for an object', [{ a: 1 }, 3], undefined, 'SCHEMA_MISMATCH', /record 1.*object with a/],
    ['a date', [{ a: new Date(0) }], undefined, 'SCHEMA_MISMATCH', /record 0: a is a Date/],
    ['a function', [{ a: () => 1 }], undefined, 'SCHEMA_MISMATCH', /record 0: a is a function/],
    ['a vector of another length', [{ a: array([1, 2]) }, { a: array([1]) }], undefined, 'RAGGED', /record 1: a has the shape \[1\].*\[2\].*field\('float32', \[null\]\)/],
    ['a matrix for a ragged vector', [ndarray(new Int32Array(4), [2, 2])], field('int32', [null]), 'RAGGED', /record 0/],
    ['an integer too large', [{ a: 255 }, { a: 256 }], { a: field('uint8') }, 'LOSSY_CAST', /record 1: a is uint8.*256/],
    ['a fraction for an integer', [{ a: 0.5 }], { a: field('int32') }, 'LOSSY_CAST', /record 0: a is int32.*0\.5/],
    ['NaN for an integer', [{ a: NaN }], { a: field('int32') }, 'LOSSY_CAST', /record 0: a is int32.*NaN/],
    ['a bigint too large', [{ a: 2n ** 63n }], { a: field('int64') }, 'LOSSY_CAST', /record 0: a is int64/],
    ['a negative uint64', [-1n], field('uint64'), 'LOSSY_CAST', /record 0: value is uint64.*-1n/],
    ['half a surrogate pair', ['a', '\ud800'], undefined, 'LOSSY_CAST', /record 1/],
  ]; // prettier-ignore
  test.each(bad)('refuses %s, naming the record and the column', async (_name, records, schema, code, message) => {
    const made = schema === undefined ? fromRecords(records) : fromRecords(records as never, { schema });
    await expect(made).rejects.toEqual(failure(code as never, message));
  });
});

describe('fromColumns', () => {
  test('takes typed arrays, ndarrays and lists, nested', async () => {
    const data = fromColumns({
      label: new Uint8Array([1, 2]),
      x: { image: ndarray(new Float32Array(12), [2, 2, 3]), name: ['a', 'b'] },
      raw: [new Uint8Array(1), new Uint8Array(2)],
      flag: [true, false],
    });
    expect(data.schema).toEqual({
      label: field('uint8'),
      x: { image: field('float32', [2, 3]), name: field('string') },
      raw: field('bytes'),
      flag: field('bool'),
    });
    expect(await data.at(1)).toMatchObject({ label: 2, x: { name: 'b' }, flag: false });
  });

  test('does not copy', async () => {
    const values = new Float64Array([1, 2]);
    const data = fromColumns({ values });
    values[1] = 5;
    expect(await data.at(1)).toEqual({ values: 5 });
  });

  const bad: readonly (readonly [string, unknown, string, RegExp])[] = [
    ['columns of different lengths', { a: new Uint8Array(2), b: new Uint8Array(3) }, 'INVALID_ARGUMENT', /b has 3 rows.*2/],
    ['a list of mixed kinds', { a: [1, 'x'] }, 'MIXED_DTYPES', /record 1: a.*float64/],
    ['a list of numbers and bigints', { a: [1n, 1] }, 'MIXED_DTYPES', /record 1: a/],
    ['a list of arrays of mixed dtypes', { a: [array([1]), new Float64Array(1)] }, 'MIXED_DTYPES', /record 1: a/],
    ['a null in a list', { a: ['x', null] }, 'NULL_VALUE', /record 1: a/],
    ['a list of unequal arrays', { a: [array([1]), array([1, 2])] }, 'RAGGED', /record 1: a/],
    ['an empty list', { a: [] }, 'INVALID_ARGUMENT', /a is an empty list/],
    ['a list of objects', { a: [{ b: 1 }] }, 'INVALID_ARGUMENT', /a.*fromRecords/],
    ['an ndarray without rows', { a: ndarray(new Int8Array(1), []) }, 'INVALID_ARGUMENT', /a has no first axis/],
    ['an ndarray made wrong', { a: { dtype: 'int8', shape: [3], data: new Int8Array(2) } }, 'INVALID_ARGUMENT', /a: shape \[3\] has 3 elements, data has 2/],
    ['an ndarray of a dtype that there is not', { a: { dtype: 'int9', shape: [1], data: new Int8Array(1) } }, 'INVALID_ARGUMENT', /a.*"int9"/],
    ['a scalar', { a: 1 }, 'INVALID_ARGUMENT', /a must be a typed array/],
    ['no columns', {}, 'INVALID_ARGUMENT', /at least one column/],
    ['null', null, 'INVALID_ARGUMENT', /columns: value/],
  ]; // prettier-ignore
  test.each(bad)('refuses %s', (_name, columns, code, message) => {
    expect(() => fromColumns(columns as Columns)).toThrow(failure(code as never, message));
  });
});

describe('a number that its float dtype cannot hold', () => {
  const one = (dtype: 'float16' | 'float32' | 'float64', value: number) =>
    fromRecords([{ a: 0 }, { a: value }], { schema: { a: field(dtype) } });

  test.each([
    ['float32', 1e300],
    ['float32', -(2 ** 128 - 2 ** 103)],
    ['float16', 1e6],
    ['float16', -65520],
  ] as const)('as %s, such as %d, is refused, naming record and column', async (dtype, value) => {
    await expect(one(dtype, value)).rejects.toEqual(
      failure('LOSSY_CAST', new RegExp(`record 1: a is ${dtype}, which cannot hold -?\\d`, 'u')),
    );
    const listed = fromRecords([{ a: [0, value] }] as never, { schema: { a: field(dtype, [2]) } });
    await expect(listed).rejects.toEqual(failure('LOSSY_CAST', /record 0: a is float/));
  });

  test.each([
    ['float32', Infinity, Infinity],
    ['float32', 2 ** 128 - 2 ** 104, 2 ** 128 - 2 ** 104],
    ['float16', -Infinity, -Infinity],
    ['float16', NaN, NaN],
    ['float16', 65519, 65504],
    ['float64', 1.7976931348623157e308, 1.7976931348623157e308],
  ] as const)('is not what %s takes: %d', async (dtype, value, stored) => {
    expect(await (await one(dtype, value)).at(1)).toEqual({ a: stored });
  });
});
