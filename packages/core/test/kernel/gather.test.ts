import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { runs } from '../scale.js';
import { BYTES, bytes, firstDifference, guarded, kernel, putPattern, putUint32, rowsOf } from './memory.js';

const IDX = 1_024;
const OFFSETS = 8_192;
const SRC = 65_536;
const OUT = 262_144;
const OUT_OFFSETS = 16_384;

/** Every size up to two vectors and a byte, and the sizes around each change of loop. */
const SIZES = Array.from({ length: 34 }, (_, size) => size).concat([
  47, 48, 49, 63, 64, 65, 127, 128, 129, 240, 254, 255, 256, 257, 258, 271, 272, 273, 319, 320, 321, 335, 336, 337, 784,
  1_000, 1_023, 1_024, 1_025, 4_095, 4_096, 4_097,
]);
/** How far an address is moved off its alignment. */
const shift = fc.integer({ min: 0, max: 17 });
const rowNumbers = (rows: number) => fc.array(fc.integer({ min: 0, max: rows - 1 }), { maxLength: 12 });

describe('gather', () => {
  test.each(SIZES)('rows of %i bytes arrive whole, at any address, and nothing else is written', (byteLength) => {
    const rows = 9;
    fc.assert(
      fc.property(rowNumbers(rows), shift, shift, shift, (indices, srcShift, idxShift, outShift) => {
        const src = putPattern(SRC + srcShift, rows * byteLength, byteLength + srcShift);
        const idx = putUint32(IDX + idxShift, indices);
        const { out, touched } = guarded(OUT + outShift, indices.length * byteLength, (at) => {
          kernel.gather(src, idx, indices.length, byteLength, at);
        });
        expect(touched).toEqual([]);
        expect(firstDifference(out, rowsOf(src, byteLength, indices))).toBe(-1);
      }),
      { numRuns: runs(25) },
    );
  });

  test.each(SIZES)('rows of %i bytes can be the last of the memory, and so can the output', (byteLength) => {
    const indices = [2, 0, 2, 1];
    const idx = putUint32(IDX, indices);
    const src = putPattern(BYTES - 3 * byteLength, 3 * byteLength, byteLength);
    const atEnd = guarded(OUT, 4 * byteLength, (at) => kernel.gather(src, idx, 4, byteLength, at));
    expect(firstDifference(atEnd.out, rowsOf(src, byteLength, indices))).toBe(-1);

    putPattern(SRC, 3 * byteLength, byteLength);
    const toEnd = guarded(BYTES - 4 * byteLength, 4 * byteLength, (at) => kernel.gather(SRC, idx, 4, byteLength, at));
    expect(toEnd.touched).toEqual([]);
    expect(firstDifference(toEnd.out, rowsOf(SRC, byteLength, indices))).toBe(-1);
  });

  test.each(SIZES)('an index list at the end of the memory is read to its end, for rows of %i bytes', (byteLength) => {
    const indices = [1, 0, 1];
    const idx = putUint32(BYTES - 12, indices);
    const src = putPattern(SRC, 2 * byteLength, byteLength);
    const { out } = guarded(OUT, 3 * byteLength, (at) => kernel.gather(src, idx, 3, byteLength, at));
    expect(firstDifference(out, rowsOf(src, byteLength, indices))).toBe(-1);
  });

  test.each(SIZES)('rows of %i bytes can be the first of the memory', (byteLength) => {
    const indices = [0, 2, 1, 0];
    const src = putPattern(0, 3 * byteLength, byteLength);
    const idx = putUint32(BYTES - 16, indices);
    const { out } = guarded(OUT, 4 * byteLength, (at) => kernel.gather(src, idx, 4, byteLength, at));
    expect(firstDifference(out, rowsOf(src, byteLength, indices))).toBe(-1);
  });

  test.each([127, 128, 200, 256, 784, 1_024, 2_000, 4_096])('many rows of %i bytes are all copied', (byteLength) => {
    const most = Math.floor((BYTES - OUT) / byteLength);
    for (const count of [1, 2, 3, 4, 5, 20, 21, 127, 128, 129, 257]) {
      const indices = Array.from({ length: Math.min(count, most) }, (_, k) => (k * 5 + 3) % 9);
      const src = putPattern(SRC, 9 * byteLength, count);
      const idx = putUint32(IDX, indices);
      const { out, touched } = guarded(OUT, indices.length * byteLength, (at) => {
        kernel.gather(src, idx, indices.length, byteLength, at);
      });
      expect(touched).toEqual([]);
      expect(firstDifference(out, rowsOf(src, byteLength, indices))).toBe(-1);
    }
  });

  test('no rows write nothing, even with every address at the end of the memory', () => {
    const before = bytes.slice();
    for (const byteLength of SIZES) kernel.gather(BYTES, BYTES, 0, byteLength, BYTES);
    expect(firstDifference(bytes, before)).toBe(-1);
  });

  test('a row past the end of the memory throws', () => {
    const idx = putUint32(IDX, [BYTES / 64]);
    expect(() => kernel.gather(0, idx, 1, 64, OUT)).toThrow('out of bounds');
  });
});

