// What feeding onnxruntime costs: node bench/run.mjs --only onnx. Lines of JSON; see README.md.
import { toOrtFeeds } from '@dataref/onnx/pure';
import * as ort from 'onnxruntime-node';
import augmented, { BATCH, batches, labels, pixels, RECORDS } from './onnx-batches.mjs';
import { openMlp } from './onnx-mlp.mjs';
import { PARAMETERS, trainingStep } from './onnx-step.mjs';
import { stepsOf, turns } from './onnx-turns.mjs';
import { round } from './statistics.mjs';

const BLOCKS = Number(process.argv[2] ?? 40);
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

/** What one writes by hand who knows all: rows copied into the same arrays again and again, tensors made once. */
const handWritten = () => {
  const x = new Uint8Array(BATCH * 784);
  const y = new BigInt64Array(BATCH);
  const halves = new Int32Array(y.buffer);
  const feeds = { x: new Tensor('uint8', x, [BATCH, 784]), y: new Tensor('int64', y, [BATCH]) };
  return copied(feeds, x, (row, label) => { halves[2 * row] = label; }); // prettier-ignore
};
/** The same for the MLP of the example. */
const handWrittenMlp = () => {
  const image = new Uint8Array(BATCH * 784);
  const label = new Uint8Array(BATCH);
  const feeds = { image: new Tensor('uint8', image, [BATCH, 28, 28]), label: new Tensor('uint8', label, [BATCH]) };
  return copied(feeds, image, (row, value) => { label[row] = value; }); // prettier-ignore
};
async function* copied(feeds, x, setLabel) {
  const order = Uint32Array.from({ length: RECORDS }, (_, i) => i);
  for (let i = RECORDS - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  for (let t = 0; t + BATCH <= RECORDS; t += BATCH) {
    for (let i = 0; i < BATCH; i++) {
      const index = order[t + i];
      x.set(pixels.subarray(index * 784, index * 784 + 784), i * 784);
      setLabel(i, labels[index]);
    }
    yield { feeds };
  }
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
const again = (flow) => ({ [Symbol.asyncIterator]: flow });
const steps = await turns(
  {
    'run alone': stepsOf(again(async function* () { yield { feeds: fixed }; }), uint8.step), // prettier-ignore
    'by hand': stepsOf(again(handWritten), uint8.step),
    reused: stepsOf(reused, uint8.step),
    fresh: stepsOf(fresh, uint8.step),
    'converted by DataRef': stepsOf(converted, float32.step),
    'converted by a map': stepsOf(byMap, float32.step),
  },
  { blocks: BLOCKS },
);
for (const mode of ['run alone', 'by hand', 'reused', 'fresh', 'converted by DataRef', 'converted by a map'])
  print({ mode, cpuMsPerStep: round(steps.of(mode, 'cpu')), feedMs: round(steps.of(mode, 'feed')) });

const mlp = await openMlp(ort, OPTIONS);
const reusedOf = (stream) => toOrtFeeds(stream, { session: mlp.session, ort, reuseBuffers: true });
const fixedImages = {
  image: new Tensor('uint8', pixels.slice(0, BATCH * 784), [BATCH, 28, 28]),
  label: new Tensor('uint8', new Uint8Array(BATCH), [BATCH]),
};
const adamSteps = await turns(
  {
    'run alone': stepsOf(again(async function* () { yield { feeds: fixedImages }; }), mlp.step), // prettier-ignore
    'by hand': stepsOf(again(handWrittenMlp), mlp.step),
    stored: stepsOf(reusedOf(mlp.stored()), mlp.step),
    'in memory': stepsOf(reusedOf(mlp.inMemory()), mlp.step),
  },
  { blocks: BLOCKS },
);
for (const mode of ['run alone', 'by hand', 'stored', 'in memory'])
  print({ model: 'MLP, Adam', mode, cpuMsPerStep: round(adamSteps.of(mode, 'cpu')), feedMs: round(adamSteps.of(mode, 'feed')) }); // prettier-ignore
await mlp.close();

const [here, there] = ['costly map here', 'costly map in a worker'];
const worker = await toOrtFeeds(new URL('./onnx-batches.mjs', import.meta.url), { session: float32.session, ort });
const overlap = await turns(
  {
    [here]: stepsOf(toOrtFeeds(augmented(), { session: float32.session, ort, reuseBuffers: true }), float32.step),
    [there]: stepsOf(worker, float32.step),
  },
  { blocks: BLOCKS },
);
await worker.close();
for (const mode of [here, there]) {
  const [all, own] = [overlap.of(mode, 'cpu'), overlap.of(mode, 'own')];
  print({ mode, msPerStep: round(overlap.of(mode, 'all')), cpuMsPerStep: round(all), ofItTheLoopsThread: round(own) }); // prettier-ignore
}

/** Of the two threads, the one that a step waits for. */
const busier = Math.max(overlap.of(there, 'own'), overlap.of(there, 'cpu') - overlap.of(there, 'own'));
const summary = [
  { what: 'a step with our feeds, arrays reused, against one fed by hand', ratio: round(steps.ratio('cpu', 'reused', 'by hand'), 3), target: 1.1 }, // prettier-ignore
  {
    what: 'a step with our feeds, fresh arrays, against one fed by hand',
    ratio: round(steps.ratio('cpu', 'fresh', 'by hand'), 3),
  },
  ...['stored', 'in memory', 'by hand'].map((mode) => ({
    what: `share of loading in a step of the example's MLP (784, 128, 10; Adam), batch 64, ${mode}`,
    share: round(adamSteps.share(mode), 3),
    target: mode === 'by hand' ? undefined : 0.05,
  })),
  ...['stored', 'in memory'].map((mode) => ({
    what: `the same, ${mode}, by the processor time of a step against one with the same tensors each time`,
    share: round(1 - 1 / adamSteps.ratio('cpu', mode, 'run alone'), 3),
  })),
  { what: 'share of loading in a step of an MLP (784, 128, 10; SGD with momentum), batch 64, in memory', share: round(steps.share('reused'), 3), target: 0.05 }, // prettier-ignore
  { what: 'the same by hand', share: round(steps.share('by hand'), 3) },
  { what: 'uint8 and a Cast in the graph, times the speed of float32 converted by DataRef', ratio: round(steps.ratio('cpu', 'converted by DataRef', 'reused'), 3) }, // prettier-ignore
  { what: 'uint8 and a Cast in the graph, times the speed of float32 converted by a map', ratio: round(steps.ratio('cpu', 'converted by a map', 'reused'), 3) }, // prettier-ignore
  {
    what: 'a costly map in a worker, times the speed of one here',
    ratio: round(overlap.of(here, 'all') / overlap.of(there, 'all'), 3),
  },
  { what: 'what it would be with an idle core for each thread, by their processor time', ratio: round(overlap.of(here, 'cpu') / busier, 3) }, // prettier-ignore
];
for (const line of summary) print(line);
await Promise.all([uint8.session.release(), float32.session.release()]);
