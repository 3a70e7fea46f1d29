import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import type { Progress } from '@dataref/core';
import { failure } from '../../../core/test/expect-error.js';
import { scale } from '../../../core/test/scale.js';
import { listing, tempFolder } from '../../../core/test/temp-folder.js';
import { trainTestSplit } from '../../dist/splits/split-plan.js';
import { openTokenizer } from '../../dist/tokenizer/open-tokenizer.js';
import type { Tokenizer } from '../../dist/tokenizer/tokenizer.js';
import { build, byteTokenizer, endsOf, filesOf, SETTINGS, sourceOf, textOf, textRows, tokensOf } from './build.js';

jest.setTimeout(120_000);
const bytes = (text: string) => Array.from(Buffer.from(text));
/** What the token file of texts holds, by its definition. */
const tokensOfTexts = (texts: readonly string[]) => texts.flatMap((text) => (text === '' ? [] : [...bytes(text), 256]));
const textsOf = (rows: Iterable<number>) => Array.from(rows, textOf);

test('a split holds the tokens of its texts one after the other, an EOS after each that is not empty', async () => {
  const source = sourceOf({ train: textRows(500), validation: textRows(60, 1000), test: textRows(40, 2000) });
  const { path, config } = await build(tempFolder(), source);
  for (const [split, first, count] of [
    ['train', 0, 500],
    ['validation', 1000, 60],
    ['test', 2000, 40],
  ] as const) {
    const texts = textsOf(Array.from({ length: count }, (_, i) => first + i));
    const tokens = tokensOf(join(path, `${split}.npy`));
    expect(tokens).toEqual(tokensOfTexts(texts));
    const ends = endsOf(join(path, `${split}.documents.npy`));
    expect(ends).toEqual(tokens.flatMap((token, i) => (token === 256 ? [i + 1] : [])));
    expect(config.splits[split]).toMatchObject({ tokens: tokens.length, documents: ends.length });
  }
  expect(config).toMatchObject({ dtype: 'uint16', tokenizer: { vocabSize: 258, eosId: 256 }, settings: SETTINGS });
});

test.each([true, false])(
  'splits that are missing are taken as train_test_split does: shuffle %s',
  async (splitShuffle) => {
    const settings = { ...SETTINGS, splitShuffle, validationSplit: 0.3 };
    const { path } = await build(tempFolder(), sourceOf({ train: textRows(300) }), { settings });
    const { train, test: taken } = trainTestSplit(300, 0.3, settings);
    const again = trainTestSplit(taken.length, 0.25, settings);
    const tokens = (split: string) => tokensOf(join(path, `${split}.npy`));
    expect(tokens('train')).toEqual(tokensOfTexts(textsOf(train)));
    expect(tokens('validation')).toEqual(tokensOfTexts(textsOf(again.train.map((i) => taken[i] as number))));
    expect(tokens('test')).toEqual(tokensOfTexts(textsOf(again.test.map((i) => taken[i] as number))));
  },
);

test('the bytes are the same for any number of workers, and on the calling thread', async () => {
  const source = sourceOf({ train: textRows(3000) });
  const { tokenizer } = await byteTokenizer();
  const onThisThread = { ...(await byteTokenizer()), recipe: undefined, tokenizer };
  const made = [
    await build(tempFolder(), source, { workers: 1 }),
    await build(tempFolder(), source, { workers: scale < 1 ? 3 : 8 }),
    await build(tempFolder(), source, { tokenizer: onThisThread }),
  ];
  const [first, ...others] = made.map(({ path }) => filesOf(path));
  expect(others[0]).toEqual(first);
  // The tokenizer's own file says what it was, and the config its name.
  for (const name of Object.keys(first as object).filter((file) => file.endsWith('.npy')))
    expect(others[1]?.[name]).toBe(first?.[name]);
});

