import { beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openArrays, type Arrays } from '@dataref/arrays';
import { failure } from '../../core/test/expect-error.js';

let store: MemoryStore;
let arrays: Arrays;
beforeEach(() => {
  store = new MemoryStore();
  arrays = openArrays(new ObjectStorage(store));
});

const FORM = { shape: [4, 4], chunk: [2, 2], dtype: 'uint8' } as const;
const KEY = 'arrays%/x/zarr.json';
const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

async function documentOf(): Promise<Record<string, unknown>> {
  await arrays.array('x', { ...FORM, ifExists: 'replace' });
  return JSON.parse(new TextDecoder().decode((await store.get(KEY, 1e6))?.bytes)) as Record<string, unknown>;
}

const grid = (chunk_shape: unknown) => ({ chunk_grid: { name: 'regular', configuration: { chunk_shape } } });
const sharded = (chunk_shape: unknown, more: object = {}) => ({
  codecs: [
    {
      name: 'sharding_indexed',
      configuration: {
        chunk_shape,
        codecs: [{ name: 'bytes' }],
        index_codecs: [{ name: 'bytes', configuration: { endian: 'little' } }],
        ...more,
      },
    },
  ],
});

test.each<[string, object, 'CORRUPT' | 'UNSUPPORTED', RegExp]>([
  ['a chunk of another rank', grid([2]), 'CORRUPT', /chunk_shape \[2\] needs a size for each axis/u],
  ['a chunk of zero', grid([0, 2]), 'CORRUPT', /chunk_shape must be integers ≥ 1, got 0/u],
  ['a chunk of a fraction', grid([1.5, 2]), 'CORRUPT', /chunk_shape/u],
  ['a chunk of many bytes', grid([2 ** 20, 2 ** 20]), 'CORRUPT', /chunk_shape .* has 1099511627776 bytes/u],
  ['a chunk whose size is no number any more', grid([2 ** 50, 2 ** 50]), 'CORRUPT', /chunk_shape .*bytes/u],
  ['a negative size', { shape: [-1, 4] }, 'CORRUPT', /shape must be integers ≥ 0, got -1/u],
  ['too many elements', { shape: [2 ** 30, 2 ** 30] }, 'CORRUPT', /shape .*2\^53/u],
  ['too many axes', { shape: Array(65).fill(1) }, 'CORRUPT', /shape has 65 axes/u],
  ['no list of sizes', { shape: { 0: 4 } }, 'CORRUPT', /shape must be a list/u],
  ['another grid', { chunk_grid: { name: 'rectilinear' } }, 'UNSUPPORTED', /chunk_grid is "rectilinear"/u],
  ['a dtype that is no number', { data_type: 'string' }, 'UNSUPPORTED', /data_type is "string"/u],
  ['a dtype that is a name of objects', { data_type: 'constructor' }, 'UNSUPPORTED', /data_type/u],
  ['another version', { zarr_format: 4 }, 'UNSUPPORTED', /zarr_format is 4/u],
  [
    'a fill value beyond 2^53',
    { data_type: 'uint64', fill_value: 2 ** 63 },
    'UNSUPPORTED',
    /fill_value is 9223372036854776000; integers beyond 2\^53/u,
  ],
  ['a fill value beyond the dtype', { fill_value: 256 }, 'CORRUPT', /fill_value is 256, which is no uint8/u],
  ['another key encoding', { chunk_key_encoding: { name: 'hash' } }, 'UNSUPPORTED', /chunk_key_encoding is "hash"/u],
  [
    'keys that leave the folder',
    { chunk_key_encoding: { name: 'default', configuration: { separator: '/../' } } },
    'CORRUPT',
    /separator/u,
  ],
  ['a codec that there is not', { codecs: [{ name: 'nonesuch' }] }, 'UNSUPPORTED', /nonesuch/u],
  ['codecs that are none', { codecs: [7] }, 'CORRUPT', /codecs/u],
  ['countless codecs', { codecs: Array(2 ** 16).fill('crc32c') }, 'CORRUPT', /codecs has 65536 codecs, at most 32$/u],
  [
    'codecs in shards that are none',
    sharded([2, 2], { codecs: [null] }),
    'CORRUPT',
    /an entry of codecs of sharding_in/u,
  ],
  [
    'an index with codecs that are none',
    sharded([2, 2], { index_codecs: [7] }),
    'CORRUPT',
    /entry of index_codecs of/u,
  ],
  [
    'codecs in shards without a configuration',
    sharded([2, 2], { codecs: [{ name: 'gzip', configuration: null }] }),
    'CORRUPT',
    /the configuration of "gzip"/u,
  ],
  [
    'countless codecs in shards',
    sharded([2, 2], { codecs: Array(33).fill('crc32c') }),
    'CORRUPT',
    /codecs of sharding_indexed has 33 codecs/u,
  ],
  ['transformers', { storage_transformers: [{}] }, 'UNSUPPORTED', /storage_transformers/u],
  ['a shard that is not divided', sharded([3, 2]), 'CORRUPT', /does not divide the shard \[2, 2\]/u],
  [
    'a shard of countless chunks',
    { ...grid([2 ** 20, 2 ** 20]), ...sharded([1, 1]) },
    'CORRUPT',
    /more than 16777216 chunks/u,
  ],
  [
    'an index whose length is not known',
    sharded([1, 1], { index_codecs: [{ name: 'gzip' }] }),
    'UNSUPPORTED',
    /codecs: .*an index/u,
  ],
  ['another node', { node_type: 'nothing' }, 'CORRUPT', /node_type/u],
  [
    'attributes of ours that are wrong',
    { attributes: { dataref: { recordAxes: 2 } } },
    'CORRUPT',
    /recordAxes must be from 1 to 1/u,
  ],
])('a description with %s is refused, with its key and the field', async (_, change, code, message) => {
  await store.put(KEY, bytesOf({ ...(await documentOf()), ...change }));
  const refused = await arrays.openArray('x').then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refused).toEqual(failure(code, message));
  expect(refused).toEqual(failure(code, /arrays%\/x/u));
});

