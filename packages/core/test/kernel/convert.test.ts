import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { BYTES, bytes, guarded, kernel, putPattern, putUint32, view } from './memory.js';

const IDX = 1_024;
const SRC = 65_536;
const OUT = 262_144;
const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const NO_ROW = -1;

const shift = fc.integer({ min: 0, max: 17 });
const rowNumbers = (rows: number) => fc.array(fc.integer({ min: 0, max: rows - 1 }), { maxLength: 12 });

describe('gatherU8F32', () => {
  const expectedOf = (src: number, elements: number, indices: readonly number[], scale: number): Float32Array =>
    Float32Array.from(
      indices.flatMap((i) => [...bytes.subarray(src + i * elements, src + (i + 1) * elements)]),
      (value) => Math.fround(value * Math.fround(scale)),
    );

  test.each([...Array.from({ length: 50 }, (_, n) => n), 63, 64, 65, 784, 1_001])(
    'rows of %i values are one float32 product each, and nothing else is written',
    (elements) => {
      const scale = fc.oneof(fc.constantFrom(1 / 255, 1, 0, -0.5), fc.float({ noNaN: true }), fc.double());
      fc.assert(
        fc.property(rowNumbers(7), scale, shift, shift, (indices, factor, from, to) => {
          const src = putPattern(SRC + from, 7 * elements, elements);
          const idx = putUint32(IDX + to, indices);
          const { out, touched } = guarded(OUT + to, indices.length * elements * 4, (at) => {
            kernel.gatherU8F32(src, idx, indices.length, elements, at, factor);
          });
          expect(touched).toEqual([]);
          expect(new Float32Array(out.buffer)).toEqual(expectedOf(src, elements, indices, factor));
        }),
        { numRuns: 15 },
      );
    },
  );

  test.each([1, 15, 16, 17, 33, 127, 128, 129, 4_095, 4_096, 4_097])(
    'the last row of the memory, of %i values, is not read past its end',
    (elements) => {
      const src = putPattern(BYTES - 2 * elements, 2 * elements, elements);
      const idx = putUint32(IDX, [1, 0, 1]);
      const { out } = guarded(OUT, 12 * elements, (at) => kernel.gatherU8F32(src, idx, 3, elements, at, 0.1));
      expect(new Float32Array(out.buffer)).toEqual(expectedOf(src, elements, [1, 0, 1], 0.1));
    },
  );

  test.each([100, 128, 300])('many rows of %i values are all converted', (elements) => {
    const indices = Array.from({ length: 150 }, (_, k) => (k * 5 + 3) % 7);
    const src = putPattern(SRC, 7 * elements, elements);
    const idx = putUint32(IDX, indices);
    const { out, touched } = guarded(OUT, indices.length * elements * 4, (at) => {
      kernel.gatherU8F32(src, idx, indices.length, elements, at, 0.1);
    });
    expect(touched).toEqual([]);
    expect(new Float32Array(out.buffer)).toEqual(expectedOf(src, elements, indices, 0.1));
  });
});

