import { fork, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { loadCheckpoint, saveCheckpoint } from '@dataref/tfjs';
import { announceSeed, runs } from '../../core/test/scale.js';
import { useBackend } from './backends.js';
import { makeDataset, makeModel, weightsHash } from './model.js';

const SAVE_FOREVER = fileURLToPath(new URL('./programs/save-forever.mjs', import.meta.url));

let folder: string;
let path: string;
let good: Buffer;
let goodHash: string;
beforeAll(async () => {
  await useBackend('cpu');
  folder = await mkdtemp(join(tmpdir(), 'dataref-checkpoint-'));
  path = join(folder, 'run.ckpt');
  const model = makeModel(tf.train.adam(0.01), 2);
  const dataset = makeDataset();
  await model.fitDataset(dataset, { epochs: 1, verbose: 0 });
  await saveCheckpoint(path, { model, state: dataset.state });
  good = await readFile(path);
  goodHash = weightsHash(model);
});
beforeEach(async () => {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
  await writeFile(path, good);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Loads into a fresh model, which must be as it was where that fails. */
async function load(units = 2): Promise<string> {
  const model = makeModel(tf.train.adam(0.01), units);
  const before = weightsHash(model);
  try {
    await loadCheckpoint(path, { model, dataset: makeDataset() });
    return weightsHash(model);
  } catch (error) {
    expect(weightsHash(model)).toBe(before);
    throw error;
  } finally {
    model.dispose();
    model.optimizer.dispose();
  }
}

test('a checkpoint has the layout of safetensors', async () => {
  expect(await load()).toBe(goodHash);
  const headerBytes = Number(good.readBigUInt64LE(0));
  const header = JSON.parse(good.subarray(8, 8 + headerBytes).toString()) as Record<string, any>;
  const { __metadata__: metadata, ...tensors } = header;
  expect(metadata).toMatchObject({ format: 'dataref-checkpoint', version: '1' });
  expect(JSON.parse(metadata.checkpoint)).toMatchObject({
    step: 7,
    optimizer: 'Adam',
    backend: 'cpu',
    state: { epoch: 1 },
  });
  const places = Object.values(tensors).map(({ data_offsets }) => data_offsets as [number, number]);
  places.reduce((end, [start, next]) => {
    expect(start).toBe(end);
    return next;
  }, 0);
  expect(good.length).toBe(8 + headerBytes + (places.at(-1)?.[1] ?? 0));
  expect(headerBytes % 8).toBe(0);
  const [name, kernel] = Object.entries(tensors)[0] as [string, any];
  expect(name).toMatch(/^model\.0\..*kernel$/u);
  expect(kernel).toMatchObject({ dtype: 'F32', shape: [12, 2] });
});

test('any byte that changed is found, and nothing is put into the model', async () => {
  const step = Math.max(1, Math.round(good.length / runs(1000)));
  for (let at = 0; at < good.length; at += step) {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
    await writeFile(path, bytes);
    await expect(load()).rejects.toMatchObject({ code: 'CORRUPT', details: { path } });
  }
}, 60_000);

test('a file cut off anywhere, or with bytes added, is refused', async () => {
  const step = Math.max(1, Math.round(good.length / runs(300)));
  for (let length = 0; length < good.length; length += step) {
    await writeFile(path, good.subarray(0, length));
    await expect(load()).rejects.toMatchObject({ code: 'CORRUPT' });
  }
  await writeFile(path, Buffer.concat([good, Buffer.from([0])]));
  await expect(load()).rejects.toMatchObject({ code: 'CORRUPT' });
}, 60_000);

describe('a hostile file is refused before memory is taken for what it claims:', () => {
  const withHeader = (header: unknown, dataBytes = 32): Buffer => {
    const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
  };
  const sum = { dtype: 'U8', shape: [32], data_offsets: [0, 32] };
  const metadata = { format: 'dataref-checkpoint', version: '1', checkpoint: '{}' };
  const tensor = (shape: unknown, offsets: unknown, dtype = 'F32') => ({ dtype, shape, data_offsets: offsets });
  const files: readonly [string, Buffer][] = [
    ['a header of 2^63 bytes', Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 128]), Buffer.alloc(64)])],
    ['a header larger than the file', Buffer.concat([Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]), Buffer.alloc(64)])],
    ['no JSON', withHeader('{"a":')],
    ['no UTF-8', withHeader('\u00ff'.repeat(4)).fill(255, 8, 12)],
    ['a list', withHeader('[1]')],
    ['null', withHeader('null')],
    ['no metadata', withHeader({ sha256: sum })],
    ['metadata that are numbers', withHeader({ __metadata__: { format: 1 }, sha256: sum })],
    ['no checksum', withHeader({ __metadata__: metadata, a: tensor([8], [0, 32]) })],
    ['a tensor of null', withHeader({ __metadata__: metadata, a: null, sha256: sum })],
    ['an unknown dtype', withHeader({ __metadata__: metadata, a: tensor([8], [0, 32], 'F8'), sha256: sum })],
    [
      'a shape of 2^53 elements',
      withHeader({ __metadata__: metadata, a: tensor([2 ** 50], [0, 2 ** 52]), sha256: sum }),
    ],
    [
      'sizes whose product overflows',
      withHeader({ __metadata__: metadata, a: tensor([2 ** 40, 2 ** 40], [0, 32]), sha256: sum }),
    ],
    ['a negative size', withHeader({ __metadata__: metadata, a: tensor([-8], [0, 32]), sha256: sum })],
    ['a fractional size', withHeader({ __metadata__: metadata, a: tensor([0.5], [0, 2]), sha256: sum })],
    ['many dimensions', withHeader({ __metadata__: metadata, a: tensor(Array(100).fill(1), [0, 4]), sha256: sum })],
    [
      'a hole',
      withHeader({ __metadata__: metadata, a: tensor([1], [8, 12]), sha256: { ...sum, data_offsets: [12, 44] } }, 44),
    ],
    [
      'an overlap',
      withHeader({ __metadata__: metadata, a: tensor([2], [0, 8]), sha256: { ...sum, data_offsets: [4, 36] } }, 36),
    ],
    [
      '100,000 tensors',
      withHeader(
        Object.fromEntries([
          ['__metadata__', metadata],
          ...Array.from({ length: 100_000 }, (_, i) => [`a${i}`, tensor([0], [0, 0])]),
        ]),
      ),
    ],
    ['no description', withHeader({ __metadata__: metadata, sha256: sum })],
    ['another format', withHeader({ __metadata__: { ...metadata, format: 'pt' }, sha256: sum })],
    ['another version', withHeader({ __metadata__: { ...metadata, version: '2' }, sha256: sum })],
    ['a deep description', withHeader({ __metadata__: { ...metadata, checkpoint: '['.repeat(1e5) }, sha256: sum })],
  ];
  test.each(files)('%s', async (_, bytes) => {
    await writeFile(path, bytes);
    await expect(load()).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  test('terabytes that a file of holes pretends to have', async () => {
    const size = 2 ** 41;
    const header = {
      __metadata__: metadata,
      'model.0.x': tensor([2 ** 39], [0, size]),
      sha256: { ...sum, data_offsets: [size, size + 32] },
    };
    const bytes = withHeader(header, 0);
    await writeFile(path, bytes);
    await truncate(path, bytes.length + size + 40);
    await expect(load()).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  test('a folder', async () => {
    await rm(path);
    await mkdir(path);
    await expect(load()).rejects.toMatchObject({ code: 'CORRUPT' });
  });
});

describe('a checkpoint of something else is refused by name:', () => {
  const refused = (message: RegExp) => ({ code: 'STATE_MISMATCH', message: expect.stringMatching(message) });

  test('another model', async () => {
    await expect(load(3)).rejects.toMatchObject(
      refused(/kernel is float32\[12,2\] there, and .*kernel is float32\[12,3\] here/u),
    );
    const small = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [3, 4] }), tf.layers.dense({ units: 2 })] });
    small.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    await expect(loadCheckpoint(path, { model: small })).rejects.toMatchObject(
      refused(/4 weights, such as .*, this one has 2/u),
    );
    const large = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [12], units: 2 }),
        tf.layers.dense({ units: 4 }),
        tf.layers.dense({ units: 4 }),
      ],
    });
    large.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    await expect(loadCheckpoint(path, { model: large })).rejects.toMatchObject(
      refused(/4 weights, this one 6, such as/u),
    );
  });

  test('another optimizer', async () => {
    const model = makeModel('sgd', 2);
    await expect(loadCheckpoint(path, { model })).rejects.toMatchObject(refused(/the optimizer Adam, here is SGD/u));
  });

  test('another dataset, and then the model is as it was', async () => {
    const model = makeModel('adam', 2);
    const before = weightsHash(model);
    const dataset = makeDataset(778);
    await expect(loadCheckpoint(path, { model, dataset })).rejects.toMatchObject(
      refused(/shuffleSeed.*777 in the state, 778 here/u),
    );
    expect(weightsHash(model)).toBe(before);
  });
});

