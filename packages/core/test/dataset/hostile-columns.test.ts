import { describe, expect, test } from '@jest/globals';
import { field, fromColumns, fromRecords, ndarray, type DataRef } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { failure } from '../expect-error.js';
import { gather, range } from '../stream/gather.js';

/** An NDArray made by hand, of whatever parts. */
const lie = (dtype: string, shape: readonly unknown[], data: unknown): never => ({ dtype, shape, data }) as never;
class Liar extends Int8Array {
  override get [Symbol.toStringTag](): never {
    return 'Float64Array' as never;
  }
}

const lies: readonly (readonly [string, never, RegExp])[] = [
  ['a narrower class', lie('float64', [2], Int8Array.of(1, 2)), /float64 needs a Float64Array, got a Int8Array/],
  ['a class that denies itself', lie('float64', [2], Liar.of(1, 2)), /float64 needs a Float64Array, got a Int8Array/],
  ['another class of the same width', lie('float32', [2], Int32Array.of(1, 2)), /float32 needs a Float32Array/],
  ['the other sign', lie('uint8', [2], Int8Array.of(-1, 2)), /uint8 needs a Uint8Array/],
  ['numbers for bigints', lie('int64', [2], new Float64Array(2)), /int64 needs a BigInt64Array/],
  ['a DataView', lie('uint8', [2], new DataView(new ArrayBuffer(2))), /must be a typed array, got a DataView/],
  ['half a row', lie('float32', [1.5, 2], new Float32Array(3)), /sizes of a shape are integers ≥ 0, got 1\.5/],
  ['negative sizes', lie('float32', [-1, -1], new Float32Array(1)), /integers ≥ 0, got -1/],
  ['no number', lie('float32', [NaN], new Float32Array(0)), /integers ≥ 0, got NaN/],
  ['a text', lie('float32', ['2'], new Float32Array(2)), /integers ≥ 0, got "2"/],
  ['a hole', lie('float32', Array(1), new Float32Array(1)), /integers ≥ 0, got undefined/],
  ['too few elements', lie('float32', [2, 1e9], new Float32Array(1)), /has 2000000000 elements, data has 1/],
  ['bools of 2 and 7', lie('bool', [2], Uint8Array.of(2, 7)), /bools are bytes of 0 and 1/],
];

describe('an NDArray made by hand that contradicts itself', () => {
  test.each(lies)('with %s is refused as a column, naming it', (_, array, message) => {
    for (const columns of [{ x: { bad: array } }, { good: new Int8Array(2), x: { bad: array } }]) {
      expect(() => fromColumns(columns)).toThrow(failure('INVALID_ARGUMENT', /^columns: x\.bad: /));
      expect(() => fromColumns(columns)).toThrow(failure('INVALID_ARGUMENT', message));
    }
  });

  test.each(lies)('with %s is refused as what a batch’s map gives', async (_, array, message) => {
    const mapped = range(2)
      .stream()
      .batch(2)
      .map(() => ({ bad: array }));
    await expect(gather(mapped)).rejects.toEqual(failure('INVALID_ARGUMENT', message));
  });

  test.each(lies)('with %s is refused in a record, and the good version stays', async (_, array) => {
    const storage = new ObjectStorage(new MemoryStore());
    await storage.submit([{ x: 1 }, { x: 2 }], 'd', '1');
    const { dtype, shape } = array as { dtype: 'float32'; shape: number[] };
    const ragged = {
      bad: field(
        dtype,
        Array.from(shape, () => null),
      ),
    };
    for (const options of [{}, { schema: ragged }]) {
      const submitted = storage.submit([{ bad: array }], 'd', '1', options as never);
      await expect(submitted).rejects.toMatchObject({ code: /SCHEMA_MISMATCH|INVALID_ARGUMENT|RAGGED/ as never });
    }
    expect(await (await storage.fetch('d', '1')).at(1)).toEqual({ x: 2 });
  });

  test('is refused by ndarray() too, where bools are neither 0 nor 1', () => {
    expect(() => ndarray(Uint8Array.of(2, 7), [2], 'bool')).toThrow(failure('INVALID_ARGUMENT', /0 and 1/));
    const bools = ndarray(Uint8Array.of(0, 1), [2], 'bool');
    bools.data[0] = 7; // the data is not copied
    expect(() => fromColumns({ bools })).toThrow(failure('INVALID_ARGUMENT', /^columns: bools: bools are/));
  });
});

