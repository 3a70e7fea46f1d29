import { describe, expect, jest, test } from '@jest/globals';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { chunkCodec } from '../../dist/codec/chunk-codec.js';
import { codecsOf } from '../../dist/codec/codecs-of.js';
import { NUMERIC_DTYPES } from '../numeric-dtypes.js';
import { bytesIn, LOSSLESS, randomShape, randomValues } from './random-chunks.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('chunk codecs'));

describe.each(LOSSLESS)('%s', (compress) => {
  test.each(NUMERIC_DTYPES)('gives chunks of %s back to the bit', async (dtype) => {
    for (let run = 0; run < runs(60); run++) {
      const shape = randomShape(random);
      const options = { compress, checksum: random() < 0.7, ...(random() < 0.5 && { compressLevel: random() }) };
      const codec = chunkCodec(codecsOf(options, dtype, shape), dtype, shape);
      const values = randomValues(random, dtype, shape);
      const before = bytesIn(values).slice();
      const stored = await codec.encode(values);
      expect(bytesIn(values)).toEqual(before);
      const decoded = await codec.decode(stored, 'key');
      expect(decoded.constructor).toBe(values.constructor);
      expect(bytesIn(decoded)).toEqual(before);
    }
  });
});

test('axes in any order, big-endian numbers and both together come back to the bit', async () => {
  for (let run = 0; run < runs(200); run++) {
    const dtype = NUMERIC_DTYPES[Math.floor(NUMERIC_DTYPES.length * random())] ?? 'uint8';
    const shape = randomShape(random);
    const order = shape.map((_, axis) => [random(), axis] as const).sort(([a], [b]) => a - b);
    const codecs = [
      { name: 'transpose', configuration: { order: order.map(([, axis]) => axis) } },
      { name: 'bytes', configuration: { endian: random() < 0.5 ? 'big' : 'little' } },
      { name: 'crc32c' },
    ];
    const codec = chunkCodec(codecs, dtype, shape);
    const values = randomValues(random, dtype, shape);
    expect(bytesIn(await codec.decode(await codec.encode(values), 'key'))).toEqual(bytesIn(values));
  }
});

test('transposed values lie in the order that the specification says, big-endian', async () => {
  const codecs = [
    { name: 'transpose', configuration: { order: [1, 0] } },
    { name: 'bytes', configuration: { endian: 'big' } },
  ];
  const stored = await chunkCodec(codecs, 'uint16', [2, 3]).encode(Uint16Array.of(1, 2, 3, 4, 5, 6));
  expect(Array.from(stored)).toEqual([0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6]);
});

test('bytes at an odd place of their memory are decoded', async () => {
  const codec = chunkCodec([{ name: 'bytes', configuration: { endian: 'little' } }], 'float64', [2]);
  const memory = new Uint8Array(17);
  memory.set(bytesIn(Float64Array.of(1.5, -2)), 1);
  expect(await codec.decode(memory.subarray(1), 'key')).toEqual(Float64Array.of(1.5, -2));
});

test('several compressors one after another', async () => {
  const codecs = ['gzip', 'zstd', 'numcodecs.lz4', 'crc32c', 'blosc', 'numcodecs.zlib'].map((name) => ({ name }));
  const codec = chunkCodec(codecs, 'int32', [300]);
  const values = Int32Array.from({ length: 300 }, (_, i) => i * i);
  expect(await codec.decode(await codec.encode(values), 'key')).toEqual(values);
});

test('a chunk of another size is refused', async () => {
  await expect(chunkCodec([{ name: 'bytes' }], 'uint8', [3]).encode(new Uint8Array(4))).rejects.toEqual(
    failure('INVALID_ARGUMENT', /3 bytes of values, got 4/),
  );
});
