import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { checkpoints, loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';
import { useBackend } from './backends.js';
import { makeDataset, weightsHash } from './model.js';

let folder: string;
let path: string;
beforeAll(() => useBackend('cpu'));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dataref-refused-'));
  path = join(folder, 'run.ckpt');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Tensor {
  dtype: string;
  shape: number[];
  bytes: Buffer;
}

/** Rewrites the checkpoint with other tensors or another description, and with a valid checksum. */
async function forge(change: (tensors: Map<string, Tensor>, about: Record<string, any>) => void): Promise<void> {
  const file = await readFile(path);
  const dataStart = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, dataStart).toString()) as Record<string, any>;
  const { __metadata__: metadata, sha256: _, ...entries } = header;
  const tensors = new Map<string, Tensor>();
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [start, end],
    },
  ] of Object.entries(entries))
    tensors.set(name, { dtype, shape, bytes: file.subarray(dataStart + start, dataStart + end) });
  const about = JSON.parse(metadata.checkpoint) as Record<string, any>;
  change(tensors, about);
  const made: Record<string, unknown> = { __metadata__: { ...metadata, checkpoint: JSON.stringify(about) } };
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of tensors)
    made[name] = { dtype, shape, data_offsets: [at, (at += bytes.length)] };
  made['sha256'] = { dtype: 'U8', shape: [32], data_offsets: [at, at + 32] };
  const text = Buffer.from(JSON.stringify(made));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const body = Buffer.concat([length, text, ...[...tensors.values()].map(({ bytes }) => bytes)]);
  await writeFile(path, Buffer.concat([body, createHash('sha256').update(body).digest()]));
}

/** Four layers whose weights are all alike, so that only names and numbers tell them apart. */
function makeAlike(optimizer: tf.Optimizer, frozen = -1): tf.Sequential {
  const layers = [0, 1, 2, 3].map((i) =>
    tf.layers.dense({ units: 3, inputShape: [3], useBias: false, trainable: i !== frozen }),
  );
  const model = tf.sequential({ layers });
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}

async function trained(optimizer: tf.Optimizer, frozen?: number): Promise<tf.Sequential> {
  const model = makeAlike(optimizer, frozen);
  await model.trainOnBatch(tf.ones([2, 3]), tf.zeros([2, 3]));
  return model;
}

async function save(optimizer: tf.Optimizer, frozen?: number): Promise<tf.Sequential> {
  const model = await trained(optimizer, frozen);
  const { state } = makeDataset();
  await saveCheckpoint(path, { model, state: { ...state, epoch: 3 } });
  return model;
}

/** All that an optimizer knows. */
function insides(optimizer: tf.Optimizer): string {
  const { iterations } = optimizer;
  const plain = (value: unknown): unknown => {
    if (value instanceof tf.Tensor) return [value.id, ...value.dataSync()];
    if (!Array.isArray(value)) return typeof value === 'object' ? undefined : value;
    return value.map(({ originalName, variable }) => [originalName, plain(variable)]);
  };
  return JSON.stringify([iterations, ...Object.entries(optimizer).map(([name, value]) => [name, plain(value)])]);
}

/** Loads into a model that has made a step of its own, and which must then be as it was, as the dataset must be. */
async function expectRefused(optimizer: tf.Optimizer, code: string, message: RegExp, frozen?: number): Promise<void> {
  const model = await trained(optimizer, frozen);
  const dataset = makeDataset();
  const look = () => [weightsHash(model), insides(model.optimizer), dataset.state, tf.memory().numTensors];
  const before = look();
  await expect(loadCheckpoint(path, { model, dataset })).rejects.toMatchObject({
    name: 'DataRefError',
    code,
    message: expect.stringMatching(message),
  });
  expect(look()).toEqual(before);
}

const adam = () => tf.train.adam(0.01);
const rmsprop = (centered: boolean) => tf.train.rmsprop(0.01, 0.9, 0, 1e-7, centered);

