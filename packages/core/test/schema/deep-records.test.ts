import { describe, expect, test } from '@jest/globals';
import { field, fromColumns, fromRecords } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { failure } from '../expect-error.js';
import { gather, range } from '../stream/gather.js';

function nested(levels: number, leaf: unknown): Record<string, unknown> {
  let record: Record<string, unknown> = { v: leaf };
  for (let level = 1; level < levels; level++) record = { a: record };
  return record;
}
function cyclic(): Record<string, unknown> {
  const record: Record<string, unknown> = { id: 1 };
  record['self'] = record;
  return record;
}
function cyclicList(): Record<string, unknown> {
  const list: unknown[] = [1];
  list.push(list);
  return { list };
}

const refused: readonly (readonly [string, Record<string, unknown>])[] = [
  ['that holds itself', cyclic()],
  ['with a list that holds itself', cyclicList()],
  ['of 100 000 levels', nested(1e5, 1)],
  ['of 65 levels', nested(65, 1)],
];
const refusal = failure('SCHEMA_MISMATCH', /record 0: \S+… has more than 64 levels, or holds itself/);

describe.each(refused)('a record %s', (_, record) => {
  test('is refused by fromRecords, naming record and place', async () => {
    await expect(fromRecords([record])).rejects.toEqual(refusal);
  });

  test('is refused by submit, and nothing is stored', async () => {
    const storage = new ObjectStorage(new MemoryStore());
    await expect(storage.submit([record], 'd', '1')).rejects.toEqual(refusal);
    expect(await storage.has('d', '1')).toBe(false);
  });

  test('is refused as what map gives', async () => {
    const mapped = range(4)
      .stream()
      .map(() => record);
    await expect(gather(mapped.batch(2))).rejects.toEqual(refusal);
  });

  test('is refused where the first was another, and where a schema is given', async () => {
    const schema = { id: field('float64') };
    await expect(fromRecords([{ id: 1 }, record])).rejects.toEqual(failure('SCHEMA_MISMATCH', /record 1/));
    await expect(fromRecords([record] as never, { schema })).rejects.toEqual(failure('SCHEMA_MISMATCH', /record 0/));
  });
});

test('columns that hold themselves, or nest too deeply, are refused', async () => {
  const columns: Record<string, unknown> = { x: new Int8Array(2) };
  columns['self'] = columns;
  const refusedColumns = failure('SCHEMA_MISMATCH', /columns: self\.self\.\S+… has more than 64 levels/);
  expect(() => fromColumns(columns as never)).toThrow(refusedColumns);
  const mapped = range(2)
    .stream()
    .batch(2)
    .map(() => columns as never);
  await expect(gather(mapped)).rejects.toEqual(refusedColumns);
  expect(() => fromColumns(nested(1e5, new Int8Array(2)) as never)).toThrow(failure('SCHEMA_MISMATCH', /64 levels/));
});

test('64 levels are taken, and come back', async () => {
  const record = nested(64, 5);
  expect(await (await fromRecords([record])).at(0)).toEqual(record);
  expect(await fromColumns(nested(64, new Int8Array([5])) as never).at(0)).toEqual(record);
});
