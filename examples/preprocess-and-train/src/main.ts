// Sentences of presidents, told apart by their century: tokenised by a send on all cores, saved under a name, loaded by it in
// another process, which trains and saves the model under a name, by which it is loaded here and judged.
import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { openCatalog, send, tfModel } from '@dataref/catalog';
import { progressBar } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { MODEL, TOKENS, WORDS, parts, piecesOf } from './names.js';
import { PIECES } from './preprocess.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const folder = here('../data');
await rm(folder, { recursive: true, force: true });
const storage = new FileStorage(folder);
const catalog = openCatalog(storage);

async function* sentences() {
  for await (const line of createInterface({ input: createReadStream(here('../sentences/sentences.jsonl')) }))
    yield JSON.parse(line) as { text: string; year: number; label: number };
}
const raw = await storage.submit(sentences(), 'sentences', '1');

const tokenize = send<typeof import('./preprocess.js'), 'tokenize', 'batch'>({
  module: new URL('./preprocess.js', import.meta.url),
  export: 'tokenize',
  input: 'batch',
  batchSize: 256,
});
const tokens = await tokenize.with({ onProgress: progressBar('tokenise') })(raw, WORDS);
const saved = await catalog.save(TOKENS, tokens);
console.log(`${TOKENS}:`, saved);

execFileSync(process.execPath, [here('./training.js'), folder], { stdio: 'inherit' });

const model = await tf.loadLayersModel(tfModel(catalog, MODEL));
const { test } = parts(await catalog.load(TOKENS));
const { columns } = await test.read(Array.from({ length: test.length }, (_, i) => i));
const predicted = model.predict(tf.tensor2d(piecesOf(columns.ids).data, [test.length, PIECES])) as tf.Tensor;
const right = (await predicted.argMax(1).data()).filter((label, i) => label === columns.label.data[i]).length;
console.log(`${MODEL}: right about ${right} of ${test.length} sentences that it has not seen`);