describe('nothing is changed when a checkpoint is refused, that', () => {
  test.each([true, false])('was made with centered: %s, and here it is not so', async (centered) => {
    await save(rmsprop(centered));
    await expectRefused(rmsprop(!centered), 'STATE_MISMATCH', /RMSProp of centered: \w+, here it is \w+/u);
  });

  test('says the same of centered and has the slots of the other', async () => {
    await save(rmsprop(true));
    await forge((_, about) => (about['config'].centered = false));
    await expectRefused(rmsprop(false), 'CORRUPT', /optimizer\.\d+\./u);
  });

  test('was made with another layer frozen', async () => {
    await save(adam(), 0);
    await expectRefused(adam(), 'STATE_MISMATCH', /another order, from .*kernel/u);
    await expectRefused(adam(), 'STATE_MISMATCH', /another order, from .*kernel/u, 1);
  });

  test('has slots of a weight that is not trained here', async () => {
    await save(adam());
    await expectRefused(adam(), 'STATE_MISMATCH', /has optimizer\.4\..*kernel\/m, and .* is not trained here/u, 3);
  });

  const kernel = (tensors: Map<string, Tensor>, start: string): [string, Tensor] =>
    [...tensors].find(([name]) => name.startsWith(start)) as [string, Tensor];
  type Forgery = readonly [string, RegExp, (tensors: Map<string, Tensor>, about: Record<string, any>) => void];
  const forgeries: readonly Forgery[] = [
    [
      'lacks all private tensors',
      /private\.accBeta1 is missing/u,
      (tensors) => void (tensors.delete('private.accBeta1'), tensors.delete('private.accBeta2')),
    ],
    ['lacks a private tensor', /private\.accBeta2 is missing/u, (tensors) => void tensors.delete('private.accBeta2')],
    ...['constructor', '__proto__', 'learningRate', 'iterations_'].map(
      (name) =>
        [
          `has private.${name}`,
          new RegExp(`private\\.${name} is nothing`, 'u'),
          (tensors: Map<string, Tensor>) =>
            void tensors.set(`private.${name}`, { dtype: 'F32', shape: [], bytes: Buffer.alloc(4) }),
        ] as const,
    ),
    [
      'has a private tensor of another dtype',
      /private\.accBeta1 is int32/u,
      (tensors) => void ((tensors.get('private.accBeta1') as Tensor).dtype = 'I32'),
    ],
    [
      'lacks the last slot',
      /8 tensors optimizer\.\* and should have 9/u,
      (tensors) => void tensors.delete(kernel(tensors, 'optimizer.8.')[0]),
    ],
    [
      'lacks the last slot and says so',
      /optimizer\.7\..* is one of 7 slots/u,
      (tensors, about) => void (tensors.delete(kernel(tensors, 'optimizer.8.')[0]), about['slots']--),
    ],
    [
      'lacks a slot in the middle',
      /optimizer\.4\..* should be optimizer\.3/u,
      (tensors) => void tensors.delete(kernel(tensors, 'optimizer.3.')[0]),
    ],
    [
      'lacks all of the optimizer',
      /optimizer\.0\.iter is not/u,
      (tensors, about) => {
        for (const name of tensors.keys()) if (name.startsWith('optimizer.')) tensors.delete(name);
        about['slots'] = 0;
      },
    ],
    [
      'has a slot of another shape',
      /optimizer\.2\..* is float32\[9\], its weight is float32\[3,3\]/u,
      (tensors) => void (kernel(tensors, 'optimizer.2.')[1].shape = [9]),
    ],
    [
      'has a slot of another dtype',
      /optimizer\.6\..* is int32\[3,3\]/u,
      (tensors) => void (kernel(tensors, 'optimizer.6.')[1].dtype = 'I32'),
    ],
    [
      'has a tensor of nothing',
      /other\.0\.x is not where it belongs/u,
      (tensors) => void tensors.set('other.0.x', { dtype: 'F32', shape: [], bytes: Buffer.alloc(4) }),
    ],
    [
      'has a dtype that is an object',
      /has the unknown dtype an object/u,
      (tensors) => void (kernel(tensors, 'model.0.')[1].dtype = { toString: 1, valueOf: 1 } as never),
    ],
    [
      'has a size that is an object',
      /has a bad shape/u,
      (tensors) => void (kernel(tensors, 'model.0.')[1].shape = [{ toString: 1 } as never]),
    ],
    ['has settings of threads that are no texts', /not complete/u, (_, about) => (about['threads'] = { x: {} })],
    ['says nothing of the settings', /description is not complete/u, (_, about) => void delete about['config']],
  ];
  test.each(forgeries)('%s', async (_, message, change) => {
    await save(adam());
    await forge(change);
    await expectRefused(adam(), 'CORRUPT', message);
  });

  test('has a switch that is an object', async () => {
    await save(rmsprop(true));
    await forge((_, about) => (about['config'].centered = { toString: 1 }));
    await expectRefused(rmsprop(true), 'STATE_MISMATCH', /of centered: an object, here it is true/u);
  });

  test('has a state that is none, and says in which file', async () => {
    await save(adam());
    await forge((_, about) => (about['state'] = {}));
    await expectRefused(adam(), 'STATE_INVALID', /^the state in .*run\.ckpt: /u);
  });

  test.each([
    ['Adamax', () => tf.train.adamax(0.01)],
    ['Momentum', () => tf.train.momentum(0.01, 0.9)],
  ] as const)('has %s slots in another order', async (_, make) => {
    await save(make());
    await forge((tensors) => {
      const entries = [...tensors];
      const at = entries.findIndex(([name]) => name.startsWith('optimizer.1.'));
      const [first, second] = entries.slice(at, at + 2) as [[string, Tensor], [string, Tensor]];
      entries.splice(at, 2, second, first);
      tensors.clear();
      for (const [name, tensor] of entries) tensors.set(name, tensor);
    });
    await expectRefused(make(), 'CORRUPT', /optimizer\.2\..* should be optimizer\.1/u);
  });
});

