import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { openFileSource, type FileSourceOptions } from '../../dist/source/files/file-source.js';
import { rowsOf, textsOf, unitsOf } from './read-units.js';

const TEXTS = ['one', '', 'drei Äpfel 🍎', 'a "quoted", text', ' space '];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'files-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, bytes: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

const open = (options: Partial<FileSourceOptions>) =>
  openFileSource({ columns: ['text'], ...(options.dataFiles === undefined && { dataDir: folder }), ...options });

async function textsIn(name: string, bytes: string | Uint8Array, options: Partial<FileSourceOptions> = {}) {
  return textsOf(await open({ dataFiles: await write(name, bytes), ...options }));
}

const lines = (texts: readonly string[]) => texts.map((text) => `${text}\n`).join('');
const jsonLines = (texts: readonly string[]) => lines(texts.map((text) => JSON.stringify({ label: 1, text })));
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const parquetOf = (texts: readonly (string | null)[], rowGroupSize = 2) =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: 'label', data: texts.map((_, i) => i), type: 'INT32' },
        { name: 'text', data: [...texts], type: 'STRING' },
      ],
      rowGroupSize,
    }),
  );
const arrowOf = (form: 'file' | 'stream') => tableToIPC(tableFromArrays({ label: [1, 2, 3, 4, 5], text: TEXTS }), form);

describe('each kind of file gives its texts', () => {
  test.each<[string, string | Uint8Array]>([
    ['a.txt', lines(TEXTS)],
    ['no-end.txt', TEXTS.join('\n')],
    ['windows.txt', TEXTS.join('\r\n')],
    ['old.txt', TEXTS.join('\r')],
    ['mark.txt', `\ufeff${lines(TEXTS)}`],
    ['a.txt.gz', gzipSync(lines(TEXTS))],
    ['a.txt.br', brotliCompressSync(lines(TEXTS))],
    ['a.jsonl', jsonLines(TEXTS)],
    ['mark.jsonl', `\ufeff${jsonLines(TEXTS)}\n\n`],
    ['a.ndjson.gz', gzipSync(jsonLines(TEXTS))],
    [
      'a.json',
      JSON.stringify(
        TEXTS.map((text) => ({ text, more: [1] })),
        null,
        2,
      ),
    ],
    ['lines.json', jsonLines(TEXTS)],
    ['A.PARQUET', parquetOf(TEXTS)],
    ['file.arrow', arrowOf('file')],
    ['stream.arrow', arrowOf('stream')],
  ])('%s', async (name, bytes) => {
    expect(await textsIn(name, bytes)).toEqual(TEXTS);
  });

  test('of comma- and tab-separated values, where what is empty is null', async () => {
    const expected = TEXTS.map((text) => text || null);
    const csv = `label,text\n${TEXTS.map((text) => `1,${quoted(text)}\n`).join('')}`;
    expect(await textsIn('a.csv', csv)).toEqual(expected);
    expect(await textsIn('a.csv.gz', gzipSync(csv))).toEqual(expected);
    expect(
      await textsIn('a.tsv', `\ufefftext\tlabel\r\n${TEXTS.map((text) => `${quoted(text)}\t1\r\n`).join('')}`),
    ).toEqual(expected);
    expect(await textsIn('b.csv', 'text\n"two\nlines"\n')).toEqual(['two\nlines']);
  });

  test('several columns in the order asked for, null where there is none', async () => {
    const path = await write('a.jsonl', '{"a":"1","b":"2"}\n{"b":"3"}\n{"a":null,"b":"4"}\n');
    const source = await open({ dataFiles: path, columns: ['b', 'a'] });
    expect(await rowsOf(source)).toEqual([
      ['2', '1'],
      ['3', null],
      ['4', null],
    ]);
    expect(await textsIn('null.parquet', parquetOf(['x', null]))).toEqual(['x', null]);
  });

  test('with a format given, whatever the name', async () => {
    expect(await textsIn('data.bin', jsonLines(TEXTS), { format: 'json' })).toEqual(TEXTS);
    expect(await textsIn('data.json', 'a\nb', { format: 'text' })).toEqual(['a', 'b']);
  });

  test('text by paragraphs and by documents', async () => {
    const text = '\r\nCall me\r\nIshmael.\r\n\r\n\r\nSome years ago\n\n';
    expect(await textsIn('a.txt', text, { sampleBy: 'paragraph' })).toEqual(['Call me\nIshmael.', 'Some years ago']);
    expect(await textsIn('b.txt', text, { sampleBy: 'document' })).toEqual([text.replaceAll('\r', '')]);
  });

  test('nothing, of files that are empty', async () => {
    for (const [name, bytes] of [
      ['a.txt', ''],
      ['a.txt.gz', gzipSync('')],
      ['a.jsonl', '\n'],
      ['a.json', '[]'],
      ['a.csv', ''],
    ] as const)
      expect(await textsIn(name, bytes)).toEqual([]);
  });
});

