import { execFile } from 'node:child_process';
import { cpSync, createReadStream, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, jest, test } from '@jest/globals';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { onnxModel, openCatalog, tfModel, type Catalog } from '@dataref/catalog';
import { dense, relu, sequential, sgd, softmaxCrossEntropy } from '@dataref/onnx/graph';
import * as fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { failure } from '../../core/test/expect-error.js';
import { announceSeed, runs } from '../../core/test/scale.js';
import { tempFolder } from '../../core/test/temp-folder.js';

jest.setTimeout(300_000);
const testSeed = announceSeed('catalog/onnx-models');
const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
/** Made by onnx, with what its reference evaluator computes: golden/onnx/make.py. */
const GOLDEN = join(HERE, 'golden/onnx');
const { x: ROWS, y: EXPECTED } = JSON.parse(readFileSync(join(GOLDEN, 'outputs.json'), 'utf8')) as {
  readonly x: readonly number[][];
  readonly y: Readonly<Record<'chain' | 'branches', readonly number[][]>>;
};
const network = sequential({
  input: { name: 'x', shape: [4] },
  layers: [dense(8), relu(), dense(3)],
  loss: softmaxCrossEntropy({ labels: 'label' }),
  optimizer: sgd(),
});

const open = (store = new MemoryStore()): Catalog => openCatalog(new ObjectStorage(store));

async function outputsOf(session: ort.InferenceSession): Promise<number[]> {
  const x = new ort.Tensor('float32', Float32Array.from(ROWS.flat()), [ROWS.length, 4]);
  const outputs = await session.run({ x });
  await session.release();
  const { data } = outputs[session.outputNames[0] as string] as ort.Tensor;
  return [...(data as Float32Array)];
}

async function elsewhere(folder: string, name: string): Promise<number[]> {
  const args = [join(HERE, 'onnx-process.mjs'), folder, name, JSON.stringify(ROWS)];
  return JSON.parse((await run(process.execPath, args)).stdout) as number[];
}

function expectNear(got: readonly number[], expected: readonly number[][]): void {
  expect(got.length).toBe(expected.flat().length);
  expected.flat().forEach((value, i) => expect(got[i]).toBeCloseTo(value, 4));
}

describe('a model that is saved under a name computes the same in another process', () => {
  test('what @dataref/onnx/graph builds, its versions and tags', async () => {
    const folder = tempFolder();
    const catalog = openCatalog(new FileStorage(folder));
    const graphs = [1, 2].map((seed) => network.inferenceGraph(network.initialState(seed)));
    const expected: number[][] = [];
    for (const [i, graph] of graphs.entries()) {
      const saved = await onnxModel(catalog, 'team/digits', { tags: [`run${i + 1}`], metadata: { i } }).save(graph);
      expect(saved).toMatchObject({ kind: 'blob', version: i + 1, byteLength: graph.length, tags: [`run${i + 1}`] });
      expected.push(await outputsOf(await ort.InferenceSession.create(graph)));
    }
    expect(expected[0]).not.toEqual(expected[1]);
    expect(await elsewhere(folder, 'team/digits')).toEqual(expected[1]);
    expect(await elsewhere(folder, 'team/digits@1')).toEqual(expected[0]);
    expect(await elsewhere(folder, 'team/digits@run1')).toEqual(expected[0]);
    expect(Buffer.from(await catalog.loadBlob('team/digits@1')).equals(graphs[0] as Uint8Array)).toBe(true);
    // A graph of training steps, which has its parameters for inputs, is a model too.
    await onnxModel(catalog, 'team/step').save(network.trainingGraph);
    const step = await onnxModel(catalog, 'team/step').load({ ort, sessionOptions: { intraOpNumThreads: 1 } });
    expect(step.outputNames).toContain('dense1.weight.out');
    await step.release();
  });

  test.each([
    ['chain', 'chain.onnx'],
    ['branches', 'branches.onnx'],
    ['chain', 'one-file/chain.onnx'], // a tensor of an attribute is in the file, too
    ['chain', 'file-each/chain.onnx'],
  ] as const)('%s in the file %s, by its path', async (name, file) => {
    const folder = tempFolder();
    const catalog = openCatalog(new FileStorage(folder));
    const path = join(GOLDEN, file);
    await onnxModel(catalog, 'path').save(path);
    await onnxModel(catalog, 'url').save(pathToFileURL(path));
    const expected = await outputsOf(await ort.InferenceSession.create(path));
    expectNear(expected, EXPECTED[name]);
    expect(await elsewhere(folder, 'path')).toEqual(expected);
    expect(await outputsOf(await onnxModel(catalog, 'url').load({ ort }))).toEqual(expected);
    const { model, externalData } = await onnxModel(catalog, 'path').loadBytes();
    expect(Buffer.from(model).equals(readFileSync(path))).toBe(true);
    for (const { path: other, data } of externalData)
      expect(Buffer.from(data).equals(readFileSync(join(dirname(path), other)))).toBe(true);
    expect(await outputsOf(await ort.InferenceSession.create(model, { externalData }))).toEqual(expected);
    // What was loaded can be saved as it is, files and all.
    await onnxModel(catalog, 'copy').save(await catalog.loadBlob('path'));
    expect(await outputsOf(await onnxModel(catalog, 'copy').load({ ort }))).toEqual(expected);
  });

  test('a stream of its bytes, and one that saveBlob saved', async () => {
    const catalog = open();
    const path = join(GOLDEN, 'branches.onnx');
    await onnxModel(catalog, 'stream').save(createReadStream(path, { highWaterMark: 7 }));
    await catalog.saveBlob('blob', readFileSync(path));
    for (const name of ['stream', 'blob'])
      expectNear(await outputsOf(await onnxModel(catalog, name).load({ ort })), EXPECTED.branches);
  });
});

