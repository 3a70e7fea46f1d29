// text.mjs TOKENIZER CORPUS THREADS: the corpus encoded by worker threads, as a cache is built.
import fs from 'node:fs';
import { Encoder } from '../../packages/text/dist/encode/encoder.js';
import { openTokenizer } from '../../packages/text/dist/tokenizer/open-tokenizer.js';
import { serve } from '../serve.mjs';

const [name, corpus, threads] = process.argv.slice(2);
const rows = JSON.parse(fs.readFileSync(corpus, 'utf8')).map((line) => [line]);
const chunks = Array.from({ length: Math.ceil(rows.length / 1024) }, (_, i) => rows.slice(i * 1024, (i + 1) * 1024));
const opened = await openTokenizer(name);
const encoder = new Encoder(opened, { dtype: 'uint16', eosId: undefined }, Number(threads));

async function epoch() {
  let tokens = 0;
  let next = 0;
  const work = async () => {
    while (next < chunks.length) {
      const encoded = await encoder.encode(chunks[next++]);
      tokens += encoded.tokens.length;
    }
  };
  await Promise.all(Array.from({ length: encoder.callsAtOnce }, work));
  return tokens;
}

// Threads that are idle for long end; the turns of the others are no reason to begin anew.
const awake = setInterval(() => {
  for (let i = 0; i < 2 * Number(threads); i++) void encoder.encode([['a']]);
}, 3000);

await serve(epoch, { tokens: await epoch() });
clearInterval(awake);
await encoder.close();
