// node write-datasets.mjs FOLDER: stores the samples through the public API, and writes beside them what others should read.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { field } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { leavesOf } from '../../packages/core/dist/schema/schema.js';
import { encodeRecord } from './encode.mjs';
import { recordOf, SAMPLES } from './samples.mjs';

const folder = process.argv[2];
const storage = new FileStorage(folder);
const expected = {};

async function write(id, schema, records) {
  const dataref = await storage.submit(records, id, '1.0', { schema });
  const rows = [];
  for (const record of records) rows.push(encodeRecord(schema, record));
  const columns = leavesOf(schema).map(({ name, dtype, shape, kind, recordBytes }, i) => ({
    name,
    dtype,
    shape,
    isStored: kind !== 'fixed' || recordBytes > 0,
    values: rows.map((row) => row[i]),
  }));
  expected[id] = { length: records.length, fingerprint: dataref.fingerprint, columns };
}

const rowsOf = (schema, count) => Array.from({ length: count }, (_, row) => recordOf(schema, row));
for (const [id, schema] of Object.entries(SAMPLES)) await write(id, schema, rowsOf(schema, 11));

const everything = {
  ...SAMPLES['ragged-3d'],
  text: field('string'),
  data: field('bytes'),
  x: field('float32', [2, 2]),
  n: field('uint64'),
};
await write('empty', everything, []);
await write('nothing', field('float32', [0]), rowsOf(field('float32', [0]), 3));

// Two parts: one of 64 MiB, and the rest.
const large = { i: field('uint32'), name: field('string'), blob: field('bytes'), pair: field('int16', [null, 2]) };
const blob = (row) => new Uint8Array(8 * 2 ** 20 + row).fill(row + 1);
await write(
  'parts',
  large,
  rowsOf(large, 9).map((record, row) => ({ ...record, i: row, blob: blob(row) })),
);

writeFileSync(join(folder, 'expected.json'), JSON.stringify(expected));