test('a large file is passed on in pieces of at most a mebibyte', async () => {
  const folder = tempFolder();
  cpSync(join(GOLDEN, 'one-file'), folder, { recursive: true });
  const bytes = 40 * 2 ** 20;
  truncateSync(join(folder, 'weights/chain.bin'), bytes); // longer than what lies in it
  const store = new MemoryStore();
  const create = store.create.bind(store);
  const pieces: number[] = [];
  store.create = async (...args) => {
    const writer = await create(...args);
    return { ...writer, write: (piece) => (pieces.push(piece.length), writer.write(piece)) };
  };
  const { byteLength } = await onnxModel(open(store), 'large').save(join(folder, 'chain.onnx'));
  expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(byteLength);
  expect(byteLength).toBeGreaterThan(bytes);
  expect(Math.max(...pieces)).toBeLessThanOrEqual(2 ** 20);
});

/** Whether it can be saved; what cannot leaves nothing. */
async function isTaken(bytes: Uint8Array, pieceLength = bytes.length): Promise<boolean> {
  const store = new MemoryStore();
  const pieces = Array.from({ length: Math.ceil(bytes.length / Math.max(1, pieceLength)) }, (_, i) =>
    bytes.subarray(i * pieceLength, (i + 1) * pieceLength),
  );
  try {
    await onnxModel(open(store), 'm').save(pieces);
    return true;
  } catch (error) {
    expect(error).toEqual(failure('INVALID_ARGUMENT', /^onnxModel: the model .*; give what an exporter has written/u));
    expect(await store.listFolders('')).toEqual([]);
    return false;
  }
}

async function canRun(bytes: Uint8Array): Promise<boolean> {
  const session = await ort.InferenceSession.create(bytes).catch(() => undefined);
  await session?.release();
  return session !== undefined;
}

test.each(['chain.onnx', 'branches.onnx'])(
  'a cut short %s is refused at whatever byte onnxruntime refuses it, in pieces of any length',
  async (name) => {
    const bytes = readFileSync(join(GOLDEN, name));
    const step = Math.max(1, Math.round(bytes.length / runs(bytes.length)));
    const ends = new Set(Array.from({ length: bytes.length }, (_, i) => i).filter((i) => i % step === 0));
    ends.add(bytes.lastIndexOf('made') - 4); // before what is said of it, which it may lack
    for (const end of [...ends, bytes.length])
      expect([end, await isTaken(bytes.subarray(0, end), 1 + (end % 50))]).toEqual([
        end,
        end > 0 && (await canRun(bytes.subarray(0, end))),
      ]);
  },
);

test('whatever onnxruntime takes is taken, and other bytes are refused or saved, but never throw anything else', async () => {
  const model = readFileSync(join(GOLDEN, 'branches.onnx'));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(model.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 300 }),
      async (changes, pieceLength) => {
        const bytes = new Uint8Array(model);
        for (const [at, byte] of changes) bytes[at] = byte;
        const taken = await isTaken(bytes, pieceLength);
        if (!taken) expect(await canRun(bytes)).toBe(false);
      },
    ),
    { seed: testSeed, numRuns: runs(1000) },
  );
});

/** A graph in an attribute of a node in a graph, and so on. */
function nested(depth: number): Buffer {
  let bytes = Buffer.alloc(0);
  for (let i = depth; i > 0; i--) {
    const tag = i === 1 ? 0x3a : [0x0a, 0x2a, 0x32][(i + 1) % 3];
    bytes = Buffer.from([tag as number, 0x80 | (bytes.length & 0x7f), bytes.length >> 7, ...bytes]);
  }
  return bytes;
}