describe('gatherRanges', () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 200, max: 400 })), {
    minLength: 1,
    maxLength: 12,
  });
  const ragged = lengths.chain((rowLengths) => fc.tuple(fc.constant(rowLengths), rowNumbers(rowLengths.length)));

  test('rows of any length are packed, with their offsets, and nothing else is written', () => {
    fc.assert(
      fc.property(ragged, fc.constantFrom(1, 2, 3, 4, 8), shift, shift, ([rowLengths, indices], size, from, to) => {
        const ends = rowLengths.map((_, i) => rowLengths.slice(0, i + 1).reduce((sum, length) => sum + length, 0));
        const starts = [0, ...ends];
        const src = putPattern(SRC + from, (starts.at(-1) as number) * size, from + size);
        const offsets = putUint32(OFFSETS + from, starts);
        const idx = putUint32(IDX + to, indices);

        const expected = indices.flatMap((i) => [
          ...bytes.subarray(src + (starts[i] as number) * size, src + (starts[i + 1] as number) * size),
        ]);
        const expectedOffsets = [0];
        for (const i of indices) expectedOffsets.push((expectedOffsets.at(-1) as number) + (rowLengths[i] as number));

        expect(kernel.measureRanges(offsets, idx, indices.length) * size).toBe(expected.length);
        let values: ReturnType<typeof guarded> | undefined;
        const table = guarded(OUT_OFFSETS + to, (indices.length + 1) * 4, (tableAt) => {
          values = guarded(OUT + to, expected.length, (at) => {
            const written = kernel.gatherRanges(src, offsets, idx, indices.length, size, at, tableAt);
            expect(written).toBe(expected.length);
          });
        });
        expect([values?.touched, table.touched]).toEqual([[], []]);
        expect([...(values?.out ?? [])]).toEqual(expected);
        expect([...new Uint32Array(table.out.buffer)]).toEqual(expectedOffsets);
      }),
      { numRuns: runs(300) },
    );
  });

  test('rows at the end of the memory arrive whole, of every length', () => {
    for (const byteLength of SIZES) {
      const src = putPattern(BYTES - byteLength, byteLength, byteLength);
      const offsets = putUint32(OFFSETS, [0, byteLength]);
      const idx = putUint32(IDX, [0]);
      const { out, touched } = guarded(OUT, byteLength, (at) => {
        kernel.gatherRanges(src, offsets, idx, 1, 1, at, OUT_OFFSETS);
      });
      expect(touched).toEqual([]);
      expect(firstDifference(out, rowsOf(src, byteLength, [0]))).toBe(-1);
    }
  });

  test('no rows are one offset, 0, and no bytes', () => {
    putUint32(OUT_OFFSETS, [7]);
    expect(kernel.gatherRanges(SRC, OFFSETS, IDX, 0, 4, OUT, OUT_OFFSETS)).toBe(0);
    expect(bytes.slice(OUT_OFFSETS, OUT_OFFSETS + 4)).toEqual(new Uint8Array(4));
    expect(kernel.measureRanges(OFFSETS, IDX, 0)).toBe(0);
  });

  test('a sum of lengths above 32 bits is measured exactly', () => {
    const offsets = putUint32(OFFSETS, [0, 0xffff_ffff]);
    const idx = putUint32(
      IDX,
      Array.from({ length: 1_000 }, () => 0),
    );
    expect(kernel.measureRanges(offsets, idx, 1_000)).toBe(1_000 * 0xffff_ffff);
  });
});