test('without an EOS two columns are a pair, and a null gives nothing', async () => {
  const rows = [
    ['a', 'b'],
    ['c', null],
    [null, 'd'],
    [null, null],
    ['', ''],
  ];
  const source = sourceOf({ train: rows, validation: rows, test: rows });
  const settings = { ...SETTINGS, mappingColumnName: ['x', 'y'], useEosToken: false };
  const pairs = await build(tempFolder(), source, { settings });
  expect(tokensOf(join(pairs.path, 'train.npy'))).toEqual([97, 257, 98, 99, 100, 257]);
  expect(endsOf(join(pairs.path, 'train.documents.npy'))).toEqual([3, 4, 5, 6]);
  const ended = await build(tempFolder(), source, { settings: { ...settings, useEosToken: true } });
  expect(tokensOf(join(ended.path, 'train.npy'))).toEqual([97, 256, 98, 256, 99, 256, 100, 256]);
  expect(endsOf(join(ended.path, 'train.documents.npy'))).toEqual([4, 6, 8]);
});

test('of three columns each is encoded by itself', async () => {
  const rows = [['a', 'b', 'c']];
  const settings = { ...SETTINGS, mappingColumnName: ['x', 'y', 'z'], useEosToken: false };
  const { path } = await build(tempFolder(), sourceOf({ train: rows, validation: rows, test: rows }), { settings });
  expect(tokensOf(join(path, 'train.npy'))).toEqual([97, 98, 99]);
});

test('a cache that is there is taken without reading the text, and with nothing left of its making', async () => {
  const directory = tempFolder();
  const units: string[] = [];
  const source = sourceOf({ train: textRows(200) }, { onUnit: (_, id) => units.push(id) });
  const first = await build(directory, source);
  expect(units).toEqual(['0', '50', '100', '150']);
  const before = filesOf(first.path);
  expect(await build(directory, source, { workers: 1 })).toEqual(first);
  expect(units).toHaveLength(4);
  expect(filesOf(first.path)).toEqual(before);
  expect(listing(directory)).toEqual(Object.keys(before).map((name) => join(basename(first.path), name)));
});

test('each setting, the data and the tokenizer make another cache', async () => {
  const directory = tempFolder();
  const rows = textRows(100);
  const other: Tokenizer = { ...(await byteTokenizer()).tokenizer, vocabSize: 300 };
  const variants: Parameters<typeof build>[2][] = [
    {},
    { settings: { ...SETTINGS, mappingColumnName: ['other'] } },
    { settings: { ...SETTINGS, validationSplit: 0.2 } },
    { settings: { ...SETTINGS, splitShuffle: false } },
    { settings: { ...SETTINGS, splitSeed: 43 } },
    { settings: { ...SETTINGS, useEosToken: false } },
    { source: sourceOf({ train: textRows(100, 1) }) },
    { tokenizer: await openTokenizer(other) },
  ];
  const paths = new Set<string>();
  for (const changes of variants)
    paths.add((await build(directory, sourceOf({ train: rows }), { workers: 1, ...changes })).path);
  expect(paths.size).toBe(variants.length);
});

test('a vocabulary of 65,536 is int32, one less uint16', async () => {
  const { tokenizer } = await byteTokenizer();
  const source = sourceOf({ train: textRows(40) });
  for (const [vocabSize, dtype] of [
    [65_535, 'uint16'],
    [65_536, 'int32'],
  ] as const) {
    const opened = await openTokenizer({ ...tokenizer, vocabSize });
    expect((await build(tempFolder(), source, { tokenizer: opened })).config.dtype).toBe(dtype);
  }
});

test('progress counts records, then bytes, to their ends', async () => {
  const told: Progress[] = [];
  await build(tempFolder(), sourceOf({ train: textRows(500) }), { onProgress: (progress) => told.push(progress) });
  const ofPhase = (phase: string) => told.filter((progress) => progress.phase === phase);
  expect(ofPhase('encode').at(-1)).toMatchObject({ done: 500, total: 500, unit: 'records' });
  const { done, total } = ofPhase('write').at(-1) as Progress;
  expect(done).toBe(total);
  expect(told.map(({ phase }) => phase)).toEqual(told.map(({ phase }) => phase).sort());
});

