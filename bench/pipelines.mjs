// What transforms, workers, prefetch and states cost: node bench/run.mjs --only pipelines. Lines of JSON; see README.md.
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { concatStreams, defineDataRef, field, fromColumns, mix, ndarray, zip } from '@dataref/core';
import { median, round } from './statistics.mjs';

const RECORDS = Number(process.argv[2] ?? 20_000);
const ROUNDS = Number(process.argv[3] ?? 7);
const print = (line) => console.log(JSON.stringify({ workload: 'pipelines', ...line }));
const numbers = Float64Array.from({ length: RECORDS }, (_, i) => i);
const source = fromColumns(numbers);
const stream = () => source.stream({ shuffle: true, shuffleSeed: 1 });

/** Records of 1 to 15 positions. */
const documents = defineDataRef({
  length: RECORDS,
  schema: { tokens: field('int32', [null]) },
  fingerprint: `documents ${RECORDS}`,
  read: (at) => at.map((i) => ({ tokens: ndarray(new Int32Array(1 + (i % 15)).fill(i), [1 + (i % 15)]) })),
});
const texts = () => documents.stream({ shuffle: true, shuffleSeed: 1 });

async function drain(flow) {
  let count = 0;
  for await (const _ of flow) count++;
  return count;
}
async function secondsOf(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Each contestant in turns, so that what else the machine does meets all: median seconds. */
async function turns(contestants, rounds = ROUNDS) {
  const seconds = new Map(Object.keys(contestants).map((name) => [name, []]));
  for (const work of Object.values(contestants)) await work();
  for (let i = 0; i < rounds; i++)
    for (const [name, work] of Object.entries(contestants)) seconds.get(name).push(await secondsOf(work));
  return new Map([...seconds].map(([name, all]) => [name, median(all)]));
}

/** The least that a loop over promised records could cost. */
async function* bare() {
  for (const x of numbers) yield x;
}

async function costPerRecord() {
  const odd = (x) => x % 2 === 1;
  const pipelines = {
    'stream alone': () => stream(),
    map: () => stream().map((x) => x + 1),
    filter: () => stream().filter(odd),
    flatMap: () => stream().flatMap((x) => [x]),
    window: () => stream().window(4),
    unbatch: () => stream().batch(64).unbatch(),
    'filter, batch': () =>
      stream()
        .filter(() => true)
        .batch(64),
    batch: () => stream().batch(64),
    'filter, take': () =>
      stream()
        .filter(() => true)
        .take(RECORDS),
    'filter, repeat': () =>
      stream()
        .filter(() => true)
        .repeat(1),
    'filter, prefetch': () =>
      stream()
        .filter(() => true)
        .prefetch({ batches: 8 }),
    zip: () => zip([stream(), stream()]),
    concat: () => concatStreams([stream()]),
    mix: () => mix([stream(), stream()], { weights: [1, 1], until: 'allEnd' }).take(RECORDS),
    'mix, at random': () => mix([stream(), stream()], { weights: [1, 1], seed: 1, until: 'allEnd' }).take(RECORDS),
    documents: () => texts(),
    'documents, pack': () => texts().pack(64),
    'documents, pack best-fit': () => texts().pack(64, { strategy: 'best-fit' }),
    'documents, bucketByLength': () => texts().bucketByLength(64),
  };
  const contestants = { 'bare loop': () => drain(bare()) };
  for (const [name, make] of Object.entries(pipelines)) contestants[name] = () => drain(make());
  const seconds = await turns(contestants);
  const least = seconds.get('bare loop');
  for (const [name, value] of seconds)
    print({
      mode: 'cost per record',
      what: name,
      records: RECORDS,
      usPerRecord: round((value / RECORDS) * 1e6),
      timesBareLoop: round(value / least, 1),
    });
}

/** The same work in two threads of Node's own, half of the records each: what the machine has to give. */
function bareThreads(module, count) {
  const program = `
    const { parentPort, workerData: { module, start, end } } = require('node:worker_threads');
    import(module).then(({ default: map }) => {
      let sum = 0;
      for (let x = start; x < end; x++) sum += map(x).sum;
      parentPort.postMessage(sum);
    });`;
  const run = (start, end) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(program, { eval: true, workerData: { module: module.href, start, end } });
      worker.on('error', reject).on('exit', resolve);
    });
  return Promise.all([run(0, count / 2), run(count / 2, count)]);
}

