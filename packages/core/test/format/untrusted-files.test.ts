import { expect, test } from '@jest/globals';
import { field, ndarray } from '@dataref/core';
import { crc32 } from '../../dist/checksum/crc32.js';
import { bodyLayout } from '../../dist/format/head.js';
import { decodeManifest, encodeManifest, type Manifest } from '../../dist/format/manifest.js';
import { leavesOf } from '../../dist/schema/schema.js';
import { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { encodeSegment } from '../../dist/store/key.js';
import { MemoryStore } from '../../dist/store/memory-store.js';

const SCHEMA = { boxes: field('int32', [null, 2]), name: field('string') };
const GENERATION = '0123456789abcdef';
const PART = `a/1/data/${GENERATION}/00000000.arrow`;

const storageIn = (store: MemoryStore, limitBytes = 2 ** 20) =>
  new DatasetStorage({
    store,
    identity: { self: () => null, isRunning: () => true },
    budget: { limitBytes, isExplicit: true, usedBytes: 0 },
    verifyReads: false,
    nonce: () => GENERATION,
  });

async function stored(): Promise<{ store: MemoryStore; manifest: Manifest; text: string }> {
  const store = new MemoryStore();
  const box = (rows: number) => ndarray(new Int32Array(rows * 2).fill(rows), [rows, 2]);
  const records = [1, 2, 3].map((rows) => ({ boxes: box(rows), name: 'n'.repeat(rows) }));
  await storageIn(store).submit(records, 'a', '1', { schema: SCHEMA });
  const bytes = (await store.get('a/1/dataset.json', 1e6))!.bytes;
  return { store, manifest: decodeManifest(bytes, 'a', 'a', '1'), text: new TextDecoder().decode(bytes) };
}

test('nothing may follow the checksum of a manifest, which would not cover it', async () => {
  const { text } = await stored();
  const longer = text.replace(/\n\}\n$/, ',\n  "length": 2\n}\n');
  expect(() => decodeManifest(new TextEncoder().encode(longer), 'a', 'a', '1')).toThrow(
    /something follows its checksum/,
  );
});

test('value bytes that are no whole number of elements are refused', async () => {
  const { manifest } = await stored();
  const part = { ...manifest.parts[0]!, valueBytes: [47, 6] };
  expect(() => decodeManifest(encodeManifest({ ...manifest, parts: [part] }), 'a', 'a', '1')).toThrow(
    /boxes has 47 bytes/,
  );
});

test('a copied folder is refused rather than read from the folder that it was copied from', async () => {
  const { store } = await stored();
  await store.put('b/1/dataset.json', (await store.get('a/1/dataset.json', 1e6))!.bytes);
  await expect(storageIn(store).fetch('b', '1')).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringContaining('is the manifest of a@1'),
  });
});

test('no id names the folder that writers work in', () => {
  expect(encodeSegment('.tmp~', 'id')).toBe('.tmp%7E');
});

test.each([
  ['offsets', 0, 1, 'its offsets end at'],
  ['offsets', 1, 99, 'its offsets run backwards'],
  ['shape', 0, -1, 'row 0 has a bad shape'],
  ['shape', 2, 7, 'row 1 has a bad shape'],
] as const)(
  'a part whose checksums are right and whose %s[%d] is %d is refused once it is loaded',
  async (role, at, value, problem) => {
    const { store, manifest } = await stored();
    const part = manifest.parts[0]!;
    const bytes = (await store.get(PART, 1e6))!.bytes;
    const buffer = bodyLayout(leavesOf(SCHEMA), part).find((placed) => placed.leaf === 0 && placed.role === role)!;
    new DataView(bytes.buffer).setInt32(buffer.start + 4 * at, value, true);
    await store.put(PART, bytes);
    await store.put('a/1/dataset.json', encodeManifest({ ...manifest, parts: [{ ...part, crc32: crc32(bytes) }] }));
    const stream = (await storageIn(store).fetch('a', '1')).stream().batch(1).repeat();
    const reading = async (): Promise<void> => {
      let step = 0;
      for await (const batch of stream) if (batch.columns === null || ++step > 50) return;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(problem) });
  },
);
