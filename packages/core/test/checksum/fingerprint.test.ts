import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { field, fromRecords, ndarray, type RecordOf } from '@dataref/core';
import { Fingerprint } from '../../dist/checksum/fingerprint.js';
import { isWide, rowChecksums } from '../../dist/checksum/row-checksums.js';
import { sliceColumn, type ColumnData } from '../../dist/schema/column-data.js';
import { rowsOf } from '../../dist/dataset/make.js';
import { announceSeed, runs } from '../scale.js';

const SEED = announceSeed('fingerprint');

const SCHEMA = {
  id: field('uint16'),
  name: field('string'),
  image: field('uint8', [5, 7]),
  tokens: field('int32', [null]),
  boxes: field('float32', [null, 2]),
};
type Row = RecordOf<typeof SCHEMA>;

const row = fc
  .record({
    id: fc.nat(65_535),
    name: fc.string(),
    fill: fc.nat(255),
    tokens: fc.array(fc.integer()),
    boxes: fc.nat(4),
  })
  .map(({ id, name, fill, tokens, boxes }): Row => ({
    id,
    name,
    image: ndarray(new Uint8Array(35).fill(fill), [5, 7]),
    tokens: ndarray(Int32Array.from(tokens), [tokens.length]),
    boxes: ndarray(new Float32Array(boxes * 2).fill(id), [boxes, 2]),
  }));

function inBlocks(columns: readonly ColumnData[], ends: readonly number[]): string {
  const fingerprint = new Fingerprint(SCHEMA);
  let start = 0;
  for (const end of [...ends, columns[0]!.length]) {
    const block = columns.map((column) => sliceColumn(column, start, end));
    fingerprint.add(
      block,
      block.map((column) => (isWide(column.leaf) ? rowChecksums(column) : undefined)),
    );
    start = end;
  }
  return fingerprint.digest();
}

test('a fingerprint is the same however the rows are cut into blocks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.nat(12)),
      async (rows, cuts) => {
        const dataset = await fromRecords(rows, { schema: SCHEMA });
        const columns = rowsOf(dataset).slice!(0, rows.length);
        const ends = Array.from({ length: 3 }, () => Math.min(rows.length, cuts.next().value)).sort((a, b) => a - b);
        expect(inBlocks(columns, ends)).toBe(dataset.fingerprint);
      },
    ),
    { seed: SEED, numRuns: runs(200) },
  );
});

test('a fingerprint tells apart rows that differ only in where one ends and the next begins', async () => {
  const of = async (texts: readonly string[]) => (await fromRecords(texts)).fingerprint;
  expect(await of(['ab', 'c'])).not.toBe(await of(['a', 'bc']));
  const boxes = (shape: readonly [number, number]) => [ndarray(new Float32Array(6), shape)];
  const schema = field('float32', [null, null]);
  const [a, b] = [await fromRecords(boxes([2, 3]), { schema }), await fromRecords(boxes([3, 2]), { schema })];
  expect(a.fingerprint).not.toBe(b.fingerprint);
});
