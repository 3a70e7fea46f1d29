import { describe, expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSchema } from '../../dist/schema/schema.js';
import * as fc from 'fast-check';
import { field, isDataRefError, type Schema } from '@dataref/core';
import { crc32 } from '../../dist/checksum/crc32.js';
import { decodeManifest } from '../../dist/format/manifest.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { failure } from '../expect-error.js';
import { announceSeed, runs } from '../scale.js';
import { storageOver, storeParts } from '../storage/stored.js';
import { tempFolder } from '../temp-folder.js';

jest.setTimeout(600_000);
const seed = announceSeed('format/hostile-manifest');

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = Record<string, Json>;
// oxlint-disable-next-line typescript/no-explicit-any -- a document to be spoilt at any place
type Draft = any;

const SCHEMA = {
  image: field('uint8', [20]),
  n: field('int16'),
  text: field('string'),
  boxes: field('float32', [null, 4]),
};
const record = {
  image: { dtype: 'uint8', shape: [20], data: new Uint8Array(20) },
  n: 1,
  text: 'abc',
  boxes: { dtype: 'float32', shape: [2, 4], data: new Float32Array(8) },
};

async function stored() {
  const store = new MemoryStore();
  await storeParts(store, SCHEMA, [record, record, record] as never[], [1, 2]);
  const text = new TextDecoder().decode((await store.get('a/1/dataset.json', 2 ** 20))?.bytes);
  return { store, manifest: JSON.parse(text) as JsonObject };
}

/** A manifest of any content, with the right checksum. */
function sealed(manifest: JsonObject | string): Uint8Array {
  let text = manifest;
  if (typeof text !== 'string') {
    const { crc32: _, ...rest } = text;
    text = JSON.stringify(rest, null, 2).slice(0, -2);
  }
  const bytes = new TextEncoder().encode(text);
  return new TextEncoder().encode(`${text},\n  "crc32": ${crc32(bytes)}\n}\n`);
}

/** What comes of fetching and reading a dataset: nothing but its values or errors of ours. */
async function tryAll(store: MemoryStore): Promise<string> {
  const storage = storageOver(store, { memoryLimitBytes: 2 ** 24 });
  const codes: string[] = [];
  const note = (error: unknown): void => {
    if (!isDataRefError(error)) throw error;
    codes.push(error.code);
  };
  try {
    const dataref = await storage.fetch('a', '1');
    if (dataref.length > 0) await dataref.at(dataref.length - 1).catch(note);
    await dataref.read([0].slice(0, dataref.length)).catch(note);
    const batches = dataref.stream().batch(2)[Symbol.asyncIterator]();
    for (let i = 0; i < 4; i++) if ((await batches.next().catch(note))?.done !== false) break;
    await batches.return?.();
  } catch (error) {
    note(error);
  }
  await storage.info('a', '1').catch(note);
  await storage.verify('a', '1').catch(note);
  await storage.vacuum({ graceMs: 0 }).catch(note);
  return codes.join();
}

function at(manifest: JsonObject, change: (manifest: Draft) => void): JsonObject {
  const copy = structuredClone(manifest);
  change(copy);
  return copy;
}

let deep: Json = { dtype: 'int8', shape: [] };
for (let i = 0; i < 65; i++) deep = { a: deep };
const deepSchema = deep;
const part = (change: JsonObject) => (m: { parts: object[] }) => void (m.parts[0] = { ...m.parts[0], ...change });

const arrowBytes = (m: Draft) => m.parts.reduce((sum: number, { byteLength }: Draft) => sum + byteLength, 0);