test.each(['', '{', '[]', 'null', '"zarr"', '\u00ff'])(
  'a description that is %j is CORRUPT, and can be replaced',
  async (text) => {
    await store.put(KEY, bytesOf(text));
    await expect(arrays.openArray('x')).rejects.toThrow(failure('CORRUPT', /zarr\.json/u));
    await expect(arrays.array('x', FORM)).rejects.toThrow(failure('CORRUPT', /zarr\.json/u));
    expect((await arrays.array('x', { ...FORM, ifExists: 'replace' })).shape).toEqual([4, 4]);
  },
);

describe('what is read is held against what it can be', () => {
  test.each(['none', 'zstd', 'gzip', 'blosc', 'lz4', 'zlib'])(
    'a flipped byte of a chunk is CORRUPT: %s',
    async (compress) => {
      const array = await arrays.array('x', { ...FORM, compress: compress as 'zstd' });
      await array.set([], 3);
      const key = 'arrays%/x/c/1/1';
      const { bytes } = (await store.get(key, 1e6)) as { bytes: Uint8Array };
      for (let at = 0; at < bytes.length; at++) {
        await store.put(
          key,
          bytes.map((byte, i) => (i === at ? byte ^ 16 : byte)),
        );
        await expect(array.get([3, 3])).rejects.toThrow(failure('CORRUPT', /arrays%\/x\/c\/1\/1/u));
        await expect(array.set([3, 3], 1)).rejects.toThrow(failure('CORRUPT', /arrays%\/x\/c\/1\/1/u));
      }
      expect(await array.get([0, 0])).toBe(3);
      await array.set([slice2, slice2], 4); // written as a whole, it is mended
      expect(await array.get([3, 3])).toBe(4);
    },
  );
  const slice2 = { start: 2, stop: 4, step: 1 };

  test('an object that is larger than any chunk can be is refused before it is read', async () => {
    const array = await arrays.array('x', FORM);
    await store.put('arrays%/x/c/0/0', new Uint8Array(2 ** 20));
    await expect(array.get([0, 0])).rejects.toThrow(failure('CORRUPT', /arrays%\/x\/c\/0\/0: has 1048576 bytes/u));
  });
});

test.each<[string, object, RegExp]>([
  ['a chunk of another rank', { chunk: [2] }, /chunk \[2\] needs a size for each axis of the shape \[4, 4\]/u],
  ['a chunk of zero', { chunk: [0, 2] }, /chunk must be integers ≥ 1/u],
  ['a chunk beyond 2 GiB', { chunk: [2 ** 16, 2 ** 16] }, /chunk .* 4294967296 bytes/u],
  ['a shape beyond 2^53', { shape: [2 ** 53, 2] }, /shape/u],
  ['a dtype', { dtype: 'string' }, /dtype .*"string"/u],
  ['an option', { chunks: [1] }, /unknown option "chunks"/u],
  ['what to do with an old one', { ifExists: 'maybe' }, /ifExists/u],
  ['axes of records', { recordAxes: 2 }, /recordAxes must be an integer from 1 to 1/u],
])('array() refuses %s that is wrong, and leaves nothing', async (_, change, message) => {
  await expect(arrays.array('x', { ...FORM, ...change })).rejects.toThrow(failure('INVALID_ARGUMENT', message));
  for await (const { key } of store.list('')) expect(key).toBe('nothing');
});

test('openArrays takes storages of ours alone', () => {
  for (const wrong of [undefined, null, {}, store, 'data'])
    expect(() => openArrays(wrong as never)).toThrow(failure('INVALID_ARGUMENT', /openArrays needs a storage/u));
});

test('codecs in shards may be a name alone, as those of chunks', async () => {
  const document = {
    ...(await documentOf()),
    ...sharded([2, 2], { codecs: ['bytes', 'gzip'], index_codecs: ['bytes'] }),
  };
  await store.put(KEY, bytesOf(document));
  expect((await arrays.openArray('x')).chunk).toEqual([2, 2]);
});

test('shapes of fewer records than there are, along any axis, leave the others all that there is room for', async () => {
  const ragged = await arrays.array('x', { shape: [3, 4, 5], chunk: [2, 2, 5], dtype: 'uint8', recordAxes: 2 });
  await ragged.shapes?.set([], 2);
  await ragged.shapes?.resize([3, 2, 1]); // as where a resize of both was killed between them
  const opened = await arrays.openArray('x');
  expect(await opened.shapeOf([2, 1])).toEqual([2]);
  expect(await opened.shapeOf([2, 3])).toEqual([5]);
  expect(await opened.get([0, null, 0])).toMatchObject({ shape: [4] });
});

test.each<[string, Record<string, string>, RegExp]>([
  ['nothing', {}, /components must name at least one array/u],
  ['an array without axes', { image: 'x', mean: 'scalar' }, /"mean" names an array without axes/u],
])('a stored dataset of %s is CORRUPT', async (_, components, message) => {
  await arrays.array('x', FORM);
  await arrays.array('scalar', { shape: [], chunk: [], dtype: 'uint8' });
  const group = { zarr_format: 3, node_type: 'group', attributes: { dataref: { components } } };
  await store.put('arrays%/set/zarr.json', bytesOf(group));
  await expect(arrays.openDataset('set')).rejects.toEqual(failure('CORRUPT', message));
});
