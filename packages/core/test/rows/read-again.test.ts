import { describe, expect, test } from '@jest/globals';
import { field } from '@dataref/core';
import {
  MemoryStore,
  ObjectStorage,
  type ObjectReader,
  type ObjectStore,
  type StoredObject,
} from '@dataref/core/store';
import { HttpStorage } from '@dataref/core/http';
import { failure } from '../expect-error.js';
import { readByPosition } from '../../dist/rows/positional.js';
import { StoredParts } from '../../dist/rows/stored-parts.js';
import { allocateFresh } from '../../dist/schema/column-data.js';
import { startScripted } from '../servers/scripted-server.js';
import { changed, remote, storeParts } from '../storage/stored.js';

const SCHEMA = { label: field('uint8'), image: field('uint8', [64]), text: field('string') };
const records = Array.from({ length: 40 }, (_, i) => ({
  label: i,
  image: Uint8Array.from({ length: 64 }, (__, at) => i * 3 + at),
  text: `record ${i}, `.repeat(1 + (i % 5)),
}));

/** A store far away, whose answer number `spoiled` (counted for each object) has another byte in it; then all from there on. */
function flipping(store: ObjectStore, spoiled: (key: string, answer: number) => boolean): ObjectStore {
  const answers = new Map<string, number>();
  const flip = (key: string, bytes: Uint8Array): void => {
    const answer = answers.get(key) ?? 0;
    answers.set(key, answer + 1);
    if (spoiled(key, answer)) (bytes[Math.floor(bytes.length / 2)] as number) ^= 16;
  };
  const far = remote(store);
  return changed(far, {
    async get(key, limitBytes, options) {
      const held = (await far.get(key, limitBytes, options)) as StoredObject;
      flip(key, held.bytes);
      return held;
    },
    async open(key, options) {
      const reader = (await far.open(key, options)) as ObjectReader;
      const read: ObjectReader['read'] = async (into, position) => {
        await reader.read(into, position);
        flip(key, into);
      };
      return {
        byteLength: reader.byteLength,
        read,
        async readRanges(ranges) {
          for (const { into, position } of ranges) await read(into, position);
        },
        close: () => reader.close(),
      };
    },
  });
}

/** All records in the order of an epoch, read by position, or from memory once they are there. */
async function epoch(store: ObjectStore, memoryLimitBytes: number): Promise<unknown[]> {
  const dataset = await new ObjectStorage(store, { memoryLimitBytes }).fetch('a', '1', { schema: SCHEMA });
  const seen: unknown[] = [];
  for await (const batch of dataset.stream({ shuffle: true, shuffleSeed: 5 }).batch(7)) {
    for (const [i, record] of batch.records().entries())
      seen.push({ index: batch.indices[i], ...record, image: Array.from((record.image as { data: Uint8Array }).data) });
  }
  return (seen as { index: number }[]).toSorted((a, b) => a.index - b.index);
}

describe.each([
  ['by position', 0],
  ['into memory', 2 ** 24],
])('a byte changed on its way from a store far away, read %s,', (_, memoryLimitBytes) => {
  const expected = records.map((record, index) => ({ index, ...record, image: Array.from(record.image) }));

  test.each([
    ['manifest', /dataset\.json$/u],
    ['head', /\.head$/u],
    ['rows', /\.arrow$/u],
  ])('is found and read again: of a %s', async (__, keys) => {
    const store = new MemoryStore();
    await storeParts(store, SCHEMA, records as never[], [13, 20, 7]);
    const spoiled = new Set<string>();
    const flipped = flipping(store, (key, answer) => {
      const isSpoiled = keys.test(key) && answer < 2;
      if (isSpoiled) spoiled.add(key);
      return isSpoiled;
    });
    expect(await epoch(flipped, memoryLimitBytes)).toEqual(expected);
    expect(spoiled.size).toBeGreaterThan(0);
  });

  test.each([
    ['manifest', /dataset\.json$/u],
    ['head', /\.head$/u],
    ['rows', /\.arrow$/u],
  ])('is damage when it is there every time: of a %s', async (__, keys) => {
    const store = new MemoryStore();
    await storeParts(store, SCHEMA, records as never[], [13, 20, 7]);
    const damaged = flipping(store, (key) => keys.test(key));
    await expect(epoch(damaged, memoryLimitBytes)).rejects.toEqual(failure('CORRUPT', /a@1|a\/1/u));
  });
});

describe('where the heads of all parts do not fit the memory, one narrow column of a store far away', () => {
  const indices = Uint32Array.of(39, 0, 14, 15, 33, 2, 38, 20);
  const narrow = [
    ['beside wide ones', SCHEMA, /\.head$/u],
    ['among narrow ones', { label: field('uint8'), other: field('float32') }, /\.arrow$/u],
  ] as const;

  async function labels(schema: object, spoiled: (key: string, answer: number) => boolean, headLimitBytes: number) {
    const store = new MemoryStore();
    const rows = records.map(({ label, ...wide }) => ('other' in schema ? { label, other: 1 } : { label, ...wide }));
    const manifest = await storeParts(store, schema as never, rows as never[], [13, 20, 7]);
    const parts = new StoredParts(flipping(store, spoiled), 'a/1/data/', manifest, headLimitBytes);
    expect(parts.keepsHeads).toBe(false);
    const label = parts.leaves.findIndex(({ name }) => name === 'label');
    const request = { columns: [{ leaf: label }], allocate: allocateFresh };
    const [column] = await readByPosition(parts, indices, request, true);
    const largest = Math.max(...manifest.parts.map(({ headBytes }) => headBytes));
    expect(parts.heads.size * largest).toBeLessThanOrEqual(Math.max(0, headLimitBytes) * 2);
    return Array.from(column?.data as Uint8Array);
  }

  test.each(narrow)('%s is right though bytes were changed on their way', async (_, schema, keys) => {
    for (const headLimitBytes of [0, 150]) {
      const spoiled = new Set<string>();
      const read = labels(
        schema,
        (key, answer) => {
          const isSpoiled = keys.test(key) && answer < 2;
          if (isSpoiled) spoiled.add(key);
          return isSpoiled;
        },
        headLimitBytes,
      );
      expect(await read).toEqual(Array.from(indices));
      expect(spoiled.size).toBe(3);
    }
  });

  test.each(narrow)('%s is damage when they are changed every time', async (_, schema, keys) => {
    await expect(labels(schema, (key) => keys.test(key), 0)).rejects.toEqual(failure('CORRUPT', /checksum is wrong/u));
  });
});

describe('a manifest that is larger than any', () => {
  test('is refused at once by its size, and asked for once', async () => {
    const server = await startScripted();
    try {
      server.script = (_, response) => response.writeHead(200, { 'content-length': 2 ** 28 + 1 }).flushHeaders();
      const fetched = new HttpStorage(server.endpoint).fetch('a', '1');
      await expect(fetched).rejects.toEqual(failure('CORRUPT', /has 268435457 bytes, more than the 268435456/u));
      expect(server.requests).toEqual(['GET /a/1/dataset.json']);
    } finally {
      await server.close();
    }
  });

  test('is refused once its bytes are too many, where its size is not told, and asked for once', async () => {
    const store = new MemoryStore();
    await storeParts(store, SCHEMA, records as never[], [40]);
    let reads = 0;
    const narrow = changed(store, {
      get(key) {
        reads++;
        return store.get(key, 100);
      },
    });
    await expect(new ObjectStorage(narrow).fetch('a', '1')).rejects.toEqual(failure('CORRUPT', /more than the 100/u));
    expect(reads).toBe(1);
  });
});