describe('units', () => {
  const long = Array.from({ length: 300_000 }, (_, i) => `line ${i} ${'x'.repeat(i % 97)}`);
  long.splice(1000, 0, 'y'.repeat(9 << 20)); // longer than two stretches

  test.each(['long.txt', 'long.txt.gz'])('of %s are whole lines, each line in one of them', async (name) => {
    const text = lines(long);
    const source = await open({
      dataFiles: await write(name, name.endsWith('gz') ? gzipSync(text, { level: 1 }) : text),
    });
    const units = await unitsOf(source.splits[0]);
    expect(units.length).toBeGreaterThan(4);
    expect(units.flatMap(([, rows]) => rows).every(([line], i) => line === long[i])).toBe(true);
    expect(units.flatMap(([, rows]) => rows)).toHaveLength(long.length);
  });

  test.each([-1, 0, 1])('end where a line ends %i bytes from the edge of a stretch', async (shift) => {
    const texts = ['a'.repeat((4 << 20) - 1 + shift), 'b', 'c'];
    const units = await unitsOf((await open({ dataFiles: await write('edge.txt', lines(texts)) })).splits[0]);
    expect(units.map(([, rows]) => rows.flat())).toEqual(
      shift > 0 ? [[texts[0]], ['b', 'c']] : shift === 0 ? [[texts[0]], ['b', 'c']] : [[texts[0], 'b'], ['c']],
    );
  });

  test('are row groups of Parquet, and the same ones each time', async () => {
    const [split] = (await open({ dataFiles: await write('a.parquet', parquetOf(TEXTS)) })).splits;
    const units = await unitsOf(split);
    expect(units.map(([id, rows]) => [id, rows.length])).toEqual([
      ['0-0', 2],
      ['0-1', 2],
      ['0-2', 1],
    ]);
    expect(await unitsOf(split)).toEqual(units);
  });
});

describe('splits', () => {
  test('of patterns, each in the order of names, each file once', async () => {
    for (const name of ['b', 'a', 'c']) await write(`t/${name}.txt`, name);
    const dataFiles = { train: ['t/c.txt', 't/*.txt'], validation: 't/a.txt' };
    const source = await open({ dataFiles, dataDir: folder });
    expect(await textsOf(source)).toEqual(['c', 'a', 'b']);
    expect(await textsOf(source, 'validation')).toEqual(['a']);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    [
      'names of shards',
      { 'train-00000-of-00002.txt': '1', 'train-00001-of-00002.txt': '2', 'dev-00000-of-00001.txt': '3' },
      { train: '12', validation: '3' },
    ],
    [
      'words in names',
      { 'my_train_file.txt': '1', 'x/dev.txt': '2', 'x/readme.txt': '3', 'my-test.txt': '4' },
      { train: '1', validation: '2', test: '4' },
    ],
    ['names of folders', { 'train/a.txt': '1', 'train/b.txt': '2', 'eval/a.txt': '3' }, { train: '12', test: '3' }],
    ['nothing', { 'a.txt': '1', 'b.txt': '2', 'c.png': '3' }, { train: '12' }],
  ])('told by %s', async (_, files, expected) => {
    for (const [name, text] of Object.entries(files)) await write(name, text);
    const source = await open({});
    const found: Record<string, string> = {};
    for (const { name } of source.splits) found[name] = (await textsOf(source, name)).join('');
    expect(found).toEqual(expected);
  });
});

test('the fingerprint tells contents, order and reading, not where the files are', async () => {
  const a = await write('a.txt', 'a\n\nb');
  const b = await write('b.txt', 'c');
  await write('other/x.txt', 'a\n\nb');
  const of = async (options: Partial<FileSourceOptions>) => (await open(options)).fingerprint;
  const fingerprint = await of({ dataFiles: [a, b] });
  expect(await of({ dataFiles: [join(folder, 'other/x.txt'), b] })).toBe(fingerprint);
  const others = [
    await of({ dataFiles: [b, a] }),
    await of({ dataFiles: { train: [a], test: [b] } }),
    await of({ dataFiles: [a, b], sampleBy: 'document' }),
  ];
  await writeFile(b, 'd');
  others.push(await of({ dataFiles: [a, b] }));
  expect(new Set([fingerprint, ...others]).size).toBe(5);
});

