import { expect, test } from '@jest/globals';
import sharp from 'sharp';
import { failure } from '../../../core/test/expect-error.js';
import { chunkCodec } from '../../dist/codec/chunk-codec.js';
import { codecsOf, type Compressor } from '../../dist/codec/codecs-of.js';

const picture = (length: number) => Uint8Array.from({ length }, (_, i) => 100 + 80 * Math.sin(i / 300));

const codecFor = (compress: Compressor, shape: readonly number[]) =>
  chunkCodec(codecsOf({ compress, checksum: false }, 'uint8', shape), 'uint8', shape);

test.each([
  [[3, 5, 7], { width: 7, height: 15, channels: 1 }],
  [[3, 5, 7, 1], { width: 7, height: 15, channels: 1 }],
  [[3, 5, 7, 3], { width: 7, height: 15, channels: 3 }],
  [[3, 5, 7, 4], { width: 7, height: 15, channels: 4 }],
  [[5, 7], { width: 7, height: 5, channels: 1 }],
  [[5, 3], { width: 3, height: 5, channels: 1 }],
  [[1, 1, 1, 3], { width: 1, height: 1, channels: 3 }],
  [[2, 40_000, 2, 1], { width: 2, height: 80_000, channels: 1 }],
])('png stores a chunk %j as one image, without loss', async (shape, size) => {
  const codec = codecFor('png', shape);
  const values = picture(shape.reduce((a, b) => a * b));
  const stored = await codec.encode(values);
  expect(await sharp(stored, { limitInputPixels: false }).metadata()).toMatchObject({ format: 'png', ...size });
  expect(await codec.decode(stored, 'key')).toEqual(values);
});

test.each([
  [[2, 32, 40, 3], { width: 40, height: 64, channels: 3 }],
  [[2, 32, 40], { width: 40, height: 64, channels: 1 }],
  [[200, 512, 4, 3], { width: 8, height: 51_200, channels: 3 }],
])('jpeg stores a chunk %j as one image, rows side by side where they are too many', async (shape, size) => {
  const codec = codecFor('jpeg', shape);
  const values = picture(shape.reduce((a, b) => a * b));
  const stored = await codec.encode(values);
  expect(await sharp(stored).metadata()).toMatchObject({ format: 'jpeg', ...size });
  const decoded = await codec.decode(stored, 'key');
  expect(decoded.length).toBe(values.length);
  expect(decoded.reduce((sum, value, i) => sum + Math.abs(value - (values[i] ?? 0)), 0) / values.length).toBeLessThan(
    3,
  );
});

test('a better quality of jpeg takes more bytes and is nearer', async () => {
  const shape = [32, 40, 3];
  const values = picture(32 * 40 * 3).map((value, i) => value + ((i * 7919) % 50));
  const byteLengths = [];
  for (const level of [20, 60, 95]) {
    const codec = chunkCodec(codecsOf({ compress: { codec: 'jpeg', level } }, 'uint8', shape), 'uint8', shape);
    byteLengths.push((await codec.encode(values)).length);
  }
  expect(byteLengths).toEqual(byteLengths.toSorted((a, b) => a - b));
  expect(new Set(byteLengths).size).toBe(3);
});

test.each<[Compressor, 'uint8' | 'int16', number[], RegExp]>([
  ['jpeg', 'int16', [4, 4], /jpeg stores uint8 alone, got int16/],
  ['png', 'uint8', [4], /two axes or more, got \[4\]/],
  ['jpeg', 'uint8', [70_001, 40_000, 3], /take fewer records a chunk/],
])('%s of %s%j is refused when the array is made', (compress, dtype, shape, message) => {
  expect(() => codecsOf({ compress }, dtype, shape)).toThrow(failure('INVALID_ARGUMENT', message));
});

test('an image with another number of bytes is refused by its head, before it is decoded', async () => {
  const vast = new Uint8Array(
    await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer(),
  );
  new DataView(vast.buffer).setUint32(16, 20_000);
  new DataView(vast.buffer).setUint32(20, 20_000);
  const before = process.memoryUsage().rss;
  await expect(codecFor('png', [8, 8, 3]).decode(vast, 'key')).rejects.toEqual(
    failure('CORRUPT', /png has 20000 × 20000 pixels of 3 bytes, expected 192 bytes in all/),
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 26);
  await expect(codecFor('jpeg', [8, 8, 3]).decode(vast, 'key')).rejects.toEqual(
    failure('CORRUPT', /no jpeg of 8 bits/),
  );
});

test('an image of another program is read: any size with as many bytes, progressive, of a palette of greys', async () => {
  const raw = { width: 16, height: 4, channels: 3 } as const;
  const values = picture(16 * 4 * 3);
  const stored = await sharp(values, { raw })
    .jpeg({ progressive: true, quality: 100, chromaSubsampling: '4:4:4' })
    .toBuffer();
  const decoded = await codecFor('jpeg', [8, 8, 3]).decode(stored, 'key');
  expect(decoded.every((value, i) => Math.abs(value - (values[i] ?? 0)) <= 3)).toBe(true);
});

test('a jpeg whose decoder finds another head than the one that says its size is refused by that head', async () => {
  const frame = (side: number) => [
    0xff,
    0xc0,
    0,
    17,
    8,
    side >> 8,
    side & 255,
    side >> 8,
    side & 255,
    3,
    1,
    17,
    0,
    2,
    17,
    0,
    3,
    17,
    0,
  ];
  const scan = [0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0];
  // TEM has no length, and the two bytes after it are no length but the next marker.
  const bytes = new Uint8Array(2 ** 17);
  bytes.set([0xff, 0xd8, 0xff, 0x01, ...frame(20_000), ...scan]);
  bytes.set(frame(8), 4 + 0xffc0);
  await expect(codecFor('jpeg', [8, 8, 3]).decode(bytes, 'key')).rejects.toEqual(failure('CORRUPT', /pixel limit/u));
});
