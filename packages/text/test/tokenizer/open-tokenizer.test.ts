import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openRecipe } from '../../dist/tokenizer/open-recipe.js';
import { openTokenizer, type TokenizerOption } from '../../dist/tokenizer/open-tokenizer.js';
import { smallWordPiece } from './small-wordpiece.js';

const SENTENCE = 'hide new secretions from the parental units ';
const SEED_IDS = [24717, 649, 3200, 507, 422, 262, 21694, 4991, 220];
const HELLO = [2, 5, 6, 7, 8, 1, 9, 3];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ids = async (option: TokenizerOption, text: string) =>
  Array.from((await openTokenizer(option)).tokenizer.encode(text));

describe('vocabularies of OpenAI', () => {
  test.each(['gpt2', 'openai-community/gpt2', 'distilgpt2', 'r50k_base', 'davinci'])(
    '%s gives the ids of GPT-2, offline',
    async (name) => {
      const { tokenizer, recipe } = await openTokenizer(name);
      expect(Array.from(tokenizer.encode(SENTENCE))).toEqual(SEED_IDS);
      expect(tokenizer).toMatchObject({ vocabSize: 50_257, eosId: 50_256 });
      expect(recipe).toEqual({ kind: 'openai', name, encoding: 'r50k_base' });
      expect(tokenizer.decode?.(SEED_IDS)).toBe(SENTENCE);
    },
  );

  test.each(['r50k_base', 'p50k_base', 'p50k_edit', 'cl100k_base', 'o200k_base'] as const)(
    '%s knows its end of text, and other special tokens are their characters',
    async (name) => {
      const { tokenizer } = await openTokenizer(name);
      expect(Array.from(tokenizer.encode('<|endoftext|>'))).toEqual([tokenizer.eosId]);
      expect(Array.from(tokenizer.encode('<|im_start|><|endofprompt|><|fim_prefix|>')).length).toBeGreaterThan(9);
      expect(tokenizer.eosId).toBeLessThan(tokenizer.vocabSize);
    },
  );

  test('a model is the encoding that it uses', async () => {
    expect((await openTokenizer('gpt-4')).fingerprint).toBe((await openTokenizer('cl100k_base')).fingerprint);
    expect((await openTokenizer('gpt2')).fingerprint).not.toBe((await openTokenizer('cl100k_base')).fingerprint);
  });
});

describe('a tokenizer.json', () => {
  test('is opened from its text, its file, its folder and a hub, with the same ids and fingerprint', async () => {
    const model = join(folder, 'model');
    await mkdir(model);
    await writeFile(join(model, 'tokenizer.json'), smallWordPiece());
    const options: TokenizerOption[] = [
      { tokenizer: smallWordPiece() },
      join(model, 'tokenizer.json'),
      model,
      pathToFileURL(`${model}/`),
    ];
    const opened = await Promise.all(options.map((option) => openTokenizer(option)));
    opened.push(await openTokenizer('owner/model', async () => ({ tokenizer: smallWordPiece() })));
    for (const { tokenizer, recipe, fingerprint } of opened) {
      expect(Array.from(tokenizer.encode('Hello WORLDS, Moby!'))).toEqual(HELLO);
      expect(fingerprint).toBe(opened[0]?.fingerprint);
      expect(Array.from((await openRecipe(recipe!)).encode('Hello WORLDS, Moby!'))).toEqual(HELLO);
    }
  });

  test('a pair is put together by its post-processor, and nothing is cut', async () => {
    const { tokenizer } = await openTokenizer({ tokenizer: smallWordPiece() });
    expect(Array.from(tokenizer.encode('hello', 'worlds'))).toEqual([2, 5, 3, 6, 7, 3]);
  });

  test('the end of a text is what its configuration says, or a well-known added token', async () => {
    const open = async (tokenizer: string, config?: object) =>
      (await openTokenizer({ tokenizer, config: config && JSON.stringify(config) })).tokenizer;
    const added = smallWordPiece({ addedTokens: ['<mine>', '</s>'] });
    expect(await open(smallWordPiece())).toMatchObject({ eosId: undefined, vocabSize: 11 });
    expect(await open(added)).toMatchObject({ eosId: 12, vocabSize: 13 });
    expect(await open(added, { eos_token: '<mine>' })).toMatchObject({ eosId: 11 });
    expect(await open(added, { eos_token: { content: '[SEP]', special: true } })).toMatchObject({ eosId: 3 });
    expect(await open(added, { eos_token: null })).toMatchObject({ eosId: undefined });
    expect(await open(added, { eos_token: '<absent>' })).toMatchObject({ eosId: undefined });
  });

  test('another configuration has another fingerprint', async () => {
    const tokenizer = smallWordPiece();
    const plain = await openTokenizer({ tokenizer });
    expect((await openTokenizer({ tokenizer, config: '{"eos_token":"[SEP]"}' })).fingerprint).not.toBe(
      plain.fingerprint,
    );
  });
});

