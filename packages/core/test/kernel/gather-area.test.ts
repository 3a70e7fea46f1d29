import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isDataRefError } from '../../dist/errors.js';
import { GatherArea } from '../../dist/kernel/gather-area.js';

/** Sizes on both sides of the direct path (16 KiB), and one that fills the scratch region (256 KiB) unevenly. */
const SIZES = [0, 1, 3, 8, 100, 784, 5_000, 16_383, 16_384, 16_385, 300_001];
const ROWS = 5;

function fill(column: Uint8Array): Uint8Array {
  for (let i = 0; i < column.length; i++) column[i] = Math.imul(i + 1, 2_654_435_761) >>> 24;
  return column;
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

const indexLists = fc.oneof(
  fc.array(fc.nat(ROWS - 1), { maxLength: 8 }),
  fc.constantFrom(97, 4_095, 4_096, 4_097).map((length) => Array.from({ length }, (_, k) => (k * 7) % ROWS)),
);

test.each(SIZES)('rows of %i bytes are the same whatever pieces they pass in', (byteLength) => {
  const area = new GatherArea([7, ROWS * byteLength]);
  const column = fill(area.columns[1] as Uint8Array);
  fc.assert(
    fc.property(indexLists, (list) => {
      const indices = Uint32Array.from(list.slice(0, byteLength > 1_000 ? 97 : undefined));
      const out = new Uint8Array(indices.length * byteLength + 3).fill(9);
      area.gather(column, byteLength, indices, out);
      const isWhole = indices.every((index, k) => {
        const row = column.subarray(index * byteLength, (index + 1) * byteLength);
        return Buffer.compare(row, out.subarray(k * byteLength, (k + 1) * byteLength)) === 0;
      });
      expect(isWhole).toBe(true);
      expect([...out.subarray(indices.length * byteLength)]).toEqual([9, 9, 9]);
    }),
    { numRuns: 12 },
  );
});

test('rows of varying length are packed the same whatever pieces they pass in', () => {
  const lengths = [0, 3, 12_000, 8_191, 8_192, 40_000, 1];
  const starts = lengths.reduce<number[]>((sums, length) => [...sums, (sums.at(-1) as number) + length], [0]);
  const area = new GatherArea([(starts.at(-1) as number) * 2, starts.length * 4]);
  const column = fill(area.columns[0] as Uint8Array);
  const offsets = area.columns[1] as Uint8Array;
  offsets.set(new Uint8Array(Uint32Array.from(starts).buffer));
  const short = Array.from({ length: 9_000 }, (_, k) => [0, 1, 6][k % 3] as number);

  fc.assert(
    fc.property(fc.oneof(fc.array(fc.nat(lengths.length - 1), { maxLength: 60 }), fc.constant(short)), (list) => {
      const indices = Uint32Array.from(list);
      const elements = area.measureRanges(offsets, indices);
      expect(elements).toBe(list.reduce((sum, i) => sum + (lengths[i] as number), 0));
      const out = new Uint8Array(elements * 2);
      const outOffsets = new Uint32Array(indices.length + 1);
      area.gatherRanges(column, offsets, 2, indices, out, outOffsets);

      const rows = list.map((i) => column.subarray((starts[i] as number) * 2, (starts[i + 1] as number) * 2));
      expect(Buffer.compare(out, Buffer.concat(rows))).toBe(0);
      expect([...outOffsets]).toEqual(
        list.reduce<number[]>(
          (sums, i) => {
            sums.push((sums.at(-1) as number) + (lengths[i] as number));
            return sums;
          },
          [0],
        ),
      );
    }),
    { numRuns: 40 },
  );
});

test.each([1, 10, 1_000, 65_535, 65_536, 65_537, 150_001])('conversions of rows of %i values are exact', (elements) => {
  const area = new GatherArea([ROWS * elements, ROWS * elements * 8]);
  const small = fill(area.columns[0] as Uint8Array);
  const wide = area.columns[1] as Uint8Array;
  const wideView = new DataView(wide.buffer, wide.byteOffset, wide.byteLength);
  for (let i = 0; i < ROWS * elements; i++) wideView.setBigInt64(8 * i, BigInt((i % 1_000) - 500), true);
  const indices = Uint32Array.from([4, 0, 4, 2, 1, 3]);

  const floats = new Float32Array(indices.length * elements);
  area.gatherU8F32(small, elements, indices, floats, 1 / 255);
  const scale = Math.fround(1 / 255);
  const indexOf = (i: number): number => (indices[Math.floor(i / elements)] as number) * elements + (i % elements);
  expect(floats.findIndex((v, i) => v !== Math.fround((small[indexOf(i)] as number) * scale))).toBe(-1);

  const ints = new Int32Array(indices.length * elements);
  expect(area.gatherI64I32(wide, elements, indices, ints)).toBe(-1);
  expect(ints.findIndex((v, i) => v !== (indexOf(i) % 1_000) - 500)).toBe(-1);

  wideView.setBigInt64(8 * (3 * elements - 1), 2n ** 31n, true);
  expect(area.gatherI64I32(wide, elements, indices, ints)).toBe(3);
});

test('one-hot rows name a label that is no class, counted from the start of the batch', () => {
  const area = new GatherArea([ROWS]);
  const labels = area.columns[0] as Uint8Array;
  labels.set([0, 1, 2, 1, 9]);
  const indices = Uint32Array.from({ length: 5_000 }, (_, k) => k % 4);
  const out = new Float32Array(5_000 * 3);
  expect(area.gatherOneHot(labels, 'uint8', 3, indices, out)).toBe(-1);
  expect(out.findIndex((v, i) => v !== (labels[Math.floor(i / 3) % 4] === i % 3 ? 1 : 0))).toBe(-1);
  indices[4_999] = 4;
  expect(area.gatherOneHot(labels, 'uint8', 3, indices, out)).toBe(4_999);
});

test('what does not fit is refused with a code', () => {
  expect(
    isDataRefError(
      errorOf(() => new GatherArea([2 ** 32])),
      'MEMORY_LIMIT',
    ),
  ).toBe(true);
  const area = new GatherArea([8]);
  const gather = () =>
    area.gatherOneHot(area.columns[0] as Uint8Array, 'uint8', 65_537, Uint32Array.of(0), new Float32Array(65_537));
  expect(isDataRefError(errorOf(gather), 'UNSUPPORTED')).toBe(true);
});

test('rows up to the last byte below 4 GiB arrive whole', () => {
  const headBytes = new GatherArea([1]).columns[0]?.byteOffset as number;
  const area = new GatherArea([2 ** 32 - headBytes]);
  const column = area.columns[0] as Uint8Array;
  expect(column.byteOffset + column.byteLength).toBe(2 ** 32);
  for (const byteLength of [1, 2, 3, 4, 6, 8, 13, 16, 17, 100, 256, 784]) {
    const rows = column.subarray(column.length - 2 * byteLength);
    fill(rows);
    const indices = Uint32Array.of(1, 0, 1);
    const expected = [...rows.subarray(byteLength), ...rows];
    const out = new Uint8Array(3 * byteLength);
    area.gather(rows, byteLength, indices, out);
    expect([...out]).toEqual(expected);
    const floats = new Float32Array(3 * byteLength);
    area.gatherU8F32(rows, byteLength, indices, floats, 1);
    expect([...floats]).toEqual(expected);
  }
});

test('columns are aligned, zero-filled and apart from each other', () => {
  const { columns } = new GatherArea([1, 0, 63, 64, 65]);
  expect(columns.map((column) => column.byteLength)).toEqual([1, 0, 63, 64, 65]);
  expect(columns.every((column) => column.byteOffset % 64 === 0 && column.every((byte) => byte === 0))).toBe(true);
  columns.forEach((column, i) => column.fill(i + 1));
  expect(columns.every((column, i) => column.every((byte) => byte === i + 1))).toBe(true);
});
