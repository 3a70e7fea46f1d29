import { expect, test } from '@jest/globals';
import { announceSeed, randomOf, runs } from '../../../core/test/scale.js';
import { zstd } from '../../dist/codec/zstd.js';
import { nativeDecoder, nodeDecoder, wasmDecoder } from '../../dist/codec/zstd-decoders.js';

const random = randomOf(announceSeed('decoders of Zstandard'));

function anyBytes(): Uint8Array {
  const kinds = 1 + Math.floor(256 * random());
  return Uint8Array.from({ length: Math.floor(300_000 * random() ** 4) }, () => Math.floor(kinds * random()));
}

test('this Node has a fast decoder: its own, or that of a package', async () => {
  expect(nodeDecoder ?? (await nativeDecoder())).toBeDefined();
});

test('all decoders that this Node has make the same of a frame, and refuse a damaged one', async () => {
  const decoders = [nodeDecoder, await nativeDecoder(), wasmDecoder].filter((decode) => decode !== undefined);
  expect(decoders.length).toBeGreaterThan(1);
  for (let run = 0; run < runs(200); run++) {
    const bytes = anyBytes();
    const frame = await zstd({ level: 1 + Math.floor(22 * random()), checksum: false }).encode(bytes);
    const damaged = frame.slice(0, -1);
    for (const decode of decoders) {
      expect(Buffer.compare(await decode(frame, bytes.length), bytes)).toBe(0);
      await expect(decode(damaged, bytes.length)).rejects.toBeDefined();
    }
  }
});