test.each([
  ['nothing', [], /the model has no bytes/u],
  [
    'a pointer of Git LFS',
    [...Buffer.from('version https://git-lfs.github.com/spec/v1\n')],
    /begins with "version https:/u,
  ],
  ['a page', [...Buffer.from('<!doctype html>\n<p>404</p>')], /is no ONNX model: it begins with "<!doctype html>/u],
  ['an image', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13], /is no ONNX model/u],
  ['an archive', [0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0], /is no ONNX model/u],
  ['a file of safetensors', [8, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('{"a":{}}')], /is no ONNX model/u],
  ['a model of ORT', [24, 0, 0, 0, ...Buffer.from('ORTM'), 0, 0, 0, 0], /is no ONNX model/u],
  ['a message of another kind', [8, 1, 0x12, 1, 97], /has no graph/u],
  ['fields without end', Array.from({ length: 30 }, () => 0xff), /is no ONNX model/u],
  ['a thousand messages in one another', [...nested(1000)], /is no ONNX model/u],
])('%s is no model: it is refused, and nothing is left', async (_, bytes, message) => {
  const store = new MemoryStore();
  const saved = onnxModel(open(store), 'm').save(Uint8Array.from(bytes));
  await expect(saved).rejects.toThrow(failure('INVALID_ARGUMENT', message));
  expect(await store.listFolders('')).toEqual([]);
});

