// Writes the texts and what our tokenizers make of them, for compare_tokens.py: write-tokens.mjs FOLDER
// With --texts the texts alone, for make_golden.py.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTokenizer } from '../../../packages/text/dist/tokenizer/open-tokenizer.js';
import { projectTexts, randomTexts, TEXTS } from './corpus.mjs';
import { gpt2TokenizerJson } from './gpt2-tokenizer.mjs';

const folder = process.argv[2];
const root = new URL('../../../', import.meta.url);
const SEED = 20261126;

mkdirSync(folder, { recursive: true });
const write = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value));
const prose = projectTexts(root);
const all = [...TEXTS, ...prose, ...randomTexts(3000, SEED)];
const gpt2 = gpt2TokenizerJson();
writeFileSync(join(folder, 'gpt2.json'), gpt2);
write('texts.json', TEXTS);
write('prose.json', prose);
write('all.json', all);

if (process.argv[3] !== '--texts') {
  const golden = (name) => readFileSync(new URL(`packages/text/test/golden/${name}.json`, root), 'utf8');
  const tokenizers = {
    gpt2: { option: 'gpt2', json: gpt2 },
    'gpt2-json': { option: { tokenizer: gpt2 }, json: gpt2 },
    ...Object.fromEntries(
      ['wordpiece', 'byte-bpe', 'unigram', 'roberta', 'words'].map((name) => [
        name,
        { option: { tokenizer: golden(name) }, json: golden(name) },
      ]),
    ),
  };
  for (const [name, { option, json }] of Object.entries(tokenizers)) {
    const { tokenizer } = await openTokenizer(option);
    write(`ids-${name}.json`, {
      singles: all.map((text) => Array.from(tokenizer.encode(text))),
      pairs: TEXTS.map((text, i) => Array.from(tokenizer.encode(text, TEXTS.at(i - 1)))),
      vocabSize: tokenizer.vocabSize,
    });
    writeFileSync(join(folder, `tokenizer-${name}.json`), json);
  }
}
