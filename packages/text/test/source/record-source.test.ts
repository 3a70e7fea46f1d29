import { describe, expect, test } from '@jest/globals';
import { fromRecords } from '@dataref/core';
import { openRecordSource, type RecordsBySplit } from '../../dist/source/records/record-source.js';
import { rowsOf, textsOf, unitsOf } from './read-units.js';

const RECORDS = Array.from({ length: 10_000 }, (_, i) => ({ text: `text ${i}`, label: i, more: `more ${i}` }));
const columns = ['text'];

async function* generated() {
  yield* RECORDS;
}

describe('records', () => {
  test('of a DataRef, read by position in units of its own order', async () => {
    const data = await fromRecords(RECORDS);
    const source = openRecordSource({ train: data, test: data.slice(0, 3) }, { columns: ['more', 'text'] });
    expect(await rowsOf(source)).toEqual(RECORDS.map(({ more, text }) => [more, text]));
    expect(await textsOf(source, 'test')).toEqual(['more 0', 'more 1', 'more 2']);
    expect(source.splits[0]?.rowCount).toBe(10_000);
    expect((await unitsOf(source.splits[0])).map(([id, { length }]) => [id, length])).toEqual([
      ['0', 4096],
      ['1', 4096],
      ['2', 1808],
    ]);
  });

  test.each<[string, RecordsBySplit]>([
    ['an array', RECORDS],
    ['a generator', generated()],
    ['a function', generated],
    ['splits', { train: generated }],
  ])('of %s', async (_, records) => {
    const source = openRecordSource(records, { columns, fingerprint: '1' });
    expect(await textsOf(source)).toEqual(RECORDS.map(({ text }) => text));
  });

  test('are read again where they can be, and a generator says that it cannot', async () => {
    const again = openRecordSource(generated, { columns, fingerprint: '1' });
    expect(await unitsOf(again.splits[0])).toEqual(await unitsOf(again.splits[0]));
    const once = openRecordSource(generated(), { columns, fingerprint: '1' });
    await textsOf(once);
    await expect(textsOf(once)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('have the fingerprint of what they are', async () => {
    const [all, some] = [await fromRecords(RECORDS), await fromRecords(RECORDS.slice(1))];
    const of = (records: RecordsBySplit, fingerprint?: string) =>
      openRecordSource(records, { columns, fingerprint }).fingerprint;
    expect(of(all)).toBe(of(await fromRecords(RECORDS)));
    expect(
      new Set([
        of(all),
        of(some),
        of({ train: all, test: some }),
        of({ test: all }),
        of(RECORDS, '1'),
        of(RECORDS, '2'),
      ]).size,
    ).toBe(6);
    expect(() => of(RECORDS)).toThrow(expect.objectContaining({ code: 'NO_FINGERPRINT' }));
  });
});

test.each<[string, unknown, string]>([
  ['a number', 7, 'INVALID_ARGUMENT'],
  ['a text', 'train.txt', 'INVALID_ARGUMENT'],
  ['no split', {}, 'INVALID_ARGUMENT'],
  ['an unknown split', { tain: RECORDS }, 'INVALID_ARGUMENT'],
  ['a record without the column', [{ label: 1 }], 'SCHEMA_MISMATCH'],
  ['a value that is no text', [{ text: 1 }], 'SCHEMA_MISMATCH'],
  ['a record that is none', [7], 'SCHEMA_MISMATCH'],
])('%s is refused', async (_, records, code) => {
  const read = async () => rowsOf(openRecordSource(records as RecordsBySplit, { columns, fingerprint: '1' }));
  await expect(read()).rejects.toMatchObject({ name: 'DataRefError', code });
});

test('a DataRef without the column is refused before it is read', async () => {
  const data = await fromRecords(RECORDS.slice(0, 2));
  expect(() => openRecordSource(data, { columns: ['txt'] })).toThrow(/did you mean "text"/u);
});
