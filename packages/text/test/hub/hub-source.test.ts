import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openHub, type HubOptions } from '../../dist/source/hub/hub.js';
import { openHubSource, type HubSourceOptions } from '../../dist/source/hub/hub-source.js';
import { tokenizerOfHub } from '../../dist/source/hub/hub-tokenizer.js';
import { openTokenizer } from '../../dist/tokenizer/open-tokenizer.js';
import { textsOf } from '../source/read-units.js';
import { smallWordPiece } from '../tokenizer/small-wordpiece.js';
import { commitOf, HubServer, type HubRepository } from './hub-server.js';
import { glue, sentencesParquet, TRAIN_SENTENCES } from './sst2.js';

const IDS = [
  [24717, 649, 3200, 507, 422, 262, 21694, 4991, 220],
  [3642, 1299, 645, 20868, 837, 691, 2248, 1850, 308, 3775, 220],
  [5562, 10408, 663, 3435, 290, 48556, 1223, 2138, 4950, 546, 1692, 3450, 220],
];
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hub-'));
});
afterEach(() => rm(directory, { recursive: true }));

const serve = (...repositories: HubRepository[]) => new HubServer(...repositories).listen();
const open = (server: HubServer, options: Partial<HubSourceOptions & HubOptions> = {}) =>
  openHubSource(openHub({ hubUrl: server.url, directory, ...options }), {
    datasetName: 'glue',
    datasetConfigName: 'sst2',
    columns: ['sentence'],
    ...options,
  });
const dataset = (files: HubRepository['files'], more: Partial<HubRepository> = {}): HubRepository => ({
  type: 'dataset',
  name: 'me/data',
  files,
  ...more,
});
const text = { datasetName: 'me/data', datasetConfigName: undefined, columns: ['text'] };

describe("the seed's dataset", () => {
  test('gives the ids that the seed prints, from Parquet files of a hub', async () => {
    await using server = await serve(glue());
    const source = await open(server);
    const { tokenizer } = await openTokenizer('gpt2');
    const sentences = await textsOf(source);
    expect(sentences.slice(0, 3)).toEqual(TRAIN_SENTENCES);
    expect(sentences.slice(0, 3).map((sentence) => Array.from(tokenizer.encode(String(sentence))))).toEqual(IDS);
    expect(source.splits.map(({ name }) => name)).toEqual(['train', 'validation', 'test']);
    expect(source.origin).toMatchObject({ kind: 'hub', dataset: 'nyu-mll/glue', config: 'sst2', hub: server.url });
  });

  test('is downloaded when it is read, once, and then taken from the disk', async () => {
    await using server = await serve(glue());
    const source = await open(server);
    expect(server.downloads).toEqual([]);
    const sentences = await textsOf(source);
    expect(await textsOf(await open(server))).toEqual(sentences);
    expect(server.downloads).toHaveLength(1);
  });
});

describe('which files', () => {
  const converted = {
    'default/train/0000.parquet': sentencesParquet(['a']),
    'default/train/0001.parquet': sentencesParquet(['b']),
  };

  test.each<[string, HubRepository, Partial<HubSourceOptions>, Record<string, string>]>([
    [
      'told by names',
      dataset({ 'README.md': '', 'train.txt': '1', 'x/dev.txt': '2' }),
      {},
      { train: '1', validation: '2' },
    ],
    [
      'all of them',
      dataset({
        'README.md': '',
        LICENSE: 'x',
        'a.jsonl': '{"text":"1"}',
        'b.jsonl': '{"text":"2"}',
        'dataset_infos.json': '{}',
      }),
      {},
      { train: '12' },
    ],
    ['of a folder', dataset({ 'de/a.txt': '1', 'en/a.txt': '2' }), { dataDir: 'en' }, { train: '2' }],
    [
      'named by globs',
      dataset({ 'a.txt': '1', 'b/c.txt': '2', 'b/d.txt': '3' }),
      { dataFiles: { train: 'b/*.txt', test: ['**/a.txt'] } },
      { train: '23', test: '1' },
    ],
    [
      'of the only configuration',
      dataset({ 'a.txt': '1', 'b.txt': '2' }, { card: { configs: [{ config_name: 'x', data_files: 'b.txt' }] } }),
      {},
      { train: '2' },
    ],
    [
      'of the default configuration',
      dataset(
        { 'x/train.txt': '1', 'y/train.txt': '2' },
        {
          card: {
            configs: [
              { config_name: 'x', data_dir: 'x' },
              { config_name: 'y', data_dir: 'y', default: true },
            ],
          },
        },
      ),
      {},
      { train: '2' },
    ],
    [
      'that the hub converted, of a script',
      dataset({ 'data.py': '', 'README.md': '' }, { converted }),
      { columns: ['sentence'] },
      { train: 'ab' },
    ],
    [
      'of a configuration that the hub converted',
      dataset({ 'data.py': '' }, { converted }),
      { columns: ['sentence'], datasetConfigName: 'default' },
      { train: 'ab' },
    ],
    ['of a commit', dataset({ 'a.txt': '1' }), { revision: commitOf({ 'a.txt': '1' }) }, { train: '1' }],
    [
      'of the branch of converted files',
      dataset({ 'a.txt': '1' }, { converted }),
      { columns: ['sentence'], revision: 'refs/convert/parquet' },
      { train: 'ab' },
    ],
  ])('%s', async (_, repository, options, expected) => {
    await using server = await serve(repository);
    const source = await open(server, { ...text, ...options });
    const found: Record<string, string> = {};
    for (const { name } of source.splits) found[name] = (await textsOf(source, name)).join('');
    expect(found).toEqual(expected);
  });

  test('the fingerprint is that of the bytes, whatever the commit', async () => {
    const of = async (files: HubRepository['files']) => {
      await using server = await serve(dataset(files));
      return (await open(server, text)).fingerprint;
    };
    expect(await of({ 'a.txt': '1', 'README.md': 'new' })).toBe(await of({ 'a.txt': '1' }));
    expect(await of({ 'a.txt': '2' })).not.toBe(await of({ 'a.txt': '1' }));
  });
});

