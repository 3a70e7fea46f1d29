// Encoding against Python's tokenizers: node bench/run.mjs --only text. Lines of JSON; see README.md.
import fs from 'node:fs';
import { join } from 'node:path';
import { glob } from 'tinyglobby';
import { contest, ratio } from './contest.mjs';
import { round } from './statistics.mjs';
import { gpt2TokenizerJson } from '../test/interop/text/gpt2-tokenizer.mjs';

const [folder, python, rounds, characters] = process.argv.slice(2);
const root = join(import.meta.dirname, '..');
const contestant = (file) => join(import.meta.dirname, 'contestants', file);
const print = (line) => console.log(JSON.stringify({ workload: 'text', ...line }));

fs.mkdirSync(folder, { recursive: true });
const corpus = join(folder, 'corpus.json');
fs.writeFileSync(corpus, JSON.stringify(await lines(Number(characters))));
fs.writeFileSync(join(folder, 'gpt2.json'), gpt2TokenizerJson());
fs.copyFileSync(join(root, 'packages/text/test/golden/wordpiece.json'), join(folder, 'wordpiece.json'));

const summary = [];
for (const tokenizer of ['gpt2', 'gpt2.json', 'wordpiece.json']) {
  const theirs = join(folder, tokenizer === 'gpt2' ? 'gpt2.json' : tokenizer);
  const ours = tokenizer === 'gpt2' ? tokenizer : theirs;
  const players = [1, 2].flatMap((threads) => [
    { name: `ours ${threads}`, command: process.execPath, args: [contestant('text.mjs'), ours, corpus, threads] },
    { name: `python ${threads}`, command: python, args: [contestant('text_tokenizers.py'), theirs, corpus, threads] },
  ]);
  const results = await contest(players, rounds);
  const counts = new Set(Array.from(results.values(), ({ tokens }) => tokens));
  if (counts.size !== 1) throw new Error(`${tokenizer}: ${Array.from(counts).join(', ')} tokens`);
  for (const [name, { tokens, seconds, peakMemoryBytes }] of results)
    print({ tokenizer, mode: name, tokensPerS: Math.round(tokens / seconds), peakMemoryBytes });
  for (const threads of [1, 2])
    summary.push({
      tokenizer,
      what: `encoding by ${threads} worker threads, times the speed of tokenizers with as many`,
      ratio: round(ratio(results.get(`ours ${threads}`), results.get(`python ${threads}`)), 2),
    });
}
for (const line of summary) print(line);

/** Lines of the READMEs of the packages that are installed here, up to so many characters. */
async function lines(most) {
  const paths = await glob('node_modules/**/README.md', { cwd: root, dot: false, ignore: [] });
  const found = [];
  let length = 0;
  for (const path of paths.toSorted()) {
    for (const line of fs.readFileSync(join(root, path), 'utf8').split('\n')) {
      if (length >= most) return found;
      found.push(line);
      length += line.length;
    }
  }
  return found;
}
