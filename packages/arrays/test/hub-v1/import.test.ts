import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { NDArray } from '@dataref/core';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { importHubV1, openArrays, slice, type ArrayDataset, type ChunkedArray, type HubFiles } from '@dataref/arrays';
import { failure } from '../../../core/test/expect-error.js';
import { tempFolder } from '../../../core/test/temp-folder.js';

interface Golden {
  readonly files: Readonly<Record<string, string>>;
  readonly arrays: Readonly<
    Record<string, { readonly dtype: string; readonly values: any; readonly shapes?: number[][] }>
  >;
}
/** What Hub 0.5.0 stored, and read back. */
const golden = JSON.parse(readFileSync(new URL('golden/hub-v1.json', import.meta.url), 'utf8')) as Golden;

const flat = (values: any): unknown[] => (Array.isArray(values) ? values.flatMap(flat) : [Number(values)]);
const emptyArrays = () => openArrays(new ObjectStorage(new MemoryStore()));

/** Hub's files, some of them changed. */
function files(changes: Readonly<Record<string, Uint8Array | string>> = {}): HubFiles {
  return {
    read: async (path) => {
      const changed = changes[path];
      if (changed !== undefined) return typeof changed === 'string' ? Buffer.from(changed) : changed;
      const stored = golden.files[path];
      return stored === undefined ? undefined : Buffer.from(stored, 'base64');
    },
  };
}

async function valuesOf(array: ChunkedArray): Promise<number[]> {
  return Array.from(((await array.get([])) as NDArray).data as ArrayLike<number>, Number);
}

test.each(Object.entries(golden.arrays).filter(([, { shapes }]) => shapes === undefined))(
  '%s has the values that Hub reads',
  async (name, { dtype, values }) => {
    const array = (await importHubV1(emptyArrays(), files(), name)) as ChunkedArray;
    expect([array.name, array.dtype]).toEqual([name, dtype]);
    expect(await valuesOf(array)).toEqual(flat(values));
  },
);

test('blocks of LZ4 that refer to those before are read', async () => {
  const array = (await importHubV1(emptyArrays(), files(), 'long')) as ChunkedArray;
  expect(await valuesOf(array)).toEqual(Array.from({ length: 40_000 }, (_, i) => Math.floor(i / 3)));
});

test('an array of records of their own shapes keeps them', async () => {
  const { shapes, values } = golden.arrays['dynamic']!;
  const array = (await importHubV1(emptyArrays(), files(), 'dynamic')) as ChunkedArray<'uint8'>;
  for (const [i, shape] of shapes!.entries()) {
    expect(await array.shapeOf(i)).toEqual(shape);
    expect(Array.from(((await array.get([i])) as NDArray<'uint8'>).data)).toEqual(flat(values[i]));
  }
});

test('a dataset is streamed, from a folder on disk, and its arrays have their names', async () => {
  const folder = tempFolder();
  for (const [path, bytes] of Object.entries(golden.files).filter(([name]) => name.startsWith('data/'))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), Buffer.from(bytes, 'base64'));
  }
  const arrays = emptyArrays();
  const told: number[] = [];
  const dataset = (await importHubV1(arrays, folder, 'data/train:all', {
    onProgress: ({ done, total }) => told.push(done / (total ?? 0)),
  })) as ArrayDataset;
  expect(told.at(-1)).toBe(1);
  const labels: bigint[] = [];
  for await (const record of dataset.stream()) labels.push((record as any).label);
  expect(labels).toEqual([0n, 1n, 2n, 3n, 4n]);
  expect(await (await arrays.openArray('data/train:image')).get([4, 1, 1])).toBeCloseTo(
    golden.arrays['data/train:image']!.values[4][1][1],
  );
});

test('chunks that were never written stay so', async () => {
  const store = new MemoryStore();
  const array = (await importHubV1(openArrays(new ObjectStorage(store)), files(), 'sparse')) as ChunkedArray;
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  expect(keys.filter((key) => !key.endsWith('zarr.json'))).toHaveLength(1);
  expect(await array.get([2, 0])).toBe(9);
  expect(await array.get([slice(3, 6), 0])).toMatchObject({ shape: [3] });
});

