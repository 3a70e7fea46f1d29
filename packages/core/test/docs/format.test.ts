import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { field, ndarray } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { bodyLayout, headLayout } from '../../dist/format/head.js';
import { decodeManifest, encodeManifest, type Manifest } from '../../dist/format/manifest.js';
import { PartWriter } from '../../dist/format/part-writer.js';
import { canonicalSchema, leavesOf } from '../../dist/schema/schema.js';
import { DatasetStorage } from '../../dist/storage/dataset-storage.js';
import { encodeSegment } from '../../dist/store/key.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { columnsOf, keysOf } from '../storage/stored.js';

const REPOSITORY = new URL('../../../../', import.meta.url);
const GOLDEN = new URL('test/interop/golden/', REPOSITORY);
const GENERATION = '0123456789abcdef';
const FOLDER = `tiny/1.0/data/${GENERATION}/`;

const page = readFileSync(new URL('docs/format.md', REPOSITORY), 'utf8');
const [, manifestText, bodyHex, headHex, fingerprintLines] = [...page.matchAll(/^```text\n(.*?)^```$/gms)].map(
  ([, text]) => text!,
) as [string, string, string, string, string];

const SCHEMA = {
  id: field('uint8'),
  text: field('string'),
  image: field('int16', [3, 3]),
  boxes: field('float32', [null, 2]),
  none: field('int8', [0, 2]),
};
const records = ['', 'é', 'abc'].map((text, i) => ({
  id: i + 1,
  text,
  image: ndarray(
    Int16Array.from({ length: 9 }, (_, k) => 100 * i + k),
    [3, 3],
  ),
  boxes: ndarray(
    Float32Array.from({ length: 2 * i }, (_, k) => k / 2),
    [i, 2],
  ),
  none: ndarray(new Int8Array(0), [0, 2]),
}));

const golden = (key: string): Uint8Array => new Uint8Array(readFileSync(new URL(key, GOLDEN)));
const rows = (heading: string): string[][] => {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading))!;
  return [...section.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row]) => row!.split(' | ').map((cell) => cell.trim()))
    .slice(2);
};

test('the records of docs/format.md are stored today as its files are', async () => {
  const store = new MemoryStore();
  const storage = new DatasetStorage({
    store,
    identity: { self: () => null, isRunning: () => true },
    budget: { limitBytes: 0, isExplicit: true, usedBytes: 0 },
    verifyReads: false,
    nonce: () => GENERATION,
  });
  await storage.submit(records, 'tiny', '1.0', { schema: SCHEMA });
  for (const name of ['00000000.arrow', '00000000.head']) {
    expect((await store.get(`${FOLDER}${name}`, 1e6))?.bytes).toEqual(golden(`${FOLDER}${name}`));
  }
  const manifest = decodeManifest((await store.get('tiny/1.0/dataset.json', 1e6))!.bytes, 'stored', 'tiny', '1.0');
  const bytes = encodeManifest({ ...manifest, createdAt: '2026-01-01T00:00:00.000Z' });
  expect(new TextDecoder().decode(bytes)).toBe(manifestText);
  expect(bytes).toEqual(golden('tiny/1.0/dataset.json'));
});

test('the files of docs/format.md hold its records', async () => {
  const storage = new FileStorage(GOLDEN);
  const dataref = await storage.fetch('tiny', '1.0', { schema: SCHEMA });
  expect((await dataref.read([0, 1, 2])).records()).toEqual(records);
  expect(await storage.verify('tiny', '1.0')).toEqual({ ok: true, problems: [] });
});

/** The same records in two shares, the second of which has two parts. */
const SHARES = [
  ['00000000000000aa', [[0, 1]]],
  [
    '00000000000000bb',
    [
      [1, 2],
      [2, 3],
    ],
  ],
] as const;

test('the parts of several generations are stored today, and found, as docs/format.md says', async () => {
  const { slice } = await columnsOf(SCHEMA, records as never[]);
  const store = new MemoryStore();
  const writers = SHARES.map(([generation]) => new PartWriter(store, `shares/1.0/data/${generation}/`, SCHEMA, {}));
  for (const [i, [, cuts]] of SHARES.entries())
    for (const [start, end] of cuts) await writers[i]!.write(slice(start, end));
  const { fingerprint } = decodeManifest(new TextEncoder().encode(manifestText), 'docs', 'tiny', '1.0');
  const manifest: Manifest = {
    id: 'shares',
    version: '1.0',
    createdAt: '2026-01-01T00:00:00.000Z',
    schema: SCHEMA,
    length: 3,
    byteLength: writers.reduce((sum, { byteLength }) => sum + byteLength, 0),
    fingerprint,
    generation: 'ffffffffffffffff',
    parts: writers.flatMap(({ parts }, i) => parts.map((part) => ({ ...part, generation: SHARES[i]![0] }))),
  };
  await store.put('shares/1.0/dataset.json', encodeManifest(manifest));
  const keys = await keysOf(store);
  expect(keys).toHaveLength(7);
  for (const key of keys) expect([key, (await store.get(key, 1e6))!.bytes]).toEqual([key, golden(key)]);
  const storage = new FileStorage(GOLDEN);
  const dataref = await storage.fetch('shares', '1.0', { schema: SCHEMA });
  expect((await dataref.read([2, 0, 1])).records()).toEqual([2, 0, 1].map((i) => records[i]));
  expect(await storage.verify('shares', '1.0')).toEqual({ ok: true, problems: [] });
});

test('buffers lie where docs/format.md says, with the bytes that it says', () => {
  const { parts, schema } = decodeManifest(new TextEncoder().encode(manifestText), 'docs', 'tiny', '1.0');
  const leaves = leavesOf(schema);
  const [body, head] = [bodyLayout(leaves, parts[0]!), headLayout(leaves, parts[0]!)];
  const printed = [...body, ...head.filter(({ role }) => role === 'checksum')].map((buffer) => {
    const same = (other: typeof buffer) => other.leaf === buffer.leaf && other.role === buffer.role;
    const start = (list: typeof body) => String(list.find(same)?.start ?? '');
    return [leaves[buffer.leaf]!.name, buffer.role, start(body), start(head), String(buffer.byteLength)];
  });
  expect(rows('Test vectors')).toEqual(printed);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const { bodyStart } = parts[0]!;
  const arrow = golden(`${FOLDER}00000000.arrow`);
  expect(bodyHex.replaceAll('\n', '')).toBe(hex(arrow.subarray(bodyStart, bodyStart + 152)));
  expect(headHex.replaceAll('\n', '')).toBe(hex(golden(`${FOLDER}00000000.head`)));
});

test('the lines of docs/format.md make the fingerprint', async () => {
  const { createHash } = await import('node:crypto');
  const { schema, fingerprint } = decodeManifest(new TextEncoder().encode(manifestText), 'docs', 'tiny', '1.0');
  const canonical = canonicalSchema(schema);
  expect(page).toContain(`The canonical schema has ${Buffer.byteLength(canonical)} bytes.`);
  const text = ['dataref-fingerprint-1', canonical, fingerprintLines.trim()].join('\n');
  expect(`sha256:${createHash('sha256').update(text).digest('hex')}`).toBe(fingerprint);
});

test('ids become the segments of docs/format.md', () => {
  const printed = rows('Folders');
  expect(printed.length).toBeGreaterThanOrEqual(5);
  expect(printed.map(([id]) => [id, encodeSegment(id, 'id')])).toEqual(printed);
});
