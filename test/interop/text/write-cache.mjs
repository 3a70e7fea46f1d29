// Writes texts, and caches of them by a tokenizer of bytes, for `read_cache.py`: `write-cache.mjs FOLDER`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TokenDatasetProvider } from '@dataref/text';
import { TEXTS } from './corpus.mjs';

const folder = process.argv[2];
const texts = Array.from({ length: 3000 }, (_, i) => (i % 11 === 4 ? '' : `${i} ${TEXTS[i % TEXTS.length]}`));
const tokenizer = { encode: (text) => Buffer.from(text), vocabSize: 257, eosId: 256, fingerprint: 'bytes' };
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'texts.json'), JSON.stringify(texts));
for (const [splitShuffle, splitSeed, validationSplit, vocabSize] of [
  [true, 42, 0.1, 257],
  [true, 2 ** 40 + 7, 0.33, 65_536],
  [false, 42, 0.25, 257],
])
  await TokenDatasetProvider.fromRecords(() => texts.map((text) => ({ text })), {
    tokenizer: { ...tokenizer, vocabSize, fingerprint: `bytes ${vocabSize}` },
    fingerprint: 'texts',
    validationSplit,
    splitShuffle,
    splitSeed,
    cacheDir: join(folder, 'caches'),
  });
