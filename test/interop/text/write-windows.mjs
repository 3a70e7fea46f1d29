// node write-windows.mjs FOLDER: a cache of some text, and windows over it as raw int64, for windows.py.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromRecords } from '@dataref/core';
import { TokenDatasetProvider } from '@dataref/text';

const [folder] = process.argv.slice(2);
const texts = Array.from({ length: 400 }, (_, i) => ({
  text: `Whale ${i} breached ${'again and '.repeat(i % 7)}once.`,
}));
const tokens = await TokenDatasetProvider.fromRecords(await fromRecords(texts), {
  tokenizerName: 'gpt2',
  cache: { directory: join(folder, 'caches') },
});
const cases = [];
mkdirSync(join(folder, 'windows'), { recursive: true });
for (const split of ['train', 'validation', 'test'])
  for (const sequenceLength of [1, 7, 16, 33])
    for (const stride of [1, 5, sequenceLength])
      for (const memoryLimitBytes of [0, undefined]) {
        const opened = await TokenDatasetProvider.fromCache(tokens.directory, { memoryLimitBytes });
        const windows = await opened.dataset(split, { sequenceLength, stride, dtype: 'int64' });
        const { columns } = await windows.read(Array.from({ length: windows.length }, (_, i) => i));
        const name = String(cases.length);
        for (const column of ['inputs', 'labels'])
          writeFileSync(join(folder, 'windows', `${name}.${column}`), columns[column].data);
        cases.push({ name, split, sequenceLength, stride, length: windows.length });
      }
writeFileSync(join(folder, 'windows.json'), JSON.stringify({ directory: tokens.directory, cases }));
