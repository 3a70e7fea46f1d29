import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { fromRecords } from '@dataref/core';
import { TokenDatasetProvider, type FromRecordsOptions, type Tokenizer } from '@dataref/text';
import { failure } from '../../../core/test/expect-error.js';
import { tempFolder } from '../../../core/test/temp-folder.js';

jest.setTimeout(120_000);
const SENTENCES = [
  'hide new secretions from the parental units ',
  'contains no wit , only labored gags ',
  'that loves its characters and communicates something rather beautiful about human nature ',
];
/** GPT-2's ids of the sentences, each followed by the EOS. */
const IDS = [
  24717, 649, 3200, 507, 422, 262, 21694, 4991, 220, 50256, 3642, 1299, 645, 20868, 837, 691, 2248, 1850, 308, 3775,
  220, 50256, 5562, 10408, 663, 3435, 290, 48556, 1223, 2138, 4950, 546, 1692, 3450, 220, 50256,
];
const sentences = await fromRecords(SENTENCES.map((sentence) => ({ sentence })));
const records = { train: sentences, validation: sentences, test: sentences };
const options = (changes: Partial<FromRecordsOptions> = {}): FromRecordsOptions => ({
  tokenizerName: 'gpt2',
  mappingColumnName: ['sentence'],
  workers: 1,
  cache: { directory: tempFolder() },
  ...changes,
});
/** Each letter is a token, and a line's end its end. */
const letters: Tokenizer = {
  vocabSize: 128,
  eosId: 10,
  fingerprint: 'letters',
  encode: (text) => Buffer.from(text),
  decode: (ids) => Buffer.from(Array.from(ids)).toString(),
};

test('windows of any length are read from what was encoded once', async () => {
  const tokens = await TokenDatasetProvider.fromRecords(records, options());
  for (const sequenceLength of [1, 5, 16, IDS.length - 1]) {
    const train = await tokens.dataset('train', { sequenceLength });
    expect(train.length).toBe(Math.floor((IDS.length - 1) / sequenceLength));
    const { inputs, labels } = await train.at(0);
    const data: Int32Array = inputs.data;
    expect(Array.from(data)).toEqual(IDS.slice(0, sequenceLength));
    expect(Array.from(labels.data)).toEqual(IDS.slice(1, sequenceLength + 1));
  }
  const strided = await tokens.dataset('test', { sequenceLength: 8, stride: 2, dtype: 'int64' });
  const { inputs } = await strided.at(1);
  const wide: BigInt64Array = inputs.data;
  expect(Array.from(wide, Number)).toEqual(IDS.slice(2, 10));
  await expect(tokens.dataset('train', { sequenceLength: 512 })).rejects.toEqual(
    failure('OUT_OF_RANGE', /train\.npy: has 36 tokens, .*a window of 512/u),
  );
});

test('documents are the rows, and the tokenizer gives their text', async () => {
  const tokens = await TokenDatasetProvider.fromRecords(records, options());
  const documents = await tokens.documents('validation');
  const tokenizer = await tokens.tokenizer();
  const texts: (string | undefined)[] = [];
  for await (const { tokens: ids } of documents.stream()) texts.push(tokenizer.decode?.(ids.data.subarray(0, -1)));
  expect(texts).toEqual(SENTENCES);
});

test('a fingerprint tells apart caches, splits and windows', async () => {
  const tokens = await TokenDatasetProvider.fromRecords(records, options());
  const other = await TokenDatasetProvider.fromRecords(records, options({ useEosToken: false }));
  const fingerprints = [
    (await tokens.dataset('train', { sequenceLength: 4 })).fingerprint,
    (await tokens.dataset('train', { sequenceLength: 5 })).fingerprint,
    (await tokens.dataset('train', { sequenceLength: 4, stride: 1 })).fingerprint,
    (await tokens.dataset('test', { sequenceLength: 4 })).fingerprint,
    (await tokens.documents('test')).fingerprint,
    (await other.dataset('train', { sequenceLength: 4 })).fingerprint,
  ];
  expect(new Set(fingerprints).size).toBe(fingerprints.length);
});