describe("a user's own tokenizer", () => {
  const bytes = { encode: (text: string) => Buffer.from(text), vocabSize: 257, eosId: 256 };

  test('encodes as it does, has no recipe, and a fingerprint of what it makes of samples', async () => {
    const opened = await openTokenizer(bytes);
    expect(opened.tokenizer).toBe(bytes);
    expect(opened.recipe).toBeUndefined();
    expect((await openTokenizer({ ...bytes })).fingerprint).toBe(opened.fingerprint);
    expect((await openTokenizer({ ...bytes, eosId: 0 })).fingerprint).not.toBe(opened.fingerprint);
    const utf16 = { ...bytes, encode: (text: string) => Buffer.from(text, 'utf16le') };
    expect((await openTokenizer(utf16)).fingerprint).not.toBe(opened.fingerprint);
    expect((await openTokenizer({ ...bytes, fingerprint: 'bytes 1' })).fingerprint).toBe('bytes 1');
  });

  test('that refuses letters it does not know has a fingerprint too', async () => {
    const refusing = { ...bytes, encode: (text: string) => Array.from(text, (letter) => 'ab'.indexOf(letter)) };
    const throwing = {
      ...bytes,
      encode: (): number[] => {
        throw new Error('unknown letter');
      },
    };
    expect((await openTokenizer(throwing)).fingerprint).not.toBe((await openTokenizer(refusing)).fingerprint);
  });

  test('of a module is made again by its recipe, and known by its text or revision', async () => {
    const file = join(folder, 'bytes.mjs');
    await writeFile(
      file,
      'export default () => ({ encode: (text) => Buffer.from(text), vocabSize: 257, eosId: 256 });',
    );
    const url = pathToFileURL(file);
    const opened = await openTokenizer(url);
    expect(opened.recipe).toMatchObject({ kind: 'module', name: 'bytes.mjs', url: url.href });
    expect(Array.from((await openRecipe(opened.recipe!)).encode('é'))).toEqual([0xc3, 0xa9]);
    const named = await openTokenizer({ module: url, revision: '2' });
    expect(named.fingerprint).not.toBe(opened.fingerprint);
    expect(await ids({ module: url.href }, 'a')).toEqual([97]);
  });
});

test.each<[string, unknown, string]>([
  ['a name that is nothing here', 'no-such-model', 'INVALID_ARGUMENT'],
  ['a file that is not there', './no/tokenizer.json', 'NOT_FOUND'],
  ['a text that is no JSON', { tokenizer: '{' }, 'CORRUPT'],
  ['a JSON that is no tokenizer', { tokenizer: '{"model_type":"bert"}' }, 'CORRUPT'],
  ['a model of an unknown kind', { tokenizer: '{"model":{"type":"Psychic"},"added_tokens":[]}' }, 'UNSUPPORTED'],
  ['a configuration that is no JSON', { tokenizer: smallWordPiece(), config: '[]' }, 'CORRUPT'],
  ['a number', 7, 'INVALID_ARGUMENT'],
  ['nothing', undefined, 'INVALID_ARGUMENT'],
  ['no vocabulary size', { encode: () => [] }, 'INVALID_ARGUMENT'],
  ['an end beyond the vocabulary', { encode: () => [], vocabSize: 3, eosId: 3 }, 'INVALID_ARGUMENT'],
  ['a URL of no file', new URL('https://hub.example/me/tokenizer.json'), 'INVALID_ARGUMENT'],
  ['a module that is not there', new URL('file:///no/such.mjs'), 'INVALID_ARGUMENT'],
  [
    'a module without a tokenizer',
    { module: 'data:text/javascript,export default 1', revision: '1' },
    'INVALID_ARGUMENT',
  ],
])('%s is refused', async (_, option, code) => {
  await expect(openTokenizer(option as TokenizerOption)).rejects.toMatchObject({ name: 'DataRefError', code });
});