test('a checkpoint that cannot take its place leaves nothing behind', async () => {
  const target = join(folder, 'folder');
  await mkdir(join(target, 'inside'), { recursive: true });
  const model = makeModel('sgd');
  const { state } = makeDataset();
  await expect(saveCheckpoint(target, { model, state })).rejects.toMatchObject({ code: 'STORE_FAILED' });
  expect(await readdir(folder)).toEqual(['folder', 'run.ckpt']);
  await saveCheckpoint(join(folder, 'new', 'deep', 'run.ckpt'), { model, state });
  expect(await readdir(join(folder, 'new', 'deep'))).toEqual(['run.ckpt']);
});

interface Report {
  readonly loaded?: number;
  readonly saved?: number;
  readonly code?: string;
  readonly errno?: string;
}

/** Runs the program until it ends, or is killed `killAfterMs` after its first save; gives what it reported. */
async function saveForever(times: number, killAfterMs?: number, limitBlocks?: number): Promise<Report[]> {
  const reports: Report[] = [];
  const child: ChildProcess =
    limitBlocks === undefined
      ? fork(SAVE_FOREVER, [path, String(times)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      : fork(SAVE_FOREVER, [path, String(times)], {
          execPath: 'bash',
          execArgv: ['-c', `ulimit -f ${limitBlocks}; exec "$0" "$@"`, process.execPath],
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        });
  child.on('message', (report: Report) => {
    if (report.saved !== undefined && killAfterMs !== undefined && !reports.some(({ saved }) => saved !== undefined)) {
      setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    }
    reports.push(report);
  });
  await new Promise((resolve) => child.on('close', resolve));
  return reports;
}

test('a process that is killed while it saves leaves a whole checkpoint, not older than the last that was reported', async () => {
  await rm(path);
  const seed = announceSeed('killed while saving');
  const random = (i: number): number => Math.abs(Math.sin(seed + i)) % 1;
  let last = 0;
  for (let i = 0; i < runs(10); i++) {
    const reports = await saveForever(Infinity, random(i) * 60);
    expect(reports[0]?.loaded).toBeGreaterThanOrEqual(last);
    last = Math.max(...reports.map(({ saved = 0 }) => saved));
  }
  const [loaded] = await saveForever(1);
  expect(loaded?.loaded).toBeGreaterThanOrEqual(last);
  expect(await readdir(folder)).toEqual(['run.ckpt']);
}, 120_000);

test('a disk that is full in the middle leaves the old checkpoint whole', async () => {
  await rm(path);
  await saveForever(1);
  const old = await readFile(path);
  const reports = await saveForever(1, undefined, 32);
  expect(reports.at(-1)).toEqual({ code: 'DISK_FULL', errno: 'EFBIG' });
  expect(await readFile(path)).toEqual(old);
  expect(await readdir(folder)).toEqual(['run.ckpt']);
}, 60_000);
