// Windows of 1,024 tokens and their labels out of 100 M against a bare gather: node bench/run.mjs --only windows. Lines of
// JSON; see README.md.
import fs from 'node:fs';
import { join } from 'node:path';
import { encodeNpyHeader } from '../packages/text/dist/npy/header.js';
import { contest, ratio } from './contest.mjs';
import { round } from './statistics.mjs';

const [folder, scale, rounds] = process.argv.slice(2);
const print = (line) => console.log(JSON.stringify({ workload: 'windows', ...line }));
const TOKENS = Math.round(100_000_000 * Number(scale));
const WINDOWS = Math.floor((TOKENS - 1) / 1024);
/** Each way of ours with the bare gather that gives arrays of the same kind. */
const AGAINST = {
  'ours reused': 'bare reused',
  'ours shared': 'bare reused',
  'ours fresh': 'bare fresh',
  'ours position': 'bare reused',
};
const MODES = [...Object.keys(AGAINST), 'ours int64', 'bare reused', 'bare fresh'];

const results = await contest(
  MODES.map((mode) => ({
    name: mode,
    command: process.execPath,
    args: [join(import.meta.dirname, 'contestants', 'windows.mjs'), tokenFile(), mode],
  })),
  Number(rounds),
);
for (const [mode, { seconds, peakMemoryBytes, epochs }] of results)
  print({ mode, windows: WINDOWS, tokensPerS: Math.round((WINDOWS * 1024) / seconds), peakMemoryBytes, epochs });
for (const [ours, bare] of Object.entries(AGAINST))
  print({
    what: `shuffled epochs, ${ours}, times the speed of ${bare}`,
    ratio: round(ratio(results.get(ours), results.get(bare)), 2),
    ...(ours !== 'ours position' && { target: 0.7 }),
  });

/** Tokens of GPT-2's range at random, the same each time; made once. */
function tokenFile() {
  fs.mkdirSync(folder, { recursive: true });
  const path = join(folder, `tokens-${TOKENS}.npy`);
  if (fs.existsSync(path)) return path;
  const tokens = new Uint16Array(TOKENS);
  let random = 7;
  for (let i = 0; i < TOKENS; i++) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    tokens[i] = (random >>> 8) % 50_257;
  }
  fs.writeFileSync(`${path}.part`, encodeNpyHeader('uint16', TOKENS));
  fs.appendFileSync(`${path}.part`, tokens);
  fs.renameSync(`${path}.part`, path);
  return path;
}
