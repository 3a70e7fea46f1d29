import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import * as anywhere from '../../dist/checksum/sha256.js';
import * as inNode from '../../dist/checksum/sha256-node.js';

describe.each([
  ['any runtime', anywhere],
  ['Node', inNode],
])('SHA-256 of %s', (_, { startSha256 }) => {
  test('is that of what was added so far, in whatever pieces, and goes on', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (__, i) => (i * 7) % 256);
    const hash = startSha256();
    let added = 0;
    for (const size of [0, 1, 63, 64, 65, 300, 507]) {
      hash.update(bytes.subarray(added, added + size));
      added += size;
      expect(hash.hex()).toBe(createHash('sha256').update(bytes.subarray(0, added)).digest('hex'));
    }
    expect(added).toBe(bytes.length);
  });
});