test('an honest NDArray made by hand is taken, whatever class holds its bits', async () => {
  const data = fromColumns({
    clamped: { dtype: 'uint8', shape: [2], data: Uint8ClampedArray.of(7, 8) as never },
    half: { dtype: 'float16', shape: [2, 1], data: Uint16Array.of(0x3c00, 0x4000) },
    none: { dtype: 'int8', shape: [2, 0], data: new Int8Array(0) },
  });
  expect(structuredClone(await data.at(1))).toEqual({
    clamped: 8,
    half: { dtype: 'float16', shape: [1], data: Uint16Array.of(0x4000) },
    none: { dtype: 'int8', shape: [0], data: new Int8Array(0) },
  });
});

const resizable = () =>
  new (ArrayBuffer as unknown as new (bytes: number, options: object) => ArrayBuffer & { resize(bytes: number): void })(
    16,
    { maxByteLength: 16 },
  );
/** An array of 4, and what takes its memory away: all of it, or a part. */
const losses: readonly (readonly [string, () => [Float32Array, () => void]])[] = [
  [
    'was transferred',
    () => {
      const array = Float32Array.of(1, 2, 3, 4);
      return [array, () => void structuredClone(array.buffer, { transfer: [array.buffer] })];
    },
  ],
  [
    'was made smaller',
    () => {
      const buffer = resizable();
      return [new Float32Array(buffer), () => buffer.resize(8)];
    },
  ],
  [
    'was made smaller than a view of fixed length',
    () => {
      const buffer = resizable();
      return [new Float32Array(buffer, 0, 4), () => buffer.resize(8)];
    },
  ],
];

describe.each(losses)('a column whose buffer %s', (_, make) => {
  const lost = (): DataRef => {
    const [gone, lose] = make();
    const data = fromColumns({ kept: new Int8Array(4), gone });
    lose();
    return data;
  };
  const refusal = failure('INVALID_ARGUMENT', /^column gone had 4 elements and has \d: fromColumns does not copy/);

  test('is refused by every way of reading it, naming it', async () => {
    await expect(lost().at(0)).rejects.toEqual(refusal);
    await expect(lost().read([0, 3])).rejects.toEqual(refusal);
    await expect(lost().slice(1).read([0])).rejects.toEqual(refusal);
    await expect(gather(lost().stream())).rejects.toEqual(refusal);
    await expect(gather(lost().stream({ shuffle: true, shuffleSeed: 1 }).batch(2))).rejects.toEqual(refusal);
    expect(() => lost().fingerprint).toThrow(refusal);
    expect(await gather(lost().select('kept').stream())).toHaveLength(4);
  });

  test('is never stored, and the good version stays', async () => {
    const storage = new ObjectStorage(new MemoryStore());
    await storage.submit(range(3), 'd', '1');
    await expect(storage.submit(lost(), 'd', '1')).rejects.toEqual(refusal);
    expect((await storage.fetch('d', '1')).length).toBe(3);
  });

  test('is never stored where that happened while it was written', async () => {
    const store = new MemoryStore();
    await new ObjectStorage(store).submit(range(3), 'd', '1');
    const [gone, lose] = make();
    const losing = new Proxy(store, {
      get: (target, name) => {
        const own = Reflect.get(target, name) as (...args: unknown[]) => unknown;
        if (name !== 'create') return typeof own === 'function' ? own.bind(target) : own;
        return (...args: unknown[]) => {
          lose();
          return own.apply(target, args);
        };
      },
    });
    const submitted = new ObjectStorage(losing).submit(fromColumns({ gone }), 'd', '1');
    await expect(submitted).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) });
    expect((await new ObjectStorage(store).fetch('d', '1')).length).toBe(3);
  });

  test('is refused in a record, as bytes or as numbers', async () => {
    const [gone, lose] = make();
    lose();
    for (const value of [gone, { dtype: 'float32', shape: [4], data: gone }]) {
      const records = [{ x: new Float32Array(4) }, { x: value }];
      await expect(fromRecords(records)).rejects.toMatchObject({ name: 'DataRefError', details: { column: 'x', index: 1 } }); // prettier-ignore
    }
  });
});

test('bytes whose buffer was transferred are refused, not stored as none', async () => {
  const bytes = new Uint8Array(4);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  await expect(fromRecords([{ x: new Uint8Array(0) }, { x: bytes }])).rejects.toEqual(
    failure('SCHEMA_MISMATCH', /record 1: x: the buffer of its array was transferred/),
  );
});

test('indices whose buffer was transferred are refused, not taken for none', async () => {
  const indices = Uint32Array.of(0, 1);
  structuredClone(indices.buffer, { transfer: [indices.buffer] });
  await expect(range(3).read(indices)).rejects.toEqual(failure('INVALID_ARGUMENT', /^read: the indices: the buffer/));
});