test('a cache is opened again, by its own folder or by the one around it, with its tokenizer', async () => {
  const directory = tempFolder();
  const made = await TokenDatasetProvider.fromRecords(records, options({ cache: { directory } }));
  for (const place of [directory, made.directory, pathToFileURL(directory)]) {
    const opened = await TokenDatasetProvider.fromCache(place);
    expect([opened.directory, opened.config]).toEqual([made.directory, made.config]);
    expect(Array.from((await (await opened.dataset('train', { sequenceLength: 35 })).at(0)).inputs.data)).toEqual(
      IDS.slice(0, 35),
    );
    expect((await opened.tokenizer()).encode(SENTENCES[0] as string)).toEqual(IDS.slice(0, 9));
  }
  await expect(TokenDatasetProvider.fromCache(tempFolder())).rejects.toEqual(failure('NOT_FOUND', /no token cache/u));
});

test("a tokenizer of one's own is given again where it is wanted, and is not needed to train", async () => {
  const made = await TokenDatasetProvider.fromRecords(
    records,
    options({ tokenizer: letters, tokenizerName: undefined }),
  );
  expect(await made.tokenizer()).toBe(letters);
  const opened = await TokenDatasetProvider.fromCache(made.directory);
  expect((await opened.dataset('train', { sequenceLength: 4 })).length).toBeGreaterThan(0);
  await expect(opened.tokenizer()).rejects.toEqual(failure('UNSUPPORTED', /fromCache\(directory, \{ tokenizer \}\)/u));
  const given = await TokenDatasetProvider.fromCache(made.directory, { tokenizer: letters });
  expect(await given.tokenizer()).toBe(letters);
  const name = { tokenizer: 'gpt2' as unknown as Tokenizer };
  await expect(TokenDatasetProvider.fromCache(made.directory, name)).rejects.toEqual(
    failure('INVALID_ARGUMENT', /fromCache: tokenizer: a tokenizer is an object/u),
  );
});

test("a cache's files run no code, whatever they name", async () => {
  const { directory } = await TokenDatasetProvider.fromRecords(records, options());
  const url = `data:text/javascript,globalThis.ran=true;export default{encode:()=>[],vocabSize:1}`;
  for (const [recipe, code] of [
    [{ kind: 'module', name: 'x', url, revision: '1' }, 'UNSUPPORTED'],
    [{ kind: 'openai', name: 'x', encoding: 'toString' }, 'CORRUPT'],
    [{ kind: 'other' }, 'CORRUPT'],
  ] as const) {
    writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify({ format: 'dataref-tokenizer', ...recipe }));
    const opened = await TokenDatasetProvider.fromCache(directory);
    await expect(opened.tokenizer()).rejects.toMatchObject({ name: 'DataRefError', code });
  }
  expect(globalThis).not.toHaveProperty('ran');
});

test('a row of a file that cannot be encoded is told with its file', async () => {
  const dataDir = tempFolder();
  writeFileSync(join(dataDir, 'a.txt'), 'one\n');
  writeFileSync(join(dataDir, 'b.txt'), 'two\nthre\u00e9\n');
  const dataFiles = { train: '*.txt', validation: 'a.txt', test: 'a.txt' };
  const encode = TokenDatasetProvider.fromFiles({ dataDir, dataFiles, tokenizer: letters, cacheDir: tempFolder() });
  await expect(encode).rejects.toEqual(failure('OUT_OF_RANGE', /^train, row 2 \(in .*b\.txt\): the tokenizer gave/u));
});

