// node write-configurations.mjs FOLDER COUNT SEED: random datasets × orders × shards × pipelines, each taken to a state in
// mid-epoch and resumed there in another world; writes what Node then yields, for others to yield the same.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { field } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import alea from 'seedrandom/lib/alea.js';
import { encodeRecord } from './encode.mjs';
import { recordOf, STRUCTURES } from './samples.mjs';
import { storeInParts } from './store-in-parts.mjs';

const [folder, count, seed] = process.argv.slice(2);
const random = alea(seed);
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const chance = (p) => random() < p;

/** Beyond this many elements of the second iteration, nobody looks. */
const NEXT_ELEMENTS = 50;
const BIG = 70_000;

async function storeDatasets() {
  const datasets = Object.fromEntries(
    Object.entries({ ...STRUCTURES, scalar: field('float16'), text: field('string') }).map(([id, schema]) => [
      id,
      { schema, length: 12 + below(60) },
    ]),
  );
  for (const [id, { schema, length }] of Object.entries(datasets)) {
    const records = Array.from({ length }, (_, row) => recordOf(schema, row));
    const sizes = [];
    for (let left = length; left > 0; left -= sizes.at(-1)) sizes.push(Math.min(left, below(1 + length / 2)));
    await storeInParts(folder, id, schema, records, sizes);
  }
  const schema = { n: field('uint32') };
  const records = Array.from({ length: BIG }, (_, n) => ({ n: n * 7 }));
  await storeInParts(folder, 'big', schema, records, [30_000, 0, 39_999, 1]);
  return { ...datasets, big: { schema, length: BIG } };
}

function randomOptions(length, algorithm) {
  const options =
    algorithm === 'sequential'
      ? {}
      : {
          shuffle: true,
          shuffleSeed: pick([0, 777, 2 ** 32 - 1, 2 ** 40 + 5]),
          shuffleAlgorithm: algorithm,
          skipShuffleAtEpochEnd: chance(0.2),
          shardBeforeShuffle: algorithm !== 'parts' && chance(0.2),
          ...(algorithm === 'parts' && chance(0.8) ? { shuffleWindow: 1 + below(4) } : {}),
        };
  const start = length === BIG ? BIG - 400 + BIG * below(3) : below(2 * length);
  return { options, startOffset: chance(0.5) || length === BIG ? start : 0 };
}

function randomSteps(length) {
  const steps = [];
  const some = () => below(Math.min(length, 40)) + 1;
  const between = () => {
    if (chance(0.15)) steps.push(['skip', below(3)]);
    if (chance(0.15)) steps.push(['take', some() + 4]);
    if (chance(0.2)) steps.push(['repeat', 2]);
  };
  if (chance(0.25)) steps.push(['map']);
  between();
  if (chance(0.8)) {
    steps.push([pick(['batch', 'globalBatch']), 1 + below(9), pick(['keep', 'keep', 'drop', 'pad'])]);
    if (chance(0.5)) between();
  }
  return steps;
}

function build(dataref, options, steps) {
  const { schema } = dataref;
  let stream = dataref.stream(options);
  for (const [name, argument, remainder] of steps) {
    if (name === 'map') stream = stream.map((record) => record, { schema });
    else if (remainder === undefined) stream = stream[name](argument);
    else stream = stream[name](argument, { remainder });
  }
  return stream;
}

/** What one iteration yields: indices (of batches), values, and the state after each element. */
async function elementsOf(stream, schema, limit) {
  const elements = [];
  for await (const element of stream) {
    const isBatch = element?.indices !== undefined;
    const records = isBatch ? element.records() : [element];
    elements.push({
      indices: isBatch ? Array.from(element.indices) : null,
      records: records.map((record) => encodeRecord(schema, record)),
      state: isBatch ? element.state : stream.state,
    });
    if (elements.length === limit) break;
  }
  return elements;
}

/** One configuration, or undefined where the pipeline makes no sense or has nothing left. */
async function configure(datasets, id, algorithm) {
  const { schema, length } = datasets[id];
  const { options, startOffset } = randomOptions(length, algorithm);
  const steps = randomSteps(length);
  const worlds = [1 + below(4), 1 + below(4)].map((numShards) => ({ numShards, shardRank: below(numShards) }));
  const drop = chance(0.3);
  const [first, second] = options.shardBeforeShuffle ? [worlds[0], worlds[0]] : worlds;
  const isGlobal = steps.some(([name]) => name === 'globalBatch');
  if (isGlobal && (drop || options.shardBeforeShuffle)) return undefined;
  if (Math.max(first.numShards, second.numShards) > length) return undefined;
  const storage = new FileStorage(folder, { memoryLimitBytes: pick([0, 2 ** 30]), verifyReads: chance(0.5) });
  const dataref = await storage.fetch(id, '1.0');
  const began = build(dataref, { ...options, ...first, startOffset, dropShardRemainder: drop }, steps);
  let left = 1 + below(8);
  for await (const _ of began) if (--left === 0) break;
  const state = JSON.parse(JSON.stringify(began.state));
  const isMidEpoch = left === 0 && !JSON.stringify(state).includes('"position":0}');
  if (!isMidEpoch) return undefined;
  const resumed = build(dataref, { ...options, ...second, dropShardRemainder: drop }, steps).resume(state);
  const rest = await elementsOf(resumed, schema, Infinity);
  const next = await elementsOf(resumed, schema, NEXT_ELEMENTS);
  await resumed.close();
  if (rest.length === 0) return undefined;
  return { id, steps, drop, ...second, made: first, state, rest, next };
}

const datasets = await storeDatasets();
const configurations = [];
const names = Object.keys(datasets);
for (let tried = 0; configurations.length < count; tried++) {
  if (tried > 50 * count) throw new Error(`only ${configurations.length} configurations in ${tried}`);
  const number = configurations.length;
  const algorithm = ['numpy', 'permutation', 'parts', 'sequential', 'permutation', 'parts', 'numpy'][
    Math.floor(number / 2) % 7
  ];
  const made = await configure(datasets, names[number % names.length], algorithm);
  if (made !== undefined) configurations.push(made);
}
writeFileSync(join(folder, 'configurations.json'), JSON.stringify({ seed, configurations }));
