import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as arrow from 'apache-arrow';
import { field, fromColumns } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { fromTfDataset } from '@dataref/tfjs';
import { fromArrow, fromDanfo, fromParquet, fromPolars, openCatalog } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';
import { tempFolder } from '../../core/test/temp-folder.js';
import { everyDType } from './every-dtype.js';
import { recordsOf } from './table-behaviours.js';

const open = (): ReturnType<typeof openCatalog> => openCatalog(new ObjectStorage(new MemoryStore()));
const golden = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`golden/frames/${name}`, import.meta.url)));

test('every dtype goes to Arrow and comes back as it was', async () => {
  const data = await everyDType(50);
  const catalog = open();
  await catalog.save('t', data);
  const table = await (await catalog.append('t', data)).toArrow();
  expect([table.numRows, table.batches.length]).toEqual([100, 1]);
  const again = fromArrow(table);
  expect(again.schema).toEqual(data.schema);
  expect(await recordsOf(again)).toEqual([...(await recordsOf(data)), ...(await recordsOf(data))]);
  const part = fromArrow(table.slice(40, 60));
  expect(await recordsOf(part)).toEqual([
    ...(await recordsOf(data.slice(40))),
    ...(await recordsOf(data.slice(0, 10))),
  ]);
  expect(fromArrow(arrow.tableFromIPC(arrow.tableToIPC(table))).fingerprint).toBe(again.fingerprint);
});

test('an Arrow table of somebody else’s is saved with its dtypes', async () => {
  const table = new arrow.Table({
    i: arrow.vectorFromArray(Int16Array.of(1, 2, 3)),
    big: arrow.vectorFromArray(BigInt64Array.of(1n, 2n, 3n)),
    text: arrow.vectorFromArray(['a', 'b', 'a']),
    plain: arrow.vectorFromArray(['x', '', 'z'], new arrow.Utf8()),
    flag: arrow.vectorFromArray([true, false, true], new arrow.Bool()),
    list: arrow.vectorFromArray([[1], [], [2, 3]], new arrow.List(new arrow.Field('item', new arrow.Float32()))),
  });
  const saved = await open().save('arrow', fromArrow(table));
  expect(saved.schema).toEqual({
    i: field('int16'),
    big: field('int64'),
    text: field('string'),
    plain: field('string'),
    flag: field('bool'),
    list: field('float32', [null]),
  });
  const { list, ...rest } = await saved.at(2);
  expect([rest, [...list.data]]).toEqual([{ i: 3, big: 3n, text: 'a', plain: 'z', flag: true }, [2, 3]]);
  const times = new arrow.Table({ at: arrow.vectorFromArray([new Date()], new arrow.TimestampMillisecond()) });
  expect(() => fromArrow(times)).toThrow(failure('UNSUPPORTED', /column at is Timestamp/u));
  expect(() => fromArrow({} as never)).toThrow(failure('INVALID_ARGUMENT', /fromArrow needs a table/u));
});

// What writeIPC of nodejs-polars 0.26.1 gave for a frame of every kind of column.
test('a frame of nodejs-polars is saved with its dtypes', async () => {
  const frame = { writeIPC: () => golden('nodejs-polars-0.26.1.arrow') };
  const saved = await open().save('polars', await fromPolars(frame));
  expect(saved.schema).toEqual({
    i: field('int32'),
    f: field('float64'),
    s: field('string'),
    b: field('bool'),
    l: field('float64', [null]),
    big: field('int64'),
    c: field('string'),
  });
  const { l, ...rest } = await saved.at(1);
  expect([rest, [...l.data]]).toEqual([{ i: 2, f: 1.5, s: 'ä longer text than twelve bytes', b: false, big: 2n, c: 'v' }, [3]]); // prettier-ignore
  const nulls = { writeIPC: () => golden('nodejs-polars-0.26.1-nulls.arrow') };
  await expect(fromPolars(nulls)).rejects.toThrow(failure('NULL_VALUE', /column i has 1 null/u));
  await expect(fromPolars({ collect: 1 } as never)).rejects.toThrow(
    failure('INVALID_ARGUMENT', /await frame.collect/u),
  );
});