test('files are encoded by split, and a file that changed makes another cache', async () => {
  const dataDir = tempFolder();
  const directory = tempFolder();
  writeFileSync(join(dataDir, 'train.txt'), 'one\n\ntwo\n');
  writeFileSync(join(dataDir, 'validation.txt'), 'three\n');
  writeFileSync(join(dataDir, 'test.txt'), 'four\n');
  const encode = () =>
    TokenDatasetProvider.fromFiles({ dataDir, tokenizer: letters, cacheDir: directory, useSharedMemory: false });
  const tokens = await encode();
  const textOf = async (split: 'train' | 'validation' | 'test') => {
    let text = '';
    for await (const { tokens: ids } of (await tokens.documents(split)).stream()) text += letters.decode?.(ids.data);
    return text;
  };
  expect([await textOf('train'), await textOf('validation'), await textOf('test')]).toEqual([
    'one\ntwo\n',
    'three\n',
    'four\n',
  ]);
  expect((await encode()).directory).toBe(tokens.directory);
  writeFileSync(join(dataDir, 'test.txt'), 'five\n');
  expect((await encode()).directory).not.toBe(tokens.directory);
});

test('a cache of very many files can be opened', async () => {
  const dataDir = tempFolder();
  const names = Array.from({ length: 150 }, (_, i) => `train-${String(i).padStart(3, '0')}.txt`);
  for (const name of names) writeFileSync(join(dataDir, name), `${name}\n`);
  const { config } = await TokenDatasetProvider.fromFiles({ dataDir, tokenizer: letters, cacheDir: tempFolder() });
  expect(config.origin).toEqual({ kind: 'files', files: { train: names.slice(0, 100) }, fileCounts: { train: 150 } });
});

test("Archai's spellings name the same options, and so the same cache", async () => {
  const directory = tempFolder();
  const mine = await TokenDatasetProvider.fromRecords(
    { train: await fromRecords(Array.from({ length: 20 }, (_, i) => ({ sentence: `text ${i}` }))) },
    options({ cache: { directory }, validationSplit: 0.2, splitSeed: 7, splitShuffle: true, useEosToken: true }),
  );
  const theirs = await TokenDatasetProvider.fromRecords(
    { train: await fromRecords(Array.from({ length: 20 }, (_, i) => ({ sentence: `text ${i}` }))) },
    {
      tokenizer_name: 'gpt2',
      mapping_column_name: ['sentence'],
      validation_split: 0.2,
      shuffle: true,
      seed: 7,
      num_workers: 1,
      use_eos_token: true,
      use_shared_memory: false,
      cache_dir: directory,
    } as FromRecordsOptions,
  );
  expect(theirs.directory).toBe(mine.directory);
});

test.each([
  [/needs either tokenizer or tokenizerName, got both/u, { tokenizer: letters }],
  [/got neither/u, { tokenizerName: undefined }],
  [/mappingColumnName must be/u, { mappingColumnName: [] }],
  [/a list of different ones/u, { mappingColumnName: ['a', 'a'] }],
  [/validationSplit must be a share between 0 and 1, got 1/u, { validationSplit: 1 }],
  [/splitSeed must be an integer/u, { splitSeed: -1 }],
  [/workers must be an integer/u, { workers: 0 }],
  [/splitShuffle must be one of true, false/u, { splitShuffle: 'yes' }],
  [/splitSeed was given twice, the second time as splitSeed|seed/u, { seed: 1, splitSeed: 2 }],
  [/cache\.directory was given, and cacheDir too/u, { cacheDir: 'x' }],
  [/cache must be \{ directory: 'a path' \}, got/u, { cache: {} }],
  [/cache must be \{ directory: 'a path' \}, got "folder"/u, { cache: 'folder' }],
  [/directory must be a path or a file URL/u, { cache: { directory: 's3://bucket' } }],
  [/unknown option "tokenizerNam"/u, { tokenizerNam: 'x' }],
  [/onProgress must be a function/u, { onProgress: 1 }],
])('options are refused: %s', async (message, changes) => {
  const given = options(changes as unknown as Partial<FromRecordsOptions>);
  await expect(TokenDatasetProvider.fromRecords(records, given)).rejects.toEqual(failure('INVALID_ARGUMENT', message));
});

test('a column that is not there is named', async () => {
  const given = options({ mappingColumnName: ['sentense'] });
  await expect(TokenDatasetProvider.fromRecords(records, given)).rejects.toEqual(
    failure('SCHEMA_MISMATCH', /sentense/u),
  );
});
