import { expect, test } from '@jest/globals';
import { failure } from '../../../core/test/expect-error.js';
import { chunkCodec } from '../../dist/codec/chunk-codec.js';
import { codecsOf } from '../../dist/codec/codecs-of.js';

test('zstd and a checksum are the default', () => {
  const zstd = { name: 'zstd', configuration: { level: 3, checksum: false } };
  const little = { name: 'bytes', configuration: { endian: 'little' } };
  expect(codecsOf(undefined, 'uint8', [2])).toEqual([{ name: 'bytes' }, zstd, { name: 'crc32c' }]);
  expect(codecsOf({ checksum: false }, 'float32', [2])).toEqual([little, zstd]);
  expect(codecsOf({ compress: 'none' }, 'int64', [2])).toEqual([little, { name: 'crc32c' }]);
});

test.each([
  ['gzip', 'level', 9, 1],
  ['zlib', 'level', 9, 1],
  ['lz4', 'acceleration', 1, 16],
  ['zstd', 'level', 19, 1],
  ['blosc', 'clevel', 9, 1],
  ['jpeg', 'level', 50, 95],
  ['png', 'level', 9, 1],
] as const)(
  'compressLevel of %s goes from the smallest at 0 to the fastest at 1',
  (compress, name, smallest, fastest) => {
    const levelOf = (compressLevel: number) =>
      codecsOf({ compress, compressLevel }, 'uint8', [8, 8]).flatMap(
        ({ configuration }) => configuration?.[name] ?? [],
      );
    expect([levelOf(0), levelOf(1)]).toEqual([[smallest], [fastest]]);
    expect(codecsOf({ compress: { codec: compress, level: 4 } }, 'uint8', [8, 8])).toContainEqual(
      expect.objectContaining({ configuration: expect.objectContaining({ [name]: 4 }) }),
    );
  },
);

test.each([
  [{ compress: 'gzp' as 'gzip' }, /one of none, gzip, .*"gzp"; did you mean "gzip"/],
  [{ compress: null as never }, /compress must be/],
  [{ compress: { codec: 'gzip', level: 10 } as const }, /level of gzip must be an integer from 1 to 9, got 10/],
  [{ compress: { name: 'gzip' } as never }, /compress: unknown option "name"; there are codec, level/],
  [{ compress: { codec: 'gzip', lvl: 3 } as never }, /unknown option "lvl"/],
  [{ compress: { codec: 'none', level: 3 } as const }, /none has no level, got 3/],
  [{ compressLevel: 1.5 }, /from 0 \(smallest\) to 1 \(fastest\), got 1.5/],
  [{ compressLevel: NaN }, /from 0/],
  [{ compressLevel: 1, compress: { codec: 'gzip', level: 1 } as const }, /two ways to say one thing/],
  [{ checksum: 'yes' as never }, /checksum must be true or false/],
])('%j is refused', (options, message) => {
  expect(() => codecsOf(options, 'uint8', [2])).toThrow(failure('INVALID_ARGUMENT', message));
});

test.each([
  ['vlen-utf8', /"vlen-utf8" is not known here; known are bytes, transpose/],
  ['numcodecs.pcodec', /"numcodecs.pcodec" is not known/],
  ['constructor', /"constructor" is not known/],
])('a codec %s that is not known is named', (name, message) => {
  expect(() => chunkCodec([{ name }], 'uint8', [2])).toThrow(failure('UNSUPPORTED', message));
});

test.each([
  [[{ name: 'gzip', configuration: { level: 'best' } }], /level must be an integer from -1 to 9, got "best"/],
  [[{ name: 'bytes', configuration: { endian: 'middle' } }], /endian must be little or big/],
  [[{ name: 'transpose', configuration: { order: [0, 0] } }], /order must have the axes 0 to 1, got \[0,0\]/],
  [[{ name: 'crc32c' }, { name: 'transpose', configuration: { order: [1, 0] } }], /transpose comes after/],
  [[{ name: 'blosc', configuration: { cname: 'lzo' } }], /cname must be one of/],
  [[{ name: 'blosc', configuration: { shuffle: 7 } }], /shuffle must be one of/],
])('metadata %j is corrupt', (codecs, message) => {
  expect(() => chunkCodec(codecs, 'uint8', [2, 2])).toThrow(failure('CORRUPT', message));
});

test('filters that zarrita reads are read, and refused where they would be written', async () => {
  const delta = [{ name: 'numcodecs.delta', configuration: { dtype: '<i4' } }, { name: 'bytes' }];
  const codec = chunkCodec(delta, 'int32', [4]);
  const stored = new Uint8Array(Int32Array.of(5, 1, 1, -2).buffer);
  expect(await codec.decode(stored, 'key')).toEqual(Int32Array.of(5, 6, 7, 5));
  expect(new Int32Array(stored.buffer)).toEqual(Int32Array.of(5, 1, 1, -2)); // as they were
  await expect(codec.encode(new Int32Array(4))).rejects.toEqual(
    failure('UNSUPPORTED', /delta is read here, and not written/),
  );
  const shuffle = [{ name: 'numcodecs.shuffle', configuration: { elementsize: 2 } }, { name: 'bytes' }];
  const shuffled = await chunkCodec(shuffle, 'uint16', [2]).decode(Uint8Array.of(1, 2, 3, 4), 'key');
  expect(shuffled).toEqual(Uint16Array.of(0x0301, 0x0402));
});
