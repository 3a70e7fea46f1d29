import { constants, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, jest, test } from '@jest/globals';
import { crc32c } from '@node-rs/crc32';
import { isDataRefError } from '@dataref/core';
import { failure } from '../../../core/test/expect-error.js';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { chunkCodec } from '../../dist/codec/chunk-codec.js';
import { codecsOf } from '../../dist/codec/codecs-of.js';
import { NUMERIC_DTYPES } from '../numeric-dtypes.js';
import { bytesIn, LOSSLESS, randomShape, randomValues } from './random-chunks.js';

jest.setTimeout(600_000);
const random = randomOf(announceSeed('damaged chunks'));

function damagedCopy(bytes: Uint8Array): Uint8Array {
  const kind = Math.floor(4 * random());
  if (kind === 0) return bytes.slice(0, Math.floor(bytes.length * random()));
  if (kind === 1) return Uint8Array.from([...bytes, Math.floor(256 * random())]);
  const copy = bytes.slice();
  const flips = kind === 2 ? 1 : 1 + Math.floor(8 * random());
  const places = new Set(Array.from({ length: flips }, () => Math.floor(copy.length * random())));
  for (const place of places) copy[place] = (copy[place] as number) ^ (1 << Math.floor(8 * random()));
  return copy;
}

describe.each([...LOSSLESS, 'png', 'jpeg'] as const)('%s', (compress) => {
  const isImage = compress === 'png' || compress === 'jpeg';
  const anyChunk = () => {
    const dtype = isImage ? 'uint8' : (NUMERIC_DTYPES[Math.floor(NUMERIC_DTYPES.length * random())] ?? 'uint8');
    const shape = isImage ? [2, 8, 9, 3] : randomShape(random);
    return { dtype, shape, values: randomValues(random, dtype, shape) };
  };

  test('a chunk with any byte changed, cut off or added is CORRUPT, and its key is named', async () => {
    for (let run = 0; run < runs(isImage ? 100 : 400); run++) {
      const { dtype, shape, values } = anyChunk();
      const codec = chunkCodec(codecsOf({ compress }, dtype, shape), dtype, shape);
      const stored = damagedCopy(await codec.encode(values));
      await expect(codec.decode(stored, 'a/c/0')).rejects.toEqual(
        failure('CORRUPT', /^a\/c\/0: \d+ bytes are no chunk .* of \d+ bytes/),
      );
    }
  });

  test('without a checksum it is CORRUPT or has the right length, and the next chunk is right', async () => {
    for (let run = 0; run < runs(400); run++) {
      const { dtype, shape, values } = anyChunk();
      const codec = chunkCodec(codecsOf({ compress, checksum: false }, dtype, shape), dtype, shape);
      const stored = await codec.encode(values);
      const decoded = await codec.decode(damagedCopy(stored), 'key').catch((error: unknown) => error);
      if (isDataRefError(decoded)) expect(decoded.code).toBe('CORRUPT');
      else expect((decoded as typeof values).length).toBe(values.length);
      if (compress !== 'jpeg') expect(bytesIn(await codec.decode(stored, 'key'))).toEqual(bytesIn(values));
    }
  });
});

const MIB = 2 ** 20;

/** A frame of Zstandard of repeated bytes, `blocks` times 128 KiB, that says its length, another, or none. */
function zstdBomb(blocks: number, said?: number): Uint8Array {
  const window = 0x38;
  const head = said === undefined ? [0, window] : [0x80, window, 0, 0, 0, 0];
  const out = [0x28, 0xb5, 0x2f, 0xfd, ...head];
  for (let i = 0; i < blocks; i++) {
    const block = (i === blocks - 1 ? 1 : 0) | (1 << 1) | ((2 ** 17) << 3);
    out.push(block & 255, (block >> 8) & 255, block >> 16, 7);
  }
  const bytes = Uint8Array.from(out);
  if (said !== undefined) new DataView(bytes.buffer).setUint32(6, said, true);
  return bytes;
}

function lz4Bomb(): Uint8Array {
  const bytes = new Uint8Array(MIB).fill(255);
  new DataView(bytes.buffer).setUint32(0, 255 * MIB, true);
  bytes.set([0x1f, 7, 1, 0], 4);
  return bytes;
}

function bloscBomb(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([2, 1, 0x21, 4]);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, 2 ** 31 - 17, true);
  view.setUint32(8, 2 ** 20, true);
  view.setUint32(12, 64, true);
  return bytes;
}

test.each<[string, Uint8Array]>([
  ['gzip', gzipSync(new Uint8Array(200 * MIB), { level: 9 })],
  ['numcodecs.zlib', deflateSync(new Uint8Array(200 * MIB), { level: 9, finishFlush: constants.Z_FINISH })],
  ['zstd', zstdBomb(20_000, 20_000 * 2 ** 17)],
  ['zstd', zstdBomb(20_000, 1000)],
  ['zstd', zstdBomb(20_000)],
  ['numcodecs.lz4', lz4Bomb()],
  ['blosc', bloscBomb()],
])('a bomb of %s is refused, and takes no memory', async (name, bomb) => {
  const codec = chunkCodec([{ name: 'bytes' }, { name }], 'uint8', [1000]);
  await codec.decode(new Uint8Array(), 'warm').catch(() => undefined);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 5; i++)
    await expect(codec.decode(bomb, 'key')).rejects.toEqual(failure('CORRUPT', /of 1000 bytes/));
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
});

test.each([undefined, 2 ** 17])('a frame of Zstandard whose head says a length of %p is read', async (said) => {
  const codec = chunkCodec([{ name: 'bytes' }, { name: 'zstd' }], 'uint8', [2 ** 17]);
  expect(await codec.decode(zstdBomb(1, said), 'key')).toEqual(new Uint8Array(2 ** 17).fill(7));
});

test('the checksum is CRC-32C', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa); // RFC 3720, appendix B.4
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});
