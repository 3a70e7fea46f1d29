import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { openTokenizer } from '../../dist/tokenizer/open-tokenizer.js';

interface Golden {
  readonly madeBy: string;
  readonly texts: readonly string[];
  readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly pairs: Readonly<Record<string, readonly number[]>>;
}

const FOLDER = new URL('../golden/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8');
const [file = ''] = readdirSync(FOLDER).filter((name) => name.startsWith('tokenizers-'));
const golden = JSON.parse(read(file)) as Golden;

describe(`ids of ${golden.madeBy}`, () => {
  test.each(Object.keys(golden.ids))('%s gives them for each text, and for a pair', async (name) => {
    const { tokenizer } = await openTokenizer(name === 'gpt2' ? name : { tokenizer: read(`${name}.json`) });
    const encode = (text: string, pair?: string) => Array.from(tokenizer.encode(text, pair));
    expect(golden.texts.map((text) => [text, encode(text)])).toEqual(
      golden.texts.map((text, i) => [text, golden.ids[name]?.[i]]),
    );
    const [first = '', second = ''] = golden.texts.slice(8, 10);
    expect(encode(first, second)).toEqual(golden.pairs[name]);
  });
});
