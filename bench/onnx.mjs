// What feeding onnxruntime costs: node bench/run.mjs --only onnx. Lines of JSON; see README.md.
import { toOrtFeeds } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import augmented, { BATCH, batches, labels, pixels, RECORDS } from './onnx-batches.mjs';
import { PARAMETERS, trainingStep } from './onnx-step.mjs';
import { median, round } from './statistics.mjs';

const ROUNDS = Number(process.argv[2] ?? 15);
const STEPS = Math.floor(RECORDS / BATCH);
const print = (line) => console.log(JSON.stringify({ workload: 'onnx', ...line }));
const OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' };
const { Tensor } = ort;

/** A session and the state that goes from step to step. */
async function open(dtype) {
  const session = await ort.InferenceSession.create(trainingStep(dtype), OPTIONS);
  const state = { lr: new Tensor('float32', [0.01], []) };
  for (const [name, shape] of Object.entries(PARAMETERS)) {
    const size = shape.reduce((product, n) => product * n, 1);
    const values = Float32Array.from({ length: size }, (_, i) => 0.1 * Math.sin(i));
    state[name] = new Tensor('float32', values, shape);
    state[`${name}.momentum`] = new Tensor('float32', new Float32Array(size), shape);
  }
  const step = async (feeds) => {
    const outputs = await session.run({ ...feeds, ...state });
    for (const name in PARAMETERS) {
      state[name] = outputs[`${name}.out`];
      state[`${name}.momentum`] = outputs[`${name}.momentum.out`];
    }
    if (!Number.isFinite(outputs.loss.data[0])) throw new Error('the loss is no number');
  };
  return { session, step };
}

const wallMs = () => performance.now();
/** Of all threads: what else the machine does is not in it. */
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Each contestant in turns, so that what else the machine does meets all: ms of a step, round by round. */
async function turns(clock, contestants) {
  const rounds = new Map(Object.keys(contestants).map((name) => [name, []]));
  for (const epoch of Object.values(contestants)) await epoch();
  for (let i = 0; i < ROUNDS; i++) {
    for (const [name, epoch] of Object.entries(contestants)) {
      await epoch(); // finds the caches full of the others' data, and their garbage
      const start = clock();
      await epoch();
      rounds.get(name).push((clock() - start) / STEPS);
    }
  }
  return rounds;
}
const ratio = (rounds, a, b) => round(median(rounds.get(a).map((ms, i) => ms / rounds.get(b)[i])), 3);

async function drain(flow, step) {
  for await (const { feeds } of flow) await step(feeds);
}

/** What one writes by hand who knows all: rows copied into the same arrays again and again, tensors made once. */
function handWritten(step) {
  const x = new Uint8Array(BATCH * 784);
  const y = new BigInt64Array(BATCH);
  const halves = new Int32Array(y.buffer);
  const feeds = { x: new Tensor('uint8', x, [BATCH, 784]), y: new Tensor('int64', y, [BATCH]) };
  const order = Uint32Array.from({ length: RECORDS }, (_, i) => i);
  return async () => {
    for (let i = RECORDS - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    for (let t = 0; t < STEPS; t++) {
      for (let i = 0; i < BATCH; i++) {
        const index = order[t * BATCH + i];
        x.set(pixels.subarray(index * 784, index * 784 + 784), i * 784);
        halves[2 * i] = labels[index];
      }
      await step(feeds);
    }
  };
}

const uint8 = await open('uint8');
const float32 = await open('float32');
const feedsOf = ({ session }, options) => toOrtFeeds(batches(), { session, ort, ...options });
const scaled = { inputs: { x: { column: 'x', scale: 1 / 255 }, y: 'y' } };

const fixed = {
  x: new Tensor('uint8', pixels.slice(0, BATCH * 784), [BATCH, 784]),
  y: new Tensor('int64', new BigInt64Array(BATCH), [BATCH]),
};
const reused = feedsOf(uint8, { reuseBuffers: true });
const fresh = feedsOf(uint8, {});
const converted = feedsOf(float32, { ...scaled, reuseBuffers: true });
const byMap = toOrtFeeds(
  batches().map(({ columns: { x, y } }) => ({
    x: { ...x, dtype: 'float32', shape: x.shape, data: Float32Array.from(x.data, (value) => value / 255) },
    y,
  })),
  { session: float32.session, ort },
);
const steps = await turns(cpuMs, {
  'run alone': async () => {
    for (let t = 0; t < STEPS; t++) await uint8.step(fixed);
  },
  'by hand': handWritten(uint8.step),
  reused: () => drain(reused, uint8.step),
  fresh: () => drain(fresh, uint8.step),
  'converted by DataRef': () => drain(converted, float32.step),
  'converted by a map': () => drain(byMap, float32.step),
});
for (const [mode, all] of steps) print({ mode, cpuMsPerStep: round(median(all)), steps: STEPS * ROUNDS });

const here = toOrtFeeds(augmented(), { session: float32.session, ort, reuseBuffers: true });
const there = await toOrtFeeds(new URL('./onnx-batches.mjs', import.meta.url), { session: float32.session, ort });
const overlap = await turns(wallMs, {
  'costly map here': () => drain(here, float32.step),
  'costly map in a worker': () => drain(there, float32.step),
});
await there.close();
for (const [mode, all] of overlap) print({ mode, msPerStep: round(median(all)), steps: STEPS * ROUNDS });

const share = (mode) => round(median(steps.get(mode).map((ms, i) => (ms - steps.get('run alone')[i]) / ms)), 3);
const summary = [
  { what: 'a step with our feeds, arrays reused, against one fed by hand', ratio: ratio(steps, 'reused', 'by hand'), target: 1.1 }, // prettier-ignore
  { what: 'a step with our feeds, fresh arrays, against one fed by hand', ratio: ratio(steps, 'fresh', 'by hand') },
  { what: 'share of loading in a step of batch 64, arrays reused', share: share('reused'), target: 0.05 },
  { what: 'uint8 and a Cast in the graph, times the speed of float32 converted by DataRef', ratio: ratio(steps, 'converted by DataRef', 'reused') }, // prettier-ignore
  { what: 'uint8 and a Cast in the graph, times the speed of float32 converted by a map', ratio: ratio(steps, 'converted by a map', 'reused') }, // prettier-ignore
  { what: 'a costly map in a worker, times the speed of one here', ratio: ratio(overlap, 'costly map here', 'costly map in a worker') }, // prettier-ignore
];
for (const line of summary) print(line);
await Promise.all([uint8.session.release(), float32.session.release()]);