describe('a tokenizer', () => {
  const model: HubRepository = {
    type: 'model',
    name: 'me/model',
    alias: 'model',
    files: {
      'tokenizer.json': smallWordPiece(),
      'tokenizer_config.json': '{"eos_token":"[SEP]"}',
      'config.json': '{}',
    },
  };

  test.each(['me/model', 'model'])('of the hub is opened by %s', async (name) => {
    await using server = await serve(model);
    const hub = openHub({ hubUrl: server.url, directory });
    const opened = await openTokenizer(name, (repository) => tokenizerOfHub(hub, repository));
    expect(Array.from(opened.tokenizer.encode('hello worlds'))).toEqual([2, 5, 6, 7, 3]);
    expect(opened.tokenizer.eosId).toBe(3);
    expect(opened.recipe).toMatchObject({ kind: 'json', name });
  });

  test('is refused where there is none', async () => {
    await using server = await serve(model, { ...model, name: 'me/slow', files: { 'vocab.txt': '' } });
    const hub = openHub({ hubUrl: server.url, directory });
    for (const name of ['me/slow', 'me/none'])
      await expect(tokenizerOfHub(hub, name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(tokenizerOfHub(hub, '../x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a private dataset', () => {
  const secret = dataset({ 'train.txt': 'secret' }, { token: 'hf_secret' });

  test('is read with its token, which only the hub is sent', async () => {
    await using server = await serve(secret);
    expect(await textsOf(await open(server, { ...text, token: 'hf_secret' }))).toEqual(['secret']);
  });

  test.each([[undefined], ['hf_wrong']])('is not found with the token %s, which no message tells', async (token) => {
    await using server = await serve(secret);
    const error = await open(server, { ...text, token }).catch((problem: unknown) => problem);
    expect(error).toMatchObject({ code: 'NOT_FOUND' });
    expect((error as Error).message).not.toContain('hf_wrong');
  });
});

test.each<[string, Partial<HubSourceOptions & HubOptions>, string, RegExp]>([
  ['an unknown dataset', { datasetName: 'nobody/knows' }, 'NOT_FOUND', /nobody\/knows.*give token/u],
  ['an unknown revision', { revision: 'v9' }, 'NOT_FOUND', /at "v9"/u],
  ['an unknown configuration', { datasetConfigName: 'sst' }, 'NOT_FOUND', /did you mean "sst2"/u],
  ['no configuration of several', { datasetConfigName: undefined }, 'INVALID_ARGUMENT', /one of sst2, cola/u],
  ['a missing column', { columns: ['text'] }, 'SCHEMA_MISMATCH', /sst2\/train.*"sentence"/u],
  ['a pattern without a file', { dataFiles: 'x/*.parquet' }, 'NOT_FOUND', /no file like "x\/\*\.parquet"/u],
  ['a folder without a file', { dataDir: 'x' }, 'NOT_FOUND', /"x"/u],
  ['an unknown format', { format: 'xml' as 'csv' }, 'INVALID_ARGUMENT', /format must be one of/u],
  ['an unknown sampleBy', { sampleBy: 'words' as 'line' }, 'INVALID_ARGUMENT', /sampleBy must be one of/u],
  ['a folder that is no path', { dataDir: 5 as unknown as string }, 'INVALID_ARGUMENT', /dataDir/u],
  ['a revision that is none', { revision: 5 as unknown as string }, 'INVALID_ARGUMENT', /revision/u],
  ['a name that is none', { datasetName: '../../etc' }, 'INVALID_ARGUMENT', /owner\/name/u],
  ['a URL that is none', { hubUrl: 'hub' }, 'INVALID_ARGUMENT', /hubUrl/u],
  ['a URL with a password', { hubUrl: 'http://me:pass@hub' }, 'INVALID_ARGUMENT', /^(?!.*pass).*token/u],
])('%s is refused', async (_, options, code, message) => {
  await using server = await serve(glue());
  const read = async () => textsOf(await open(server, options));
  await expect(read()).rejects.toMatchObject({ name: 'DataRefError', code, message: expect.stringMatching(message) });
});

test('of a dataset of which the hub converted a part, none is taken for the whole', async () => {
  const converted = { 'default/partial-train/0000.parquet': sentencesParquet(['a']) };
  await using server = await serve(dataset({ 'data.py': '' }, { converted }));
  await expect(open(server, text)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

test('a server that is not there is told', async () => {
  const server = await serve();
  const { url } = server;
  await server[Symbol.asyncDispose]();
  const hub = openHub({ hubUrl: url, directory });
  await expect(openHubSource(hub, { ...text, datasetName: 'a/b' })).rejects.toMatchObject({ code: 'STORE_FAILED' });
});