test.each(['a.txt', 'a.jsonl', 'a.csv', 'a.parquet'])(
  '%s that is written after it was hashed is not read as what it was',
  async (name) => {
    const bytes = name.endsWith('parquet') ? parquetOf(TEXTS) : name.endsWith('l') ? jsonLines(TEXTS) : 'text\na\n';
    const path = await write(name, bytes);
    const source = await open({ dataFiles: path });
    await writeFile(path, bytes);
    await utimes(path, 1, 1);
    await expect(textsOf(source)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('was written while it was read'),
    });
  },
);

describe('bad files', () => {
  test.each<[string, string, string | Uint8Array, string]>([
    ['a Parquet file that is text', 'a.parquet', 'text', 'CORRUPT'],
    ['a Parquet file that was cut short', 'a.parquet', parquetOf(TEXTS).subarray(0, 60), 'CORRUPT'],
    ['an Arrow file that is text', 'a.arrow', 'text text text text', 'CORRUPT'],
    ['an Arrow file that was cut short', 'a.arrow', arrowOf('stream').subarray(0, 600), 'CORRUPT'],
    ['gzip that is none', 'a.txt.gz', 'text', 'CORRUPT'],
    ['gzip that was cut short', 'a.txt.gz', gzipSync(lines(TEXTS)).subarray(0, 20), 'CORRUPT'],
    ['brotli that is none', 'a.txt.br', 'text', 'CORRUPT'],
    ['text that is not UTF-8', 'a.txt', Uint8Array.of(0x61, 0xff, 0x0a), 'CORRUPT'],
    ['CSV that is not UTF-8', 'a.csv', Buffer.from('text\n\u00e4\n', 'latin1'), 'CORRUPT'],
    ['CSV that ends within a letter', 'a.csv', Buffer.from('text\nä').subarray(0, -1), 'CORRUPT'],
    ['CSV whose rows differ', 'a.csv', 'a,text\n1,2\n3\n', 'CORRUPT'],
    ['CSV with an open quote', 'a.csv', 'text\n"open\n', 'CORRUPT'],
    ['a line that is no JSON', 'a.jsonl', '{"text":"a"}\n{"text":\n', 'CORRUPT'],
    ['a line that is no object', 'a.jsonl', '{"text":"a"}\n7\n', 'SCHEMA_MISMATCH'],
    ['a value that is no text', 'a.jsonl', '{"text":7}\n', 'SCHEMA_MISMATCH'],
    ['no such column in JSON', 'a.jsonl', '{"texts":"a"}\n', 'SCHEMA_MISMATCH'],
    ['no such column in CSV', 'a.csv', 'texts\na\n', 'SCHEMA_MISMATCH'],
    ['Parquet within gzip', 'a.parquet.gz', gzipSync(parquetOf(TEXTS)), 'UNSUPPORTED'],
    ['a name that tells nothing', 'a.bin', 'text', 'UNSUPPORTED'],
  ])('%s', async (_, name, bytes, code) => {
    await expect(textsIn(name, bytes)).rejects.toMatchObject({ name: 'DataRefError', code });
  });

  test('a missing column is told with those that there are, of every kind', async () => {
    for (const [name, bytes] of [
      ['a.parquet', parquetOf(TEXTS)],
      ['a.arrow', arrowOf('file')],
      ['a.txt', 'x'],
    ] as const)
      await expect(textsIn(name, bytes, { columns: ['txet'] })).rejects.toMatchObject({
        code: 'SCHEMA_MISMATCH',
        message: expect.stringContaining('did you mean "text"?'),
      });
  });

  test('a column of numbers in Parquet', async () => {
    await expect(textsIn('a.parquet', parquetOf(TEXTS), { columns: ['label'] })).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
    });
  });

  test.each<[string, Partial<FileSourceOptions>, string]>([
    ['a file that is not there', { dataFiles: './no/such.txt' }, 'NOT_FOUND'],
    ['a pattern without a file', { dataFiles: '*.txt' }, 'NOT_FOUND'],
    ['a folder as a file', { dataFiles: '.', format: 'text' }, 'UNSUPPORTED'],
    ['an empty folder', {}, 'NOT_FOUND'],
    ['no files', { dataFiles: [] }, 'INVALID_ARGUMENT'],
    ['an unknown split', { dataFiles: { tain: 'a' } as object }, 'INVALID_ARGUMENT'],
    ['a folder that is no path', { dataFiles: 'a', dataDir: 5 as unknown as string }, 'INVALID_ARGUMENT'],
    ['an unknown format', { dataFiles: 'a', format: 'xml' as 'csv' }, 'INVALID_ARGUMENT'],
  ])('%s', async (_, options, code) => {
    await expect(open({ dataDir: folder, ...options })).rejects.toMatchObject({ name: 'DataRefError', code });
  });

  test('an abort ends the reading with its reason', async () => {
    const dataFiles = await write('a.txt', lines(TEXTS));
    const reason = new Error('stopped');
    await expect(open({ dataFiles, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
