// Writes golden/states.json with a release of @dataref/core that is built in a folder of its own.
// node make-golden-states.mjs DIST_OF_THAT_RELEASE > golden/states.json
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openDatasets, PIPELINES, shown } from './first-release-pipelines.mjs';

/** Elements after which the state is noted, and how many are noted after it. */
const AFTER = [0, 1, 3, 6];
const NEXT = 5;

const dist = resolve(process.argv[2]);
const core = await import(join(dist, 'index.js'));
const { FileStorage } = await import(join(dist, 'fs.js'));
const folder = mkdtempSync(join(tmpdir(), 'dataref-golden-'));
const datasets = await openDatasets(core, new FileStorage(folder));

/** The next elements, over iterations. */
async function take(stream, count) {
  const elements = [];
  for (let iteration = 0; elements.length < count && iteration < 10; iteration++) {
    for await (const element of stream) {
      elements.push(shown(element));
      if (elements.length === count) break;
    }
  }
  return elements;
}

const cases = [];
for (const [name, make] of Object.entries(PIPELINES)) {
  for (const after of AFTER) {
    const stream = make(datasets);
    await take(stream, after);
    const { state } = stream;
    const next = await take(make(datasets).resume(state), NEXT);
    cases.push({ name, after, state: JSON.parse(JSON.stringify(state)), next });
  }
}
rmSync(folder, { recursive: true });
console.log(`[\n${cases.map((one) => JSON.stringify(one)).join(',\n')}\n]`);