describe('gatherI64I32', () => {
  const fits = fc.oneof(fc.bigInt({ min: INT32_MIN, max: INT32_MAX }), fc.constantFrom(INT32_MIN, INT32_MAX, 0n, -1n));
  const tooLarge = fc.oneof(
    fc.constantFrom(INT32_MIN - 1n, INT32_MAX + 1n, 2n ** 32n, -(2n ** 32n), 2n ** 63n - 1n, -(2n ** 63n)),
    fc.bigInt({ min: INT32_MAX + 1n, max: 2n ** 63n - 1n }),
  );
  const putInt64 = (address: number, values: readonly bigint[]): number => {
    values.forEach((value, i) => view.setBigInt64(address + 8 * i, value, true));
    return address;
  };

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33])(
    'rows of %i values that fit are the same numbers, and nothing else is written',
    (elements) => {
      const values = fc.array(fits, { minLength: 5 * elements, maxLength: 5 * elements });
      fc.assert(
        fc.property(values, rowNumbers(5), shift, shift, (column, indices, from, to) => {
          const src = putInt64(SRC + from, column);
          const idx = putUint32(IDX + to, indices);
          const { out, touched } = guarded(OUT + to, indices.length * elements * 4, (at) => {
            expect(kernel.gatherI64I32(src, idx, indices.length, elements, at)).toBe(NO_ROW);
          });
          const expected = indices.flatMap((i) => column.slice(i * elements, (i + 1) * elements));
          expect(touched).toEqual([]);
          expect([...new Int32Array(out.buffer)]).toEqual(expected.map(Number));
        }),
        { numRuns: 25 },
      );
    },
  );

  test('the first row with a value that does not fit is named, wherever the value lies in it', () => {
    const badRow = fc
      .integer({ min: 1, max: 33 })
      .chain((elements) =>
        fc.tuple(fc.constant(elements), fc.integer({ min: 0, max: elements - 1 }), fc.integer({ min: 0, max: 5 })),
      );
    fc.assert(
      fc.property(badRow, tooLarge, ([elements, position, row], value) => {
        const column = Array.from({ length: 2 * elements }, (_, i) => BigInt(i) - 7n);
        column[elements + position] = value;
        const src = putInt64(SRC, column);
        const indices = [0, 0, 0, 0, 0, 0, 1].map((i, k) => (k === row ? 1 : i));
        expect(kernel.gatherI64I32(src, putUint32(IDX, indices), 7, elements, OUT)).toBe(row);
      }),
      { numRuns: 300 },
    );
  });
});

describe.each([
  { name: 'uint8', size: 1, gather: kernel.gatherOneHotU8, invalid: [200n, 255n] },
  { name: 'int32', size: 4, gather: kernel.gatherOneHotI32, invalid: [200n, -1n, INT32_MIN, INT32_MAX] },
  {
    name: 'int64',
    size: 8,
    gather: kernel.gatherOneHotI64,
    invalid: [200n, -1n, 2n ** 32n, 2n ** 32n + 1n, -(2n ** 63n), 2n ** 63n - 1n],
  },
])('one-hot of $name', ({ size, gather, invalid }) => {
  const putLabels = (address: number, labels: readonly bigint[]): number => {
    labels.forEach((label, i) => {
      for (let b = 0; b < size; b++) bytes[address + i * size + b] = Number((label >> BigInt(8 * b)) & 255n);
    });
    return address;
  };

  test('rows are 1 at the label and 0 elsewhere, and nothing else is written', () => {
    const labelled = fc
      .integer({ min: 1, max: 40 })
      .chain((classes) =>
        fc.tuple(fc.constant(classes), fc.array(fc.nat(classes - 1), { minLength: 6, maxLength: 6 })),
      );
    fc.assert(
      fc.property(labelled, rowNumbers(6), shift, shift, ([classes, labels], indices, from, to) => {
        const src = putLabels(SRC + from, labels.map(BigInt));
        const idx = putUint32(IDX + to, indices);
        const { out, touched } = guarded(OUT + to, indices.length * classes * 4, (at) => {
          expect(gather(src, idx, indices.length, classes, at)).toBe(NO_ROW);
        });
        const expected = indices.flatMap((i) => Array.from({ length: classes }, (_, c) => (labels[i] === c ? 1 : 0)));
        expect(touched).toEqual([]);
        expect([...new Float32Array(out.buffer)]).toEqual(expected);
      }),
    );
  });

  test.each(invalid)('a label of %i among 200 classes is named, and nothing is written past the output', (label) => {
    const src = putLabels(SRC, [3n, label]);
    const idx = putUint32(IDX, [0, 0, 1, 0, 1]);
    const { out, touched } = guarded(OUT, 5 * 200 * 4, (at) => expect(gather(src, idx, 5, 200, at)).toBe(2));
    expect(touched).toEqual([]);
    expect(new Float32Array(out.buffer, 2 * 200 * 4).every((value) => value === 0)).toBe(true);
  });
});