test('an abort ends it with its reason, and the next run goes on after what was encoded', async () => {
  const directory = tempFolder();
  const reason = new Error('enough');
  const controller = new AbortController();
  const rows = { train: textRows(6000) };
  const units: string[] = [];
  const aborted = build(directory, sourceOf(rows), {
    signal: controller.signal,
    onProgress: ({ done }) => done > 3000 && controller.abort(reason),
  });
  await expect(aborted).rejects.toBe(reason);
  const resumed = await build(directory, sourceOf(rows, { onUnit: (_, id) => units.push(id) }));
  expect(units.length).toBeGreaterThan(0);
  expect(units.length).toBeLessThan(80);
  expect(filesOf(resumed.path)).toEqual(filesOf((await build(tempFolder(), sourceOf(rows))).path));
  await expect(build(tempFolder(), sourceOf(rows), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('a row that cannot be encoded is named, with where it is', async () => {
  const { tokenizer } = await byteTokenizer();
  const rows = { train: textRows(120) };
  const broken = (encode: Tokenizer['encode']) => openTokenizer({ ...tokenizer, fingerprint: 'broken', encode });
  const text = textOf(117);
  const throwing = await broken((given) => {
    if (given === text) throw new Error('no such letter');
    return tokenizer.encode(given);
  });
  await expect(build(tempFolder(), sourceOf(rows), { tokenizer: throwing })).rejects.toEqual(
    failure('MAP_FAILED', /^train, row 117 \(in 100\): the tokenizer failed: no such letter/u),
  );
  const late = await broken((() => Promise.resolve([1])) as unknown as Tokenizer['encode']);
  await expect(build(tempFolder(), sourceOf(rows), { tokenizer: late })).rejects.toEqual(
    failure('MAP_FAILED', /^train, row 0 .* it gave a Promise, expected a list of ids/u),
  );
  const [backward, nameless] = [
    await broken(() => ({ length: -1 })),
    await broken(() => {
      throw Object.create(null);
    }),
  ];
  await expect(build(tempFolder(), sourceOf(rows), { tokenizer: backward })).rejects.toEqual(
    failure('MAP_FAILED', /^train, row 0 .* it gave an object, expected a list of ids/u),
  );
  await expect(build(tempFolder(), sourceOf(rows), { tokenizer: nameless })).rejects.toEqual(
    failure('MAP_FAILED', /^train, row 0 .* the tokenizer failed: an object/u),
  );
  for (const id of [258, -1, 0.5, NaN]) {
    const wrong = await broken((given) => (given === text ? [id] : tokenizer.encode(given)));
    await expect(build(tempFolder(), sourceOf(rows), { tokenizer: wrong })).rejects.toEqual(
      failure('OUT_OF_RANGE', new RegExp(`^train, row 117 .* gave the id ${id}, .* vocabSize is 258`, 'u')),
    );
  }
});

test('who wants what another call is building waits, says for whom, and takes it', async () => {
  const directory = tempFolder();
  const units: string[] = [];
  const told: Progress[] = [];
  const source = sourceOf({ train: textRows(2000) }, { onUnit: (_, id) => units.push(id) });
  let second: ReturnType<typeof build> | undefined;
  const first = await build(directory, source, {
    onProgress: () => {
      second ??= build(directory, source, { onProgress: (progress) => told.push(progress) });
    },
  });
  expect(await second).toEqual(first);
  expect(units).toHaveLength(40);
  expect(told[0]).toMatchObject({ phase: 'wait', waitingFor: { pid: process.pid } });
  expect(told.at(-1)).toMatchObject({ phase: 'wait', done: 1, total: 1 });
});

test('a tokenizer without EOS, or with more ids than any dtype has, is refused before anything is written', async () => {
  const directory = tempFolder();
  const { tokenizer } = await byteTokenizer();
  const { eosId: _eosId, ...endless } = tokenizer;
  const source = sourceOf({ train: textRows(20) });
  await expect(build(directory, source, { tokenizer: await openTokenizer(endless) })).rejects.toEqual(
    failure('INVALID_ARGUMENT', /has no EOS token.*useEosToken: false/u),
  );
  const huge = { ...(await byteTokenizer()), tokenizer: { ...tokenizer, vocabSize: 2 ** 31 + 1 } };
  await expect(build(directory, source, { tokenizer: huge })).rejects.toEqual(
    failure('UNSUPPORTED', /2147483649 ids/u),
  );
  await expect(build(directory, sourceOf({ test: textRows(3) }))).rejects.toEqual(failure('EMPTY', /no split train/u));
  expect(readdirSync(directory)).toEqual([]);
});