const HOSTILE: [string, (m: Draft) => void, RegExp][] = [
  ['a generation that leads out', (m) => (m.generation = '../../../x'), /generation is malformed/],
  ['a generation of another form', (m) => (m.generation = '0123456789ABCDEF'), /generation is malformed/],
  ['the id of another', (m) => (m.id = '../x'), /is the manifest of \.\.\/x@1/],
  [
    'an id that steers a terminal',
    (m) => (m.id = '\u001b[2J\u009bx\n'),
    /is the manifest of \\u\{1b\}\[2J\\u\{9b\}x\\u\{a\}@1/,
  ],
  ['an id that is none', (m) => (m.id = { a: 1 }), /is the manifest of/],
  ['2^53 records', (m) => (m.length = 2 ** 53), /length is 9007199254740992/],
  ['more records than its parts have', (m) => (m.length = 4), /says 4 records, its parts have 3/],
  ['more bytes than its files have', (m) => (m.byteLength += 1), /says \d+ bytes, the files of its parts have \d+/],
  ['the bytes of its Arrow files alone', (m) => (m.byteLength = arrowBytes(m)), /says \d+ bytes, the files/],
  ['a negative length', (m) => (m.length = -1), /length is -1/],
  [
    'a part of 2^52 records',
    (m) => ((m.length = 2 ** 52 + 2), part({ records: 2 ** 52 })(m)),
    /part 0: a buffer is larger/,
  ],
  ['a part of a billion records', (m) => ((m.length = 1e9 + 2), part({ records: 1e9 })(m)), /part 0: /],
  ['2^53 bytes of values', part({ valueBytes: [2 ** 53, 0] }), /part 0: valueBytes is 9007199254740992/],
  ['2^31 bytes of values', part({ valueBytes: [2 ** 31, 0], byteLength: 2 ** 40 }), /part 0: a buffer is larger/],
  ['values past the end of the file', part({ valueBytes: [3, 1_000_000] }), /part 0: its buffers end at byte/],
  ['a body past the end of the file', part({ bodyStart: 2 ** 40 }), /part 0: its buffers end at byte/],
  ['a negative body', part({ bodyStart: -8 }), /part 0: bodyStart is -8/],
  ['a body between words', part({ bodyStart: 4 }), /part 0: its buffers end/],
  ['a head of another size', part({ headBytes: 2 ** 50 }), /part 0: its head has 1125899906842624 bytes/],
  ['too few values', part({ valueBytes: [3] }), /part 0: valueBytes must list 2 sizes/],
  ['a part that is none', (m) => (m.parts[0] = 7), /part 0: is no object/],
  ['parts that are no list', (m) => (m.parts = { length: 2 ** 40 }), /parts is no list/],
  ['no parts', (m) => delete m.parts, /parts is no list/],
  ['a time that is none', (m) => (m.createdAt = '2024-99-99T99:99:99.000Z'), /createdAt/],
  ['a fingerprint that is none', (m) => (m.fingerprint = 'sha256:'), /fingerprint is malformed/],
  ['a schema of 65 levels', (m) => (m.schema = deepSchema), /more than 64 levels/],
  [
    'a schema of 5,000 columns',
    (m) => (m.schema = Array.from({ length: 5000 }, () => field('int8'))),
    /more than 4096 columns/,
  ],
  ['an unknown dtype', (m) => (m.schema.n.dtype = 'complex64'), /unknown dtype "complex64"/],
  ['a dtype named constructor', (m) => (m.schema.n.dtype = 'constructor'), /unknown dtype/],
  ['a negative size', (m) => (m.schema.image.shape = [-1]), /size -1/],
  ['a size that is text', (m) => (m.schema.image.shape = ['20']), /size "20"/],
  ['a record of 2^60 bytes', (m) => (m.schema.image.shape = [2 ** 30, 2 ** 30]), /at most 2\^31/],
  ['a thousand dimensions', (m) => (m.schema.image.shape = new Array(1000).fill(1)), /more than 32 dimensions/],
  ['a schema that is null', (m) => (m.schema = null), /must be a field.*, got null/],
  ['a schema without columns', (m) => (m.schema = {}), /at least one column/],
];

describe('a manifest with the right checksum and bad content', () => {
  test.each(HOSTILE)('%s is CORRUPT, saying what', async (_, change, message) => {
    const { store, manifest } = await stored();
    await store.put('a/1/dataset.json', sealed(at(manifest, change)));
    await expect(storageOver(store).fetch('a', '1')).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(message),
    });
    await tryAll(store);
  });

  test('a column called __proto__ is CORRUPT, and changes no object', async () => {
    const { store, manifest } = await stored();
    const text = JSON.stringify(manifest, null, 2).replace(
      '"schema": {',
      '"schema": { "__proto__": {"dtype":"int8","shape":[]},',
    );
    await store.put('a/1/dataset.json', sealed(text.slice(0, text.lastIndexOf(',\n  "crc32"'))));
    await expect(storageOver(store).fetch('a', '1')).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/__proto__/u),
    });
    expect(({} as { dtype?: string }).dtype).toBeUndefined();
  });

  test('a schema of 100,000 levels is CORRUPT', async () => {
    const { store, manifest } = await stored();
    const levels = 100_000;
    const text = JSON.stringify({ ...manifest, schema: 'SCHEMA' }, null, 2).replace(
      '"SCHEMA"',
      `${'{"a":'.repeat(levels)}{"dtype":"int8","shape":[]}${'}'.repeat(levels)}`,
    );
    await store.put('a/1/dataset.json', sealed(text.slice(0, text.lastIndexOf(',\n  "crc32"'))));
    await expect(storageOver(store).fetch('a', '1')).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(/more than 64 levels/u),
    });
  });

  test('a newer format is UNSUPPORTED, naming both versions', async () => {
    const { store, manifest } = await stored();
    await store.put('a/1/dataset.json', sealed(at(manifest, (m) => (m.formatVersion = 3))));
    await expect(storageOver(store).fetch('a', '1')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/format version 3, this release reads 1 and 2/u),
    });
  });

  test.each(['', '{', '[]', 'null', '"x"', '7', '\0'.repeat(100), '{"format":"dataref-dataset"}', '['.repeat(100_000)])(
    'no manifest at all: %.20s',
    async (text) => {
      const { store } = await stored();
      await store.put('a/1/dataset.json', new TextEncoder().encode(text));
      await expect(storageOver(store).fetch('a', '1')).rejects.toMatchObject({ code: 'CORRUPT' });
    },
  );
});

