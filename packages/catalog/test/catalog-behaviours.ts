import { expect } from '@jest/globals';
import { openCatalog, type VersionInfo } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';
import type { Behaviour } from './table-behaviours.js';

const BYTES = Uint8Array.from({ length: 9_000_001 }, (_, i) => (i * 31) % 251);

async function listed(infos: AsyncIterable<VersionInfo>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, version, kind } of infos) names.push(`${name}@${version} ${kind}`);
  return names;
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

export const catalogBehaviours: readonly Behaviour[] = [
  {
    name: 'a blob that is saved under a name is loaded by it elsewhere, and is no more once it is deleted',
    async run(storage, reopen) {
      const info = await openCatalog(storage).saveBlob('yelp_model_output', BYTES);
      const catalog = openCatalog(reopen());
      expect([info.kind, info.version, info.byteLength]).toEqual(['blob', 1, BYTES.length]);
      expect(Buffer.compare(await catalog.loadBlob('yelp_model_output'), BYTES)).toBe(0);
      expect(await catalog.delete('yelp_model_output')).toBe(true);
      expect(await catalog.has('yelp_model_output')).toBe(false);
      expect(await catalog.delete('yelp_model_output')).toBe(false);
      await expect(catalog.loadBlob('yelp_model_output')).rejects.toThrow(failure('NOT_FOUND', /yelp_model_output/u));
    },
  },
  {
    name: 'a blob from pieces or a stream is the same, and comes in pieces',
    async run(storage) {
      const catalog = openCatalog(storage);
      const sources = [pieces(BYTES, 1_000_000), [BYTES.subarray(0, 5), BYTES.subarray(5)], new Blob([BYTES]).stream()];
      for (const source of sources) await catalog.saveBlob('b', source as AsyncIterable<Uint8Array>);
      const history = await catalog.history('b');
      expect(history.map(({ version }) => version)).toEqual([1, 2, 3]);
      expect(new Set(history.map(({ fingerprint }) => fingerprint)).size).toBe(1);
      const read: Uint8Array[] = [];
      for await (const piece of catalog.blobStream('b@2')) read.push(piece);
      expect(read.length).toBeGreaterThan(1);
      expect(Buffer.compare(Buffer.concat(read), BYTES)).toBe(0);
      await catalog.saveBlob('empty', new Uint8Array(0));
      expect((await catalog.loadBlob('empty')).length).toBe(0);
    },
  },
  {
    name: 'versions, tags and metadata are a history that grows, and a number is never given twice',
    async run(storage, reopen) {
      const catalog = openCatalog(storage);
      for (let i = 1; i <= 3; i++)
        await catalog.saveBlob('m', Uint8Array.of(i), {
          metadata: { loss: 1 / i },
          tags: i === 2 ? ['best', 'old'] : [],
        });
      const other = openCatalog(reopen());
      expect((await other.history('m')).map(({ version, tags, metadata }) => [version, tags, metadata])).toEqual([
        [1, [], { loss: 1 }],
        [2, ['best', 'old'], { loss: 1 / 2 }],
        [3, [], { loss: 1 / 3 }],
      ]);
      expect(await other.loadBlob('m@best')).toEqual(Uint8Array.of(2));
      expect((await other.tag('m', ['best'])).version).toBe(3);
      expect([...(await other.loadBlob('m@best')), ...(await other.loadBlob('m@1'))]).toEqual([3, 1]);
      expect(await catalog.delete('m@best')).toBe(true);
      expect([await catalog.has('m@3'), await catalog.has('m@best'), await catalog.has('m@old')]).toEqual([
        false,
        false,
        true,
      ]);
      expect((await catalog.saveBlob('m', Uint8Array.of(4))).version).toBe(4);
      await catalog.delete('m');
      expect((await catalog.saveBlob('m', Uint8Array.of(5))).version).toBe(5);
      const info = await catalog.info('m');
      expect(Math.abs(info.createdAt.getTime() - Date.now())).toBeLessThan(600_000);
    },
  },
  {
    name: 'list gives the newest of each name, and what a filter finds',
    async run(storage) {
      const catalog = openCatalog(storage);
      await catalog.save('team/reviews', [{ text: 'a', label: 1 }], { metadata: { source: 'Yelp' } });
      await catalog.save('team/reviews', [{ text: 'a', label: 1 }]);
      await catalog.save('images', [{ pixels: Uint8Array.of(1) }], { tags: ['raw'] });
      await catalog.saveBlob('model', Uint8Array.of(1), { tags: ['best'] });
      await catalog.saveBlob('model', Uint8Array.of(2), { metadata: { text: 'none' } });
      await catalog.saveBlob('gone', Uint8Array.of(1));
      await catalog.delete('gone');
      expect(await listed(catalog.list())).toEqual(['images@1 table', 'model@2 blob', 'team/reviews@2 table']);
      expect(await listed(catalog.list({ kind: 'blob' }))).toEqual(['model@2 blob']);
      expect(await listed(catalog.list({ tag: 'best' }))).toEqual(['model@1 blob']);
      expect(await listed(catalog.list({ text: 'TEXT' }))).toEqual(['model@2 blob', 'team/reviews@2 table']);
      expect(await listed(catalog.list({ text: 'text label' }))).toEqual(['team/reviews@2 table']);
    },
  },
  {
    name: 'a renamed history is under the new name alone, and the old name tells where it went',
    async run(storage, reopen) {
      const catalog = openCatalog(storage);
      await catalog.save('draft', [{ a: 1 }], { tags: ['first'] });
      await catalog.save('draft', [{ a: 2 }]);
      await catalog.rename('draft', 'team/final');
      const other = openCatalog(reopen());
      expect(await (await other.load('team/final@first')).at(0)).toEqual({ a: 1 });
      expect(await (await other.load('team/final')).at(0)).toEqual({ a: 2 });
      await expect(other.load('draft')).rejects.toThrow(failure('NOT_FOUND', /renamed to "team\/final"/u));
      expect(await listed(other.list())).toEqual(['team/final@2 table']);
      expect((await other.save('draft', [{ a: 3 }])).info.version).toBe(3);
      await expect(other.rename('draft', 'team/final')).rejects.toThrow(failure('ALREADY_EXISTS', /team\/final/u));
      expect(await (await other.load('draft')).at(0)).toEqual({ a: 3 });
      // Back again, over what is left of the old one.
      await other.delete('draft');
      await other.rename('team/final', 'draft');
      expect(await (await other.load('draft')).at(0)).toEqual({ a: 2 });
      await catalog.vacuum({ graceMs: 0 });
      expect(await (await other.load('draft@1')).at(0)).toEqual({ a: 1 });
      await expect(other.rename('nothing', 'x')).rejects.toThrow(failure('NOT_FOUND', /nothing/u));
    },
  },
];