test.each([
  ['a network', network, /network\.inferenceGraph\(parameters\)/u],
  ['a graph that was not asked for', network.inferenceGraph, /network\.inferenceGraph\(parameters\)/u],
  ['an ArrayBuffer', new ArrayBuffer(8), /new Uint8Array\(buffer\)/u],
  ['undefined', undefined, /got undefined: the path of a model's file/u],
  ['a promise', Promise.resolve(new Uint8Array(1)), /await it/u],
  ['pieces of text', ['a'], /each piece/u],
  ['a folder', GOLDEN, /is a folder/u],
  ['an address', new URL('https://example.org/model.onnx'), /file: URL/u],
])('%s is refused, saying what to give', async (_, model, message) => {
  await expect(onnxModel(open(), 'm').save(model as never)).rejects.toThrow(failure('INVALID_ARGUMENT', message));
});

describe('tensors in files beside the model', () => {
  const copied = (): string => {
    const folder = tempFolder();
    cpSync(join(GOLDEN, 'one-file'), folder, { recursive: true });
    return folder;
  };
  const saved = (path: string): Promise<unknown> => onnxModel(open(), 'm').save(path);

  test('are not there with bytes alone', async () => {
    const bytes = readFileSync(join(GOLDEN, 'one-file/chain.onnx'));
    await expect(onnxModel(open(), 'm').save(bytes)).rejects.toThrow(
      failure('INVALID_ARGUMENT', /tensors in the file weights\/chain\.bin beside it; give the path of the model/u),
    );
    const catalog = open();
    await catalog.saveBlob('m', bytes);
    await expect(onnxModel(catalog, 'm').load({ ort })).rejects.toThrow(
      failure('CORRUPT', /m has tensors in a file that is not kept with it: save it by its path/u),
    );
  });

  test('are looked for: a file that is missing, and one that is cut short', async () => {
    const folder = copied();
    const data = join(folder, 'weights/chain.bin');
    const bytes = readFileSync(data);
    writeFileSync(data, bytes.subarray(0, -1));
    await expect(saved(join(folder, 'chain.onnx'))).rejects.toThrow(
      failure(
        'INVALID_ARGUMENT',
        /chain\.bin has 1119 bytes, and tensors of chain\.onnx in its first 1120: it is cut short/u,
      ),
    );
    const missing = tempFolder();
    cpSync(join(GOLDEN, 'one-file/chain.onnx'), join(missing, 'chain.onnx'));
    await expect(saved(join(missing, 'chain.onnx'))).rejects.toThrow(
      failure(
        'NOT_FOUND',
        /chain\.onnx has tensors in weights\/chain\.bin, and .*chain\.bin cannot be read \(ENOENT\)/u,
      ),
    );
    await expect(saved(join(missing, 'other.onnx'))).rejects.toThrow(failure('NOT_FOUND', /other\.onnx/u));
  });

  test('may be links, as in caches of hubs', async () => {
    const [blobs, folder] = [copied(), tempFolder()];
    mkdirSync(join(folder, 'weights'));
    for (const name of ['chain.onnx', 'weights/chain.bin']) symlinkSync(join(blobs, name), join(folder, name));
    await expect(saved(join(folder, 'chain.onnx'))).resolves.toMatchObject({ kind: 'blob' });
  });

  test('must be in its folder, and not in a branch, where onnxruntime takes none from memory', async () => {
    for (const other of ['../weights/ch.bin', '/weights/chan.bin', 'C:/weight/cha.bin', 'weights\\..\\..\\b']) {
      const folder = copied();
      const path = join(folder, 'chain.onnx');
      const [from, to] = [Buffer.from('weights/chain.bin'), Buffer.from(other.padEnd(17, 'n'))];
      const bytes = readFileSync(path);
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from)) bytes.set(to, at);
      writeFileSync(path, bytes);
      await expect(saved(path)).rejects.toThrow(failure('INVALID_ARGUMENT', /in the model's own folder alone/u));
    }
    const path = join(GOLDEN, 'branches-in-file/branches.onnx');
    await expect(saved(path)).rejects.toThrow(
      failure('INVALID_ARGUMENT', /of a branch or a function in the file branches\.bin.*as one file/u),
    );
    const externalData = [{ path: 'branches.bin', data: readFileSync(join(dirname(path), 'branches.bin')) }];
    await expect(ort.InferenceSession.create(readFileSync(path), { externalData })).rejects.toThrow(/branches\.bin/u);
  });
});

test('what is no ONNX model is not loaded as one', async () => {
  const catalog = open();
  await catalog.save('table', [{ a: 1 }]);
  await catalog.saveBlob('text', Buffer.from('some text'));
  await tfModel(catalog, 'tf').save({ modelTopology: {}, weightData: new ArrayBuffer(8) });
  const load = (name: string, options: object = { ort }): Promise<unknown> => onnxModel(catalog, name).load(options);
  await expect(load('table')).rejects.toThrow(failure('INVALID_ARGUMENT', /"table" is a table/u));
  await expect(load('text')).rejects.toThrow(failure('CORRUPT', /text is no ONNX model: .*: use loadBlob/u));
  await expect(load('tf')).rejects.toThrow(failure('CORRUPT', /tf is no ONNX model/u));
  await expect(load('none')).rejects.toThrow(failure('NOT_FOUND', /none/u));
  await expect(load('text', { ort: {} })).rejects.toThrow(failure('INVALID_ARGUMENT', /ort must be onnxruntime/u));
  await expect(load('text', { session: {} })).rejects.toThrow(failure('INVALID_ARGUMENT', /unknown option "session"/u));
  await expect(load('text', { ort, sessionOptions: 1 })).rejects.toThrow(
    failure('INVALID_ARGUMENT', /sessionOptions/u),
  );
});

test('an abort ends a save and a load', async () => {
  const options = { signal: AbortSignal.abort(new Error('enough')) };
  const catalog = open();
  await expect(onnxModel(catalog, 'm', options).save(join(GOLDEN, 'chain.onnx'))).rejects.toThrow('enough');
  await onnxModel(catalog, 'm').save(join(GOLDEN, 'chain.onnx'));
  await expect(onnxModel(catalog, 'm', options).load({ ort })).rejects.toThrow('enough');
});

test('without onnxruntime models are saved, a session says what to install, and the types of the rest are there', async () => {
  const folder = tempFolder();
  const modules = join(folder, 'node_modules');
  const packages = join(HERE, '../..');
  const dependencies = ['core', 'catalog'].flatMap((name) => {
    for (const part of ['package.json', 'dist'])
      cpSync(join(packages, name, part), join(modules, '@dataref', name, part), { recursive: true });
    const manifest = readFileSync(join(packages, name, 'package.json'), 'utf8');
    return Object.keys((JSON.parse(manifest) as { readonly dependencies: object }).dependencies);
  });
  const types = ['apache-arrow', 'flatbuffers', '@types/node', 'undici-types', '@types/command-line-args', '@types/command-line-usage']; // prettier-ignore
  for (const name of new Set([...dependencies, ...types])) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(packages, '../node_modules', name), join(modules, name));
  }
  const program = `
    import { FileStorage } from '@dataref/core/fs';
    import { onnxModel, openCatalog } from '@dataref/catalog';
    const model = onnxModel(openCatalog(new FileStorage('data')), 'm');
    await model.save(${JSON.stringify(join(GOLDEN, 'chain.onnx'))});
    const { length } = (await model.loadBytes()).model;
    await model.load().catch(({ code, message }) => console.log(JSON.stringify({ length, code, message })));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual({
    length: readFileSync(join(GOLDEN, 'chain.onnx')).length,
    code: 'MISSING_PACKAGE',
    message: expect.stringContaining('npm i onnxruntime-node'),
  });
  writeFileSync(
    join(folder, 'program.mts'),
    `${program}\n// @ts-expect-error -- bytes are no text\nconst text: string = (await model.loadBytes()).model;\n`,
  );
  const flags = '--noEmit --strict --target es2022 --module nodenext --types node --skipLibCheck false'.split(' ');
  const tsc = join(packages, '../node_modules/typescript/bin/tsc');
  const args = [tsc, ...flags, '--preserveSymlinks', 'program.mts'];
  const { stdout: complaints } = await run(process.execPath, args, { cwd: folder }).catch(
    (error: { stdout: string }) => error,
  );
  expect(complaints).toBe('');
});