describe('refuses, and says where:', () => {
  const CHUNK = 'codecs/gzip:x/chunks/0-3_0-2';
  const chunk = Buffer.from(golden.files[CHUNK]!, 'base64');
  const refused = async (name: string, changes: Record<string, Uint8Array | string>, code: any, message: RegExp) =>
    expect(importHubV1(emptyArrays(), files(changes), name)).rejects.toThrow(failure(code, message));

  test('a pickle that calls something', async () => {
    // cos\nsystem\n(S'…'\ntR. — what pickle.loads would run
    const evil = Buffer.from("cos\nsystem\n(S'touch /tmp/owned'\ntR.");
    await refused(
      'codecs/gzip:x',
      { [CHUNK]: evil },
      'CORRUPT',
      /chunks\/0-3_0-2: .*opcode 0x63 at byte 0 is refused/u,
    );
  });

  test('a chunk cut off at any byte', async () => {
    for (let length = 0; length < chunk.length; length++)
      await refused('codecs/gzip:x', { [CHUNK]: chunk.subarray(0, length) }, 'CORRUPT', /chunks\/0-3_0-2: /u);
  });

  test('a chunk of which any byte is another: an error, or as many values', async () => {
    for (let at = 0; at < chunk.length; at++) {
      const flipped = Buffer.from(chunk);
      flipped[at]! ^= 0xff;
      await importHubV1(emptyArrays(), files({ [CHUNK]: flipped }), 'codecs/gzip:x').catch((error: unknown) =>
        expect(error).toEqual(failure('CORRUPT', /chunks\/0-3_0-2: /u)),
      );
    }
  });

  test('a chunk, and leaves nothing of its array', async () => {
    const arrays = emptyArrays();
    const damaged = files({ [CHUNK]: chunk.subarray(0, 9) });
    await expect(importHubV1(arrays, damaged, 'codecs/gzip:x')).rejects.toThrow(failure('CORRUPT', /chunks/u));
    expect(await arrays.has('codecs/gzip:x')).toBe(false);
    await importHubV1(arrays, files(), 'codecs/gzip:x');
  });

  test('a chunk of another array', async () => {
    const other = Buffer.from(golden.files['sparse/chunks/2-4_0-2']!, 'base64');
    await refused('codecs/gzip:x', { [CHUNK]: other }, 'CORRUPT', /its shape is \[2, 2\], expected \[3, 2\]/u);
  });

  test('a shape that would have no end as a text', async () => {
    // Each of 60 tuples has the one before it twice.
    const doubled = Array.from({ length: 60 }, (_, i) => [0x68, i, 0x86, 0x94]).flat();
    const shape = [0x8c, 5, ...Buffer.from('shape'), 0x4b, 1, 0x4b, 1, 0x86, 0x94, ...doubled];
    const laughs = Buffer.from([0x80, 4, 0x7d, 0x28, ...shape, 0x75, 0x2e]);
    await refused('codecs/gzip:x', { [CHUNK]: laughs }, 'CORRUPT', /its shape is no list of sizes/u);
  });

  test('a pipe that nobody writes to, and a folder', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'x/info.json'), { recursive: true });
    await expect(importHubV1(emptyArrays(), folder, 'x')).rejects.toThrow(
      failure('CORRUPT', /info\.json: is no file/u),
    );
    if (process.platform === 'win32') return;
    mkdirSync(join(folder, 'y'));
    execFileSync('mkfifo', [join(folder, 'y/info.json')]);
    await expect(importHubV1(emptyArrays(), folder, 'y')).rejects.toThrow(
      failure('CORRUPT', /info\.json: is no file/u),
    );
  });

  test('names that lead out, the paths of a dataset among them', async () => {
    await refused('../x', {}, 'INVALID_ID', /\.\.\/x/u);
    const info = JSON.stringify({ paths: { a: '../../etc/passwd' } });
    await refused('data/train:all', { 'data/train:all/info.json': info }, 'INVALID_ID', /etc\/passwd/u);
    const folder = tempFolder();
    mkdirSync(join(folder, 'x'));
    symlinkSync('/etc/hostname', join(folder, 'x/info.json'));
    await expect(importHubV1(emptyArrays(), folder, 'x')).rejects.toThrow(failure('CORRUPT', /leads out/u));
  });

  test.each([
    ['{', 'CORRUPT', /info\.json: is no JSON/u],
    ['[]', 'CORRUPT', /is no object/u],
    ['{"shape":[2],"chunk_shape":[1],"dtype":"<M8","compress":"gzip"}', 'UNSUPPORTED', /dtype: "<M8"/u],
    ['{"shape":[2],"chunk_shape":[1],"dtype":"<i4","compress":"x"}', 'UNSUPPORTED', /compress: "x"/u],
    ['{"shape":[2],"chunk_shape":[1,1],"dtype":"<i4","compress":"gzip"}', 'CORRUPT', /chunk_shape/u],
    ['{"shape":[1e15],"chunk_shape":[1e15],"dtype":"<i4","compress":"gzip"}', 'CORRUPT', /chunk_shape/u],
    ['{"shape":[-1],"chunk_shape":[1],"dtype":"<i4","compress":"gzip"}', 'CORRUPT', /shape/u],
    ['{"shape":[2],"chunk_shape":[1],"dtype":"<i4","compress":"gzip","darray":"../../x"}', 'INVALID_ID', /x/u],
    ['{"paths":{}}', 'CORRUPT', /paths/u],
  ] as const)('info.json %s', (info, code, message) =>
    refused('codecs/gzip:x', { 'codecs/gzip:x/info.json': info }, code, message),
  );

  test('what is not there', () => refused('nothing', {}, 'NOT_FOUND', /nothing\/info\.json/u));
});
