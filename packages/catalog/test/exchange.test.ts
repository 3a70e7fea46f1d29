import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import * as arrow from 'apache-arrow';
import { parquetMetadataAsync, type AsyncBuffer } from 'hyparquet';
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

test('columns that were changed since toArrow made them are what they are now, not what its schema says', async () => {
  const made = await (await open().save('t', [{ a: 1, s: 'x', b: true }])).toArrow();
  const changed = (columns: Record<string, arrow.Vector>, text?: string): arrow.Table => {
    const { schema, batches } = new arrow.Table({ a: made.getChild('a') as arrow.Vector, ...columns });
    const metadata = text === undefined ? made.schema.metadata : new Map([['dataref:schema', text]]);
    const marked = new arrow.Schema(schema.fields, metadata);
    return new arrow.Table(marked, new arrow.RecordBatch(marked, batches[0]?.data as arrow.Data<any>));
  };
  const [s, b] = ['s', 'b'].map((name) => made.getChild(name) as arrow.Vector) as [arrow.Vector, arrow.Vector];
  const more = arrow.vectorFromArray(Int32Array.of(7));
  expect(await fromArrow(changed({ s, b })).at(0)).toEqual({ a: 1, s: 'x', b: true });
  expect(await fromArrow(changed({ s, b, more })).at(0)).toEqual({ a: 1, s: 'x', b: 1, more: 7 });
  expect(await fromArrow(changed({ s: more, b })).at(0)).toEqual({ a: 1, s: 7, b: 1 });
  expect(await fromArrow(changed({ a: more, s, b })).at(0)).toEqual({ a: 7, s: 'x', b: 1 });
  expect(await fromArrow(changed({})).at(0)).toEqual({ a: 1 });
  for (const text of ['{', '{"a":5}']) expect(await fromArrow(changed({}, text)).at(0)).toEqual({ a: 1 });
});

test('nulls of a record within the record or of a dictionary, and two columns of one name, are refused; no rows are none', async () => {
  const whole = arrow.vectorFromArray(
    [{ a: 1 }, { a: 2 }],
    new arrow.Struct([new arrow.Field('a', new arrow.Int32())]),
  );
  const { type, children } = whole.data[0] as arrow.Data<any>;
  const holed = arrow.makeData({ type, length: 2, nullCount: 1, nullBitmap: Uint8Array.of(1), children });
  const nulled = new arrow.Table({ s: new arrow.Vector([holed]) });
  expect(() => fromArrow(nulled)).toThrow(failure('NULL_VALUE', /column s has 1 nulls/u));
  const dictionary = arrow.vectorFromArray(['a', null], new arrow.Utf8());
  const words = arrow.makeData({
    type: new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()),
    length: 2,
    nullCount: 0,
    data: Int32Array.of(0, 1),
    dictionary,
  });
  expect(() => fromArrow(new arrow.Table({ d: new arrow.Vector([words]) }))).toThrow(
    failure('NULL_VALUE', /column d/u),
  );
  const column = new arrow.Field('a', new arrow.Int32());
  const twice = new arrow.Table(new arrow.Schema([column, column]));
  expect(() => fromArrow(twice)).toThrow(failure('INVALID_ARGUMENT', /two columns are called "a"/u));
  const list = new arrow.Field('l', new arrow.List(new arrow.Field('item', new arrow.Int32(), false)), false);
  const none = fromArrow(new arrow.Table(new arrow.Schema([list])));
  expect([none.length, none.schema]).toEqual([0, { l: field('int32', [null]) }]);
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

// danfojs has no package that a registry alone can install; these are the members that its DataFrame has. .ci/danfo.sh takes its own.
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

test('columns of a Parquet file that were changed since toParquet wrote it are what they are now', async () => {
  const path = join(tempFolder(), 't.parquet');
  await (await open().save('t', [{ a: 1, v: Float32Array.of(1, 2) }])).toParquet(path);
  const written = readFileSync(path, 'latin1');
  const schemas = ['{"a":{"dtype":"float32"', '{"z":{"dtype":"float64"', '["a":{"dtype":"float64"'];
  for (const instead of schemas) {
    writeFileSync(path, written.replace('{"a":{"dtype":"float64"', instead), 'latin1');
    const read = await fromParquet(path);
    expect(read.schema).toEqual({ a: field('float64'), v: field('float32', [null]) });
    expect((await read.at(0)).a).toBe(1);
  }
  writeFileSync(path, written, 'latin1');
  const whole = await fromParquet(path);
  expect(whole.schema).toEqual({ a: field('float64'), v: field('float32', [2]) });
  truncateSync(path, 20);
  await expect(whole.at(0)).rejects.toThrow(/t\.parquet ends at byte 20/u);
});

test('a Parquet file whose groups have other rows than it says is CORRUPT', async () => {
  const path = join(tempFolder(), 't.parquet');
  await (await open().save('t', fromColumns({ a: new Int8Array(77) }))).toParquet(path);
  const bytes = readFileSync(path);
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  // The file's own count is the first varint of 77 (zigzag 154) in its footer.
  const at = bytes.indexOf(Buffer.of(0x9a, 0x01), footer);
  bytes[at] = 0x9c;
  await expect(fromParquet(bytesBuffer(bytes))).rejects.toThrow(failure('CORRUPT', /78 rows/u));
});

function bytesBuffer(bytes: Uint8Array): AsyncBuffer {
  return {
    byteLength: bytes.length,
    slice: async (start: number, end?: number) => new Uint8Array(bytes.slice(start, end)).buffer,
  };
}

test('large records go to Parquet in groups of as many as memory is for', async () => {
  const path = join(tempFolder(), 't.parquet');
  const records = Array.from({ length: 40 }, (_, i) => ({ bytes: new Uint8Array(2 ** 20).fill(i) }));
  await (await open().save('t', records, { schema: { bytes: field('bytes') } })).toParquet(path);
  const { row_groups: groups } = await parquetMetadataAsync(bytesBuffer(readFileSync(path)));
  expect(groups.map(({ num_rows: rows }) => Number(rows))).toEqual([15, 15, 10]);
  expect((await (await fromParquet(path)).at(39)).bytes[0]).toBe(39);
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