test('numbers of the optimizer may be changed on purpose, and stay as they are here', async () => {
  const saved = await save(adam());
  const model = makeAlike(tf.train.adam(0.5, 0.8));
  expect(await loadCheckpoint(path, { model })).toMatchObject({ step: 1 });
  expect(weightsHash(model)).toBe(weightsHash(saved));
  expect(model.optimizer.getConfig()).toMatchObject({ learningRate: 0.5, beta1: 0.8 });
  const names = (await model.optimizer.getWeights()).slice(1, 5).map(({ name }) => name);
  expect(names).toEqual(model.weights.map(({ name }) => `${name}/m`));
});

test('a checkpoint with a frozen layer goes on where the same one is frozen', async () => {
  const saved = await save(adam(), 1);
  const model = makeAlike(adam(), 1);
  await loadCheckpoint(path, { model });
  for (const each of [saved, model]) await each.trainOnBatch(tf.ones([2, 3]), tf.zeros([2, 3]));
  expect(weightsHash(model)).toBe(weightsHash(saved));
});

test('an optimizer that trained another model is not saved with this one', async () => {
  const optimizer = adam();
  await trained(optimizer);
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [3], useBias: false })] });
  await expect(saveCheckpoint(path, { model, optimizer, state: makeDataset().state })).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('kernel/m'),
  });
});

test('slots that an optimizer got from elsewhere are the weights’ in order', async () => {
  const model = await trained(adam());
  const weights = await model.optimizer.getWeights();
  await model.optimizer.setWeights(
    weights.map(({ tensor }, i) => ({ name: i === 0 ? 'iter' : `elsewhere/${i}`, tensor })),
  );
  await saveCheckpoint(path, { model, state: makeDataset().state });
  const again = makeAlike(adam());
  expect(await loadCheckpoint(path, { model: again })).toMatchObject({ step: 1 });
  const slots = async ({ optimizer }: tf.LayersModel) =>
    (await optimizer.getWeights()).map(({ tensor }) => [...tensor.dataSync()]);
  expect(await slots(again)).toEqual(await slots(model));
});

test('a folder with the name of a leftover does not make saving fail', async () => {
  const name = `run.ckpt.${hostname()}.4194304999.deadbeef.tmp`;
  await mkdir(join(folder, name));
  await save(adam());
  expect((await readdir(folder)).sort()).toEqual(['run.ckpt', name]);
});

describe('what can be no file or no model is refused by name, and writes nothing:', () => {
  const paths: readonly (readonly [string, () => unknown])[] = [
    ['a path with NUL', () => join(folder, 'a\0b')],
    ['an empty path', () => ''],
    ['a number', () => 5],
    ['no path', () => undefined],
    ['a URL that names no file', () => new URL('http://127.0.0.1/run.ckpt')],
    ['a file: URL with NUL', () => new URL(`file://${folder}/a%00b`)],
    ['a file: URL of another host', () => new URL('file://elsewhere/run.ckpt')],
  ];
  test.each(paths)('%s', async (_, pathOf) => {
    const model = await trained(adam());
    const dataset = makeDataset();
    const { state } = dataset;
    const given = pathOf() as string;
    const refusal = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/path must be a file's path/u) }; // prettier-ignore
    await expect(saveCheckpoint(given, { model, state })).rejects.toMatchObject(refusal);
    await expect(loadCheckpoint(given, { model })).rejects.toMatchObject(refusal);
    expect(() => checkpoints(given, { model, dataset })).toThrow(expect.objectContaining(refusal));
    expect(await readdir(folder)).toEqual([]);
  });

  const parts: readonly (readonly [string, unknown, RegExp])[] = [
    ['no parts', undefined, /model must be a model.*got undefined/u],
    ['null for parts', null, /model must be a model.*got undefined/u],
    ['no model', {}, /model must be a model.*got undefined/u],
    ['null for a model', { model: null }, /got null/u],
    ['a model that is none', { model: {} }, /got object/u],
    ['an optimizer that is none', { model: { getWeights: () => [] }, optimizer: 'adam' }, /optimizer must be.*string/u],
  ];
  test.each(parts)('%s', async (_, given, message) => {
    const refusal = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) };
    await expect(saveCheckpoint(path, given as never)).rejects.toMatchObject(refusal);
    await expect(loadCheckpoint(path, given as never)).rejects.toMatchObject(refusal);
    expect(() => checkpoints(path, given as never)).toThrow(expect.objectContaining(refusal));
    expect(await readdir(folder)).toEqual([]);
  });

  test('a dataset of another kind, and options that are none', async () => {
    const model = await save(adam());
    const dataset = { state: undefined, resume: () => undefined } as never;
    await expect(loadCheckpoint(path, { model, dataset }, { tf })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(loadCheckpoint(path, { model }, null as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
