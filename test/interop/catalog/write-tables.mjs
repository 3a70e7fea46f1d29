// node write-tables.mjs FOLDER: a catalog with a table, one that is partitioned and appended to, and both as Parquet, for
// read_tables.py. What it must find is in expected.json.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { field } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { openCatalog } from '@dataref/catalog';

const [folder] = process.argv.slice(2);
const catalog = openCatalog(new FileStorage(join(folder, 'data')));
const LANGUAGES = ['de', 'en', 'fr/CH'];
const rows = Array.from({ length: 3_000 }, (_, i) => ({
  text: `sentence ${i} ü`,
  lang: LANGUAGES[(i * i) % 3],
  label: i % 2,
  ids: Int32Array.from({ length: i % 7 }, (__, at) => i + at),
  score: Float32Array.of(i / 2, -i),
  big: BigInt(i) * 4_000_000_000n,
  ok: i % 5 === 0,
  half: (i % 100) / 4,
}));
const schema = {
  text: field('string'),
  lang: field('string'),
  label: field('int8'),
  ids: field('int32', [null]),
  score: field('float32', [2]),
  big: field('int64'),
  ok: field('bool'),
  half: field('float16'),
};

const whole = await catalog.save('team/whole', rows, { schema });
await catalog.save('team/parts', rows.slice(0, 2_000), { schema, partitionBy: ['lang', 'label'] });
const parts = await catalog.append('team/parts', rows.slice(2_000));
await whole.toParquet(join(folder, 'whole.parquet'));
await parts.toParquet(join(folder, 'parts'));

const plain = ({ ids, score, big, ...rest }) => ({ ...rest, ids: [...ids], score: [...score], big: Number(big) });
writeFileSync(join(folder, 'expected.json'), JSON.stringify(rows.map(plain)));
