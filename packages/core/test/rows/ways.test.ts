import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isWide } from '../../dist/checksum/row-checksums.js';
import { readByPosition } from '../../dist/rows/positional.js';
import { Resident } from '../../dist/rows/resident.js';
import { allColumns } from '../../dist/rows/row-source.js';
import type { StoredParts } from '../../dist/rows/stored-parts.js';
import { allocateFresh, valueAt, type ColumnData } from '../../dist/schema/column-data.js';
import { FileStore } from '../../dist/store/file-store.js';
import type { Manifest } from '../../dist/format/manifest.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { announceSeed, runs } from '../scale.js';
import { anyDataset, exactly } from '../storage/any-dataset.js';
import { columnsOf, openParts, remote, storeParts } from '../storage/stored.js';
import { tempFolder } from '../temp-folder.js';

jest.setTimeout(600_000);
const seed = announceSeed('rows/ways');

interface Case {
  readonly schema: object;
  readonly records: readonly never[];
  /** Records in each part; some have none. */
  readonly cuts: readonly number[];
  readonly indices: readonly number[];
}

const cases = anyDataset(40).chain(({ schema, records }) =>
  fc
    .record({
      edges: fc.array(fc.nat({ max: records.length }), { maxLength: 5 }),
      indices: fc.array(fc.nat({ max: Math.max(0, records.length - 1) }), { maxLength: records.length === 0 ? 0 : 80 }),
    })
    .map(({ edges, indices }): Case => {
      const ends = [...edges.sort((a, b) => a - b), records.length];
      return { schema, records, cuts: ends.map((end, i) => end - (ends[i - 1] ?? 0)), indices };
    }),
);

function shown(columns: readonly ColumnData[]): string[][] {
  return columns.map((column) => Array.from({ length: column.length }, (_, i) => exactly(valueAt(column, i))));
}

async function resident(parts: StoredParts): Promise<Resident> {
  const release = parts.hold();
  const loaded = new Resident(parts);
  while (!loaded.isReady) await loaded.load();
  await release();
  return loaded;
}

describe('every way of reading gives the same values', () => {
  test.each([
    ['memory', () => new MemoryStore()],
    ['disk', () => new FileStore(tempFolder())],
  ])('of any dataset, in any parts, at any indices: %s', async (name, open) => {
    const request = (parts: StoredParts) => ({ columns: allColumns(parts.leaves), allocate: allocateFresh });
    await fc.assert(
      fc.asyncProperty(cases, async ({ schema, records, cuts, indices }) => {
        const store = open();
        const manifest = await storeParts(store, schema as never, records, cuts);
        const wanted = Uint32Array.from(indices);
        const { rows } = await columnsOf(schema as never, records);
        const expected = shown(await rows.read(wanted, request(openParts(store, manifest, true))));
        for (const keepsHeads of [true, false]) {
          for (const from of [store, remote(store)]) {
            for (const verify of [true, false]) {
              const parts = openParts(from, manifest, keepsHeads);
              const release = parts.hold();
              expect(shown(await readByPosition(parts, wanted, request(parts), verify))).toEqual(expected);
              await release();
            }
            const parts = openParts(from, manifest, keepsHeads);
            expect(shown((await resident(parts)).read(wanted, request(parts)))).toEqual(expected);
          }
        }
      }),
      { seed, numRuns: runs(name === 'disk' ? 100 : 500) },
    );
  });

  test('single columns, of which only their own bytes are read', async () => {
    const schema = { wide: { dtype: 'uint8', shape: [100] }, narrow: { dtype: 'int32', shape: [] } } as const;
    const records = Array.from({ length: 30 }, (_, i) => ({
      wide: { dtype: 'uint8', shape: [100], data: new Uint8Array(100).fill(i) },
      narrow: i * 1000,
    }));
    const store = new MemoryStore();
    const manifest = await storeParts(store, schema, records as never[], [10, 20]);
    const parts = openParts(store, manifest, false);
    expect(parts.leaves.map((leaf) => isWide(leaf))).toEqual([true, false]);
    const [narrow] = await readByPosition(
      parts,
      Uint32Array.of(29, 0, 10),
      { columns: [{ leaf: 1 }], allocate: allocateFresh },
      false,
    );
    expect(narrow?.data).toEqual(Int32Array.of(29_000, 0, 10_000));
  });

  test('many reads at once, of more parts than there may be open files, while others come and go', async () => {
    const { parts, records } = await manyParts(false, remote);
    const holds = [parts.hold(), parts.hold()];
    const reads = Array.from({ length: 30 }, async (_, r) => {
      for (let turn = 0; turn < r; turn++) await Promise.resolve();
      const indices = Uint32Array.from({ length: 40 }, (_value, i) => (r * 53 + i * 7) % 300);
      const columns = await readByPosition(parts, indices, { columns: [{ leaf: 0 }], allocate: allocateFresh }, true);
      expect(shown(columns)[0]).toEqual(Array.from(indices, (i) => JSON.stringify(records[i])));
      await holds.pop()?.();
    });
    const loading = resident(parts);
    await Promise.all(reads);
    expect((await loading).isReady).toBe(true);
  });

  test('one after another, parts beyond the number of files that are kept open', async () => {
    for (const keepsHeads of [true, false]) {
      const { parts, records } = await manyParts(keepsHeads, (store) => store);
      const release = parts.hold();
      for (let at = 0; at < 300; at += 50) {
        const indices = Uint32Array.from({ length: 50 }, (_, i) => (at + i * 7) % 300);
        const columns = await readByPosition(parts, indices, { columns: [{ leaf: 0 }], allocate: allocateFresh }, true);
        expect(shown(columns)[0]).toEqual(Array.from(indices, (i) => JSON.stringify(records[i])));
      }
      await release();
    }
  });
});

let made: Promise<Manifest> | undefined;
const disk = new FileStore(tempFolder());

/** 300 records, each a part. */
async function manyParts(keepsHeads: boolean, through: (store: ObjectStore) => ObjectStore) {
  const records = Array.from({ length: 300 }, (_, i) => `record ${i}`);
  const one = records.map(() => 1);
  made ??= storeParts(disk, { dtype: 'string', shape: [] }, records as never[], one);
  return { parts: openParts(through(disk), await made, keepsHeads), records };
}