// danfojs has no package that a registry alone can install; these are the members that its DataFrame has.
test('a frame with the members of danfojs’ is saved with its dtypes', async () => {
  const values: Record<string, unknown[]> = { a: [1, 2], f: [0.1, NaN], s: ['x', 'y'], t: [true, false] };
  const frame = {
    columns: Object.keys(values),
    dtypes: ['int32', 'float32', 'string', 'boolean'],
    column: (name: string) => ({ values: values[name] }),
  };
  const saved = await open().save('danfo', await fromDanfo(frame));
  expect(await recordsOf(saved)).toEqual([{ a: 1, f: 0.1, s: 'x', t: true }, { a: 2, f: NaN, s: 'y', t: false }]); // prettier-ignore
  values['a'] = [1, 3e9];
  await expect(fromDanfo(frame)).rejects.toThrow(failure('LOSSY_CAST', /./u));
  await expect(fromDanfo({ ...frame, dtypes: ['datetime'] })).rejects.toThrow(failure('UNSUPPORTED', /a is datetime/u));
  await expect(fromDanfo([] as never)).rejects.toThrow(failure('INVALID_ARGUMENT', /fromDanfo needs/u));
});

test('a tf.data.Dataset is saved', async () => {
  const dataset = tf.data.array([1, 2, 3]).map((x) => ({ x: tf.tensor1d([x, 0]), y: tf.scalar(x, 'int32') }));
  const saved = await open().save('tf', fromTfDataset(dataset));
  expect([saved.length, saved.schema]).toEqual([3, { x: field('float32', [2]), y: field('int32') }]);
});

test('every dtype goes to Parquet and comes back as it was', async () => {
  const folder = tempFolder();
  const data = await everyDType(100);
  const saved = await open().save('t', data);
  const path = join(folder, 'new', 't.parquet');
  for (let i = 0; i < 2; i++) await saved.toParquet(path);
  expect(readdirSync(join(folder, 'new'))).toEqual(['t.parquet']);
  const again = await fromParquet(pathToFileURL(path));
  expect(again.schema).toEqual(data.schema);
  expect(await recordsOf(again)).toEqual(await recordsOf(data));
  expect((await open().save('again', again)).fingerprint).toBe(saved.fingerprint);
  const some = await fromParquet(path, { columns: ['string', 'int64'] });
  expect(await some.at(4)).toEqual({ string: 'ä', int64: -36_028_797_018_963_972n });
  await (await open().save('none', [], { schema: { a: field('int8') } })).toParquet(path);
  expect((await fromParquet(path)).length).toBe(0);
  await (await open().save('bare', Float32Array.of(1, 2).values())).toParquet(path);
  expect(await (await fromParquet(path)).at(1)).toEqual({ value: 2 });
});

test('a partitioned table goes to folders of Parquet as Hive has them', async () => {
  const folder = tempFolder();
  const records = Array.from({ length: 10 }, (_, i) => ({ lang: ['de', 'a/b', ''][i % 3] as string, i }));
  const saved = await open().save('t', records, { partitionBy: ['lang'] });
  const path = join(folder, 't');
  await saved.toParquet(path);
  expect(readdirSync(path).sort()).toEqual(['lang=__HIVE_DEFAULT_PARTITION__', 'lang=a%2Fb', 'lang=de']);
  expect((await recordsOf(await fromParquet(join(path, 'lang=de', '0.parquet')))).map(({ i }) => i)).toEqual([0, 3, 6, 9]); // prettier-ignore
  await expect(saved.toParquet(path)).rejects.toThrow(failure('ALREADY_EXISTS', /folder with files/u));
  const only = await open().save('only', [{ a: 1 }], { partitionBy: ['a'] });
  await expect(only.toParquet(join(folder, 'only'))).rejects.toThrow(failure('UNSUPPORTED', /no columns but/u));
  expect(readdirSync(folder)).toEqual(['t']);
});

test('what is no Parquet file, or cannot be written, says so', async () => {
  const folder = tempFolder();
  await expect(fromParquet(join(folder, 'none'))).rejects.toThrow(failure('NOT_FOUND', /none/u));
  writeFileSync(join(folder, 'text'), 'no Parquet at all');
  await expect(fromParquet(join(folder, 'text'))).rejects.toThrow(failure('CORRUPT', /no Parquet file/u));
  await expect(fromParquet(folder)).rejects.toThrow(
    failure('INVALID_ARGUMENT', /is a folder; give .* one of its files/u),
  );
  await expect(fromParquet(7 as never)).rejects.toThrow(failure('INVALID_ARGUMENT', /path/u));
  const saved = await open().save('t', fromColumns({ a: Int8Array.of(1) }));
  mkdirSync(join(folder, 'full'));
  writeFileSync(join(folder, 'full', 'x'), '');
  await expect(saved.toParquet(join(folder, 'full'))).rejects.toThrow(
    failure('STORE_FAILED', /full cannot be written/u),
  );
  await expect(saved.toParquet(join(folder, 'text', 'x'))).rejects.toThrow(failure('STORE_FAILED', /./u));
  await expect(saved.toParquet('')).rejects.toThrow(failure('INVALID_ARGUMENT', /toParquet/u));
  expect(readdirSync(folder).sort()).toEqual(['full', 'text']);
});