const number = fc.oneof(
  fc.constantFrom(-1, 0, 0.5, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 52, 2 ** 53, 1e300, -0),
  fc.integer(),
  fc.nat({ max: 300 }),
);
const junk = fc.oneof(
  { weight: 4, arbitrary: number },
  fc.constantFrom<Json>(null, true, '', '../x', '__proto__', 'float64', [], {}, { dtype: 'int8', shape: [] }),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
);

/** Every path to a value of a JSON document. */
function pathsOf(value: Json, path: string[] = []): string[][] {
  const children = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [...(path.length > 0 ? [path] : []), ...children.flatMap(([key, child]) => pathsOf(child, [...path, key]))];
}

function replaced(value: Json, [key, ...rest]: string[], by: Json | undefined): Json {
  if (key === undefined) return by as Json;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, child]): [string, Json][] => {
    if (name !== key) return [[name, child]];
    return rest.length === 0 && by === undefined ? [] : [[name, replaced(child, rest, by)]];
  });
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries);
}

test('any change of any values of a manifest: never a crash, a hang or a read outside, only errors of ours', async () => {
  const { store, manifest } = await stored();
  const files: [string, Uint8Array][] = [];
  for await (const { key } of store.list('')) files.push([key, (await store.get(key, 2 ** 20))!.bytes]);
  const change = fc.record({ where: fc.nat(), by: fc.option(junk, { nil: undefined, freq: 6 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      let mutant: Json = manifest;
      for (const { where, by } of changes) {
        const paths = pathsOf(mutant).filter((path) => path[0] !== 'layout' && path[0] !== 'crc32');
        mutant = replaced(mutant, paths[where % paths.length] as string[], by);
      }
      const own = new MemoryStore();
      for (const [key, bytes] of files) await own.put(key, bytes);
      await own.put('a/1/dataset.json', sealed(mutant as JsonObject));
      await tryAll(own);
    }),
    { seed, numRuns: runs(6000) },
  );
});

/** Manifests that agree with themselves, and not with the files. */
const CONTRADICTING: [string, (m: Draft) => void, RegExp][] = [
  ['another dtype of the same size', (m) => (m.schema.n.dtype = 'uint16'), /column n is not of the type for uint16/],
  ['a float for an integer', (m) => (m.schema.n.dtype = 'float16'), /column n is not of the type for float16/],
  ['bool for uint8', (m) => (m.schema.image.dtype = 'bool'), /another schema/],
  ['bytes for text', (m) => (m.schema.text.dtype = 'bytes'), /column text is not of the type for bytes/],
  ['another shape of the same size', (m) => (m.schema.image.shape = [4, 5]), /column image is not of the type/],
  ['another ragged shape', (m) => (m.schema.boxes.shape = [null, null]), /another schema/],
  [
    'columns in another order',
    (m) => {
      const { image, ...rest } = m.schema;
      m.schema = { ...rest, image };
    },
    /column 0 is image, not n/,
  ],
  [
    'a column of another name',
    (m) => {
      const { image, ...rest } = m.schema;
      m.schema = { picture: image, ...rest };
    },
    /column 0 is image, not picture/,
  ],
  ['a column more', (m) => (m.schema.more = { dtype: 'int8', shape: [0] }), /another schema/],
  ['a body that begins elsewhere', (m) => (m.parts[0].bodyStart -= 8), /its body begins at byte \d+, not \d+/],
  ["a body at the file's beginning", (m) => (m.parts[0].bodyStart = 0), /its metadata do not end/],
  [
    'values of other sizes',
    (m) => ((m.parts[0].valueBytes[0] += 16), (m.parts[0].valueBytes[1] -= 16)),
    /its buffer \d+ lies/,
  ],
  ['another fingerprint', (m) => (m.fingerprint = `sha256:${'0'.repeat(64)}`), /its records have the fingerprint/],
  ['no parts', (m) => ((m.parts = []), (m.length = 0), (m.byteLength = 0)), /its records have the fingerprint/],
];

describe('a manifest that contradicts its files is found by verify:', () => {
  test.each(CONTRADICTING)('%s', async (_, change, message) => {
    const { store, manifest } = await stored();
    const storage = storageOver(store);
    expect(await storage.verify('a', '1')).toEqual({ ok: true, problems: [] });
    await store.put('a/1/dataset.json', sealed(at(manifest, change)));
    const { ok, problems } = await storage.verify('a', '1');
    expect([ok, problems[0]]).toEqual([false, failure('CORRUPT', message)]);
    if (/fingerprint/u.test(message.source)) return; // which a copy does not compute
    const target = new MemoryStore();
    await expect(storage.copy('a', '1', storageOver(target))).rejects.toEqual(failure('CORRUPT', message));
    expect(await target.head('a/1/dataset.json')).toBeUndefined();
  });

  test('each part by itself', async () => {
    const { store, manifest } = await stored();
    await store.put('a/1/dataset.json', sealed(at(manifest, (m) => (m.schema.n.dtype = 'uint16'))));
    expect((await storageOver(store).verify('a', '1')).problems).toHaveLength(2);
  });
});

test('sizes that agree with one another but not with the files take no memory: a process with little of it reads on', async () => {
  const rows = 2 ** 26;
  const schema: Schema = { wide: field('uint8', [31]), text: field('string'), n: field('float64') };
  const records = [{ wide: { dtype: 'uint8', shape: [31], data: new Uint8Array(31) }, text: 'x', n: 1 }];
  const store = new MemoryStore();
  const manifest = await storeParts(store, schema, records as never[], [1]);
  const body = 32 * rows + 8 * rows; // more than there is, at any rate
  const [own] = manifest.parts;
  const headBytes = 4 * rows + 8 + 8 * rows + 4 * rows + 4 * rows;
  const byteLength = 2 * body + 2 ** 31;
  const claims = {
    ...manifest,
    format: 'dataref-dataset',
    formatVersion: 1,
    length: rows,
    byteLength: byteLength + headBytes,
    parts: [{ ...own, records: rows, byteLength, headBytes, valueBytes: [2 ** 31 - 8] }],
  } as unknown as JsonObject;
  expect(decodeManifest(sealed(claims), 'here', 'a', '1').length).toBe(rows); // it is believed so far
  const folder = tempFolder();
  for await (const { key } of store.list('')) {
    mkdirSync(join(folder, key, '..'), { recursive: true });
    writeFileSync(join(folder, key), (await store.get(key, 2 ** 20))!.bytes);
  }
  writeFileSync(join(folder, 'a/1/dataset.json'), sealed(claims));
  const fs = pathToFileURL(join(import.meta.dirname, '../../dist/fs.js')).href;
  const program = `
    import { FileStorage } from ${JSON.stringify(fs)};
    import { readFileSync } from 'node:fs';
    for (const options of [{}, { memoryLimitBytes: 0 }, { memoryLimitBytes: 2 ** 20, verifyReads: true }]) {
      const dataref = await new FileStorage(${JSON.stringify(folder)}, options).fetch('a', '1');
      const attempts = [() => dataref.at(0), () => dataref.read([0, ${rows - 1}]), () => dataref.select('n').at(5)];
      attempts.push(async () => { for await (const batch of dataref.stream().batch(64)) return batch; });
      for (const attempt of attempts) console.log(await attempt().then(() => 'read', (error) => error.code));
    }
    console.log(Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]) < 200_000 ? 'small' : 'large');
  `;
  const child = spawnSync(process.execPath, ['--max-old-space-size=64', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(child.stderr).toBe('');
  expect(child.stdout.trim().split('\n')).toEqual([...new Array(12).fill('CORRUPT'), 'small']);
});

test('of a schema with too many columns no more is looked at than there may be', () => {
  let looked = 0;
  const column = { dtype: 'int8', shape: [] };
  const columns = Object.defineProperties(
    {},
    Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [
        `c${i}`,
        { enumerable: true, value: new Proxy(column, { get: count }) },
      ]),
    ),
  );
  function count(target: object, key: string): unknown {
    looked++;
    return Reflect.get(target, key);
  }
  expect(() => parseSchema(columns)).toThrow(/more than 4096 columns/);
  expect(looked).toBeLessThan(10 * 4097);
});
