import { expect } from '@jest/globals';
import { concat, field, fromColumns, fromRecords, type DataRef, type Storage } from '@dataref/core';
import { openCatalog, type Table } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';

/** What holds in a storage of any kind. `reopen` gives the same one as another process sees it. */
export interface Behaviour {
  readonly name: string;
  run(this: void, storage: Storage, reopen: () => Storage): Promise<void>;
}

const REVIEWS = Array.from({ length: 100 }, (_, i) => ({ text: `review ${i}`, label: i % 3, stars: i % 5 }));
const SCHEMA = { text: field('string'), label: field('int32'), stars: field('float64') };

export async function recordsOf(dataref: DataRef, options = {}): Promise<any[]> {
  const records: any[] = [];
  for await (const record of dataref.stream(options)) records.push(record);
  return records;
}

// Runhouse's own tests of tables come first: save, reload by name, rows in tens, shuffled, partitioned, deleted.
export const tableBehaviours: readonly Behaviour[] = [
  {
    name: 'a table that is saved under a name is loaded by it elsewhere, with equal data',
    async run(storage, reopen) {
      const saved = await openCatalog(storage).save('yelp_bert_preprocessed', REVIEWS, { schema: SCHEMA });
      const catalog = openCatalog(reopen());
      const loaded = await catalog.load('yelp_bert_preprocessed', { schema: SCHEMA });
      expect([loaded.length, loaded.fingerprint, loaded.schema]).toEqual([100, saved.fingerprint, SCHEMA]);
      expect(await recordsOf(loaded)).toEqual(REVIEWS);
      expect((await loaded.at(-1)).text).toBe('review 99');
      expect(await catalog.has('yelp_bert_preprocessed')).toBe(true);
    },
  },
  {
    name: 'rows are streamed in tens exactly, and shuffled ones differ and are the same records',
    async run(storage, reopen) {
      await openCatalog(storage).save('team/reviews', REVIEWS);
      const table = await openCatalog(reopen()).load('team/reviews');
      const lengths: number[] = [];
      for await (const batch of table.stream().batch(10)) lengths.push(batch.length);
      expect(lengths).toEqual(Array(10).fill(10));
      const shuffled = await recordsOf(table, { shuffle: true, shuffleSeed: 1 });
      expect(shuffled).not.toEqual(REVIEWS);
      expect(new Set(shuffled.map(({ text }) => text))).toEqual(new Set(REVIEWS.map(({ text }) => text)));
    },
  },
  {
    name: 'a partitioned table has the shape of the whole, and where over its columns gives whole partitions',
    async run(storage, reopen) {
      const saved = await openCatalog(storage).save('p', REVIEWS, { partitionBy: ['label'] });
      const table = await openCatalog(reopen()).load('p');
      expect([table.length, table.schema, table.info.partitionBy]).toEqual([100, saved.schema, ['label']]);
      expect(table.info.segments.map(({ values, length }) => [values[0], length])).toEqual([['0', 34], ['1', 33], ['2', 33]]); // prettier-ignore
      const expected = [0, 1, 2].flatMap((label) => REVIEWS.filter((review) => review.label === label));
      expect(await recordsOf(table)).toEqual(expected);
      expect(table.fingerprint).toBe(table.info.fingerprint);
      const some = await table.where(({ label }) => label !== 1, { columns: ['label'] });
      expect(await recordsOf(some)).toEqual(expected.filter(({ label }) => label !== 1));
      expect((await table.where(({ label }) => label > 7, { columns: ['label'] })).length).toBe(0);
      // One that looks at more, or at the place, is asked for each record.
      expect((await table.where(({ label, stars }) => label === 1 && stars === 1)).length).toBe(7);
      expect((await table.where((_, i) => i < 3, { columns: ['label'] })).length).toBe(3);
    },
  },
  {
    name: 'partitions are of strings, booleans, whole numbers and bigints, and of several columns together',
    async run(storage) {
      const catalog = openCatalog(storage);
      const records = Array.from({ length: 24 }, (_, i) => ({
        lang: ['de/../x', 'en', 'ä=1', ''][i % 4] as string,
        ok: i % 2 === 0,
        id: BigInt(i % 3) - 1n,
        i,
      }));
      const table = await catalog.save('many', records, { partitionBy: ['lang', 'ok', 'id'] });
      expect(table.info.segments.length).toBe(12);
      const chosen = await table.where(({ lang, ok, id }) => lang === 'ä=1' && ok && id === -1n, {
        columns: ['lang', 'ok', 'id'],
      });
      expect((await recordsOf(chosen)).map(({ i }) => i)).toEqual([6, 18]);
      const all = await recordsOf(await catalog.load('many'));
      expect(all.map(({ i }) => i).sort((a, b) => a - b)).toEqual(records.map(({ i }) => i));
    },
  },
  {
    name: 'append saves a version that shares the old one’s files',
    async run(storage, reopen) {
      const catalog = openCatalog(storage);
      const first = await catalog.save('log', REVIEWS.slice(0, 40), { schema: SCHEMA });
      const second = await first.append(REVIEWS.slice(40, 90));
      const third = await catalog.append('log', await fromRecords(REVIEWS.slice(90), { schema: SCHEMA }));
      expect([first, second, third].map(({ info, length }) => [info.version, length])).toEqual([[1, 40], [2, 90], [3, 100]]); // prettier-ignore
      expect(third.info.segments[0]).toEqual(first.info.segments[0]);
      const loaded = await openCatalog(reopen()).load('log');
      expect([loaded.fingerprint, await recordsOf(loaded)]).toEqual([third.fingerprint, REVIEWS]);
      expect(await recordsOf(await catalog.load('log@1'))).toEqual(REVIEWS.slice(0, 40));
      // Old versions go, and what others share with them stays.
      await catalog.delete('log@1');
      expect(await recordsOf(await catalog.load('log@3'))).toEqual(REVIEWS);
      await expect(catalog.append('log', [{ text: 1 }])).rejects.toThrow(failure('SCHEMA_MISMATCH', /./u));
      await expect(catalog.append('log', fromColumns({ text: ['a'] }))).rejects.toThrow(
        failure('SCHEMA_MISMATCH', /./u),
      );
    },
  },
  {
    name: 'a partitioned table is appended to in its partitions',
    async run(storage) {
      const catalog = openCatalog(storage);
      await catalog.save('p', REVIEWS.slice(0, 50), { partitionBy: ['label'] });
      const table = await catalog.append('p', REVIEWS.slice(50), { metadata: { why: 'more' } });
      expect([table.length, table.info.segments.length, table.info.metadata]).toEqual([100, 6, { why: 'more' }]);
      const twos = await table.where(({ label }) => label === 2, { columns: ['label'] });
      expect(await recordsOf(twos)).toEqual(REVIEWS.filter(({ label }) => label === 2));
    },
  },
  {
    name: 'a stream over many segments resumes at any step',
    async run(storage) {
      const catalog = openCatalog(storage);
      let table: Table = await catalog.save('log', REVIEWS.slice(0, 30));
      for (let start = 30; start < 100; start += 35) table = await table.append(REVIEWS.slice(start, start + 35));
      const stream = (): any => table.stream({ shuffle: true, shuffleSeed: 5 }).batch(7);
      const batches: any[] = [];
      for await (const { columns, state } of stream()) batches.push({ text: columns.text, state });
      for (const [i, { state }] of batches.slice(0, -1).entries()) {
        const rest: unknown[] = [];
        for await (const { columns } of stream().resume(state)) {
          rest.push(columns.text);
          if (rest.length === batches.length - 1 - i) break;
        }
        expect(rest).toEqual(batches.slice(i + 1).map(({ text }) => text));
      }
    },
  },
  {
    name: 'what the storage has is linked to, not copied, and stays its user’s',
    async run(storage) {
      const catalog = openCatalog(storage);
      const own = await storage.submit(REVIEWS, 'reviews', '1');
      const table = await catalog.save('linked', own);
      expect(table.info.segments.map(({ id, version }) => [id, version])).toEqual([['reviews', '1']]);
      expect(await recordsOf(await catalog.load('linked'))).toEqual(REVIEWS);
      await catalog.append('linked', own);
      expect((await catalog.load('linked')).length).toBe(200);
      await catalog.delete('linked');
      await catalog.vacuum({ graceMs: 0 });
      expect(await storage.has('reviews', '1')).toBe(true);
      await catalog.save('linked', own);
      await storage.submit(REVIEWS.slice(1), 'reviews', '1');
      await expect(catalog.load('linked')).rejects.toThrow(failure('GENERATION_GONE', /reviews@1.*replaced/u));
      await storage.delete('reviews', '1');
      await expect(catalog.load('linked')).rejects.toThrow(failure('GENERATION_GONE', /reviews@1.*deleted/u));
    },
  },
  {
    name: 'a version saved again is shared within its name, and copied to another one',
    async run(storage) {
      const catalog = openCatalog(storage);
      const first = await catalog.save('a', REVIEWS);
      const again = await catalog.save('a', first);
      expect([again.info.version, again.info.segments]).toEqual([2, first.info.segments]);
      await catalog.save('b', await catalog.load('a'));
      await catalog.delete('a');
      await catalog.vacuum({ graceMs: 0 });
      expect(await recordsOf(await catalog.load('b'))).toEqual(REVIEWS);
      const joined = await catalog.save('b', concat(await catalog.load('b'), await catalog.load('b')));
      expect([joined.length, joined.info.segments.length]).toEqual([200, 1]);
    },
  },
  {
    name: 'an empty table with a schema is one, and can be appended to',
    async run(storage) {
      const catalog = openCatalog(storage);
      const empty = await catalog.save('e', [], { schema: SCHEMA });
      expect([empty.length, (await catalog.load('e')).length]).toEqual([0, 0]);
      expect(await recordsOf(await empty.append(REVIEWS))).toEqual(REVIEWS);
    },
  },
];