async function workers() {
  const module = new URL('./costly.mjs', import.meta.url);
  const count = RECORDS < 20_000 ? 2_000 : 6_000;
  const inputs = fromColumns(Float64Array.from({ length: count }, (_, i) => i));
  const run = (threads) => () =>
    drain(inputs.stream().map(module, { workers: threads, ...(threads > 0 ? { batchSize: 8 } : {}) }));
  const seconds = await turns(
    { none: run(0), '1 worker': run(1), '2 workers': run(2), '2 bare threads': () => bareThreads(module, count) },
    3,
  );
  for (const [what, value] of seconds) print({ mode: 'costly map', what, records: count, seconds: round(value) });
  const times = (what) => round(seconds.get('none') / seconds.get(what), 2);
  return {
    what: 'a costly map, 2 workers against 0, times the speed',
    ratio: times('2 workers'),
    ofBareThreads: times('2 bare threads'),
    target: 1.7,
  };
}

/** An epoch over a source that answers after 20 ms, with 25 ms of work a batch. */
async function prefetching() {
  const LATENCY_MS = 20;
  const WORK_MS = 25;
  const BATCHES = 20;
  const far = defineDataRef({
    length: BATCHES * 32,
    schema: field('float64'),
    fingerprint: 'far',
    read: async (at) => {
      await wait(LATENCY_MS);
      return [...at];
    },
  });
  const epoch = (make) => async () => {
    for await (const _ of make(far.stream())) await wait(WORK_MS);
  };
  const batches = (flow) => flow.batch(32);
  const filtered = (flow) => flow.filter(() => true).batch(32);
  const seconds = await turns(
    {
      'compute alone': async () => {
        for (let i = 0; i < BATCHES; i++) await wait(WORK_MS);
      },
      'batch, no prefetch': epoch(batches),
      'batch, prefetch': epoch((flow) => batches(flow).prefetch({ batches: 4 })),
      'filter, batch, no prefetch': epoch(filtered),
      'filter, batch, prefetch': epoch((flow) => filtered(flow).prefetch({ batches: 4 })),
    },
    3,
  );
  const alone = seconds.get('compute alone');
  for (const [what, value] of seconds)
    print({ mode: 'prefetch', what, seconds: round(value), timesCompute: round(value / alone, 2) });
  return ['batch, prefetch', 'filter, batch, prefetch'].map((what) => ({
    what: `${what} over 20 ms of latency, times compute alone`,
    ratio: round(seconds.get(what) / alone, 2),
    target: 1.2,
  }));
}

/** States of batches, made when they are asked for, and written as JSON. */
async function states() {
  const all = fromColumns(Float64Array.from({ length: 20_000 }, (_, i) => i));
  const us = [];
  const usOfJson = [];
  let bytes = 0;
  for (let turn = 0; turn < 5; turn++) {
    const flow = all
      .stream({ shuffle: true, shuffleSeed: 1 })
      .filter(() => true)
      .map((x) => x)
      .batch(8);
    const batches = [];
    for await (const batch of flow) batches.push(batch);
    let epochs = 0;
    void batches[0].state; // the fingerprint of data in memory is made once
    us.push((1e6 * (await secondsOf(() => batches.forEach(({ state }) => (epochs += state.epoch))))) / batches.length);
    const written = [];
    usOfJson.push(
      (1e6 * (await secondsOf(() => batches.forEach(({ state }) => written.push(JSON.stringify(state)))))) /
        batches.length,
    );
    bytes = written[0].length;
  }
  print({ mode: 'state', usPerState: round(median(us), 2), usOfStateAndJson: round(median(usOfJson), 2), bytes });
  return { what: 'state of a batch, JSON aside, us', value: round(median(us), 2), target: 5 };
}

await costPerRecord();
const summary = [await workers(), ...(await prefetching()), await states()];
for (const line of summary) print(line);
