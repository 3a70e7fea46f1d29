import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { tempFolder } from '../../../core/test/temp-folder.js';
import { planSplits } from '../../dist/splits/split-plan.js';
import { numpyPermutation } from '../../dist/splits/pcg64.js';
import { build, filesOf, SETTINGS, sourceOf } from './build.js';

/** The vectors of docs/text.md. */
const page = readFileSync(new URL('../../../../docs/text.md', import.meta.url), 'utf8');
const [order, cache] = Array.from(page.matchAll(/^```json\n(.*?)^```$/gmsu), ([, json]) =>
  JSON.parse(json as string),
) as [
  Readonly<Record<'permutation' | 'train' | 'validation' | 'test', readonly number[]>>,
  { readonly fingerprint: string; readonly config: string; readonly files: Readonly<Record<string, string>> },
];

test('the splits are those of the vectors', () => {
  expect(Array.from(numpyPermutation(42, 10))).toEqual(order.permutation);
  const plan = planSplits(new Map([['train', 10]]), { ...SETTINGS, validationSplit: 0.4 });
  for (const name of ['train', 'validation', 'test'] as const)
    expect(Array.from(plan[name].rows ?? [])).toEqual(order[name]);
});

test('the files are those of the vectors, to the byte', async () => {
  const source = {
    ...sourceOf({ train: [['a'], [''], ['bé']], validation: [['c']], test: [['d']] }),
    fingerprint: 'data',
  };
  const tokenizer = { vocabSize: 257, eosId: 256, encode: (text: string) => Buffer.from(text) };
  const { path, config } = await build(tempFolder(), source, {
    tokenizer: { tokenizer, recipe: undefined, fingerprint: 'bytes' },
  });
  expect(config.fingerprint).toBe(cache.fingerprint);
  const files = filesOf(path);
  expect(Buffer.from(files['config.json'] as string, 'hex').toString()).toBe(cache.config);
  const bodies = Object.entries(files).filter(([name]) => name.endsWith('.npy'));
  expect(Object.fromEntries(bodies)).toEqual(cache.files);
});
