import { describe, expect, jest, test } from '@jest/globals';
import { field } from '@dataref/core';
import { crc32 } from '../../dist/checksum/crc32.js';
import { MemoryStore } from '../../dist/store/memory-store.js';
import { keysOf, storageOver } from '../storage/stored.js';

jest.setTimeout(600_000);

// oxlint-disable-next-line typescript/no-explicit-any -- a document to be spoilt at any place
type Draft = any;

const SCHEMA = { n: field('int16'), text: field('string') };
const share = (part: number) => [1, 2, 3].map((n) => ({ n: n + part, text: `${part}` }));

/** A store with share 0 of 2 of x@1, changed. */
async function spoilt(change: (share: Draft) => void) {
  const store = new MemoryStore();
  const storage = storageOver(store);
  await storage.submit(['precious'], 'other', '1');
  await storage.writer('x', '1', { part: 0, of: 2 }).submit(share(0), { schema: SCHEMA });
  const key = 'x/1/shares/0-of-2.json';
  const draft: Draft = JSON.parse(new TextDecoder().decode((await store.get(key, 2 ** 20))!.bytes));
  change(draft);
  const { crc32: _, ...rest } = draft;
  const text = JSON.stringify(rest, null, 2).slice(0, -2);
  const sum = crc32(new TextEncoder().encode(text));
  await store.put(key, new TextEncoder().encode(`${text},\n  "crc32": ${sum}\n}\n`));
  return { store, storage };
}

const part = (change: object) => (draft: Draft) => void (draft.parts[0] = { ...draft.parts[0], ...change });

/** By the same number in its part and in the whole. */
function longer(m: Draft): void {
  m.parts[0].byteLength += 2 ** 40;
  m.byteLength += 2 ** 40;
}

const HOSTILE: [string, (draft: Draft) => void, RegExp][] = [
  ['a generation that leads out', (m) => (m.generation = '../../../other/1'), /generation is malformed/],
  ['a generation of another form', (m) => (m.generation = '0123456789ABCDEF'), /generation is malformed/],
  ['a generation that is not there', (m) => (m.generation = 'ffffffffffffffff'), /is missing or has another size/],
  ['the id of another', (m) => (m.id = 'other'), /is the manifest of other@1/],
  ['the number of another share', (m) => (m.part = 1), /is share 1 of 2, expected 0 of 2/],
  ['another number of shares', (m) => (m.of = 2 ** 40), /is share 0 of 1099511627776/],
  ['a number that is none', (m) => (m.part = '0'), /part is 0, not an integer/],
  ['another format', (m) => (m.format = 'dataref-dataset'), /is no share of a dataset/],
  ['2^53 records', (m) => (m.length = 2 ** 53), /length is 9007199254740992/],
  ['a part of a billion records', (m) => ((m.length = 1e9), part({ records: 1e9 })(m)), /part 0: /],
  ['2^53 bytes of values', part({ valueBytes: [2 ** 53] }), /part 0: valueBytes/],
  ['a head of another size', part({ headBytes: 2 ** 50 }), /part 0: its head has/],
  ['a file of another size', longer, /is missing or has another size/],
  ['more bytes than its files have', (m) => (m.byteLength += 1), /says \d+ bytes, the files of its parts have \d+/],
  ['another checksum of the head', part({ headCrc32: 7 }), /its checksum is wrong/],
  ['parts that are no list', (m) => (m.parts = { length: 2 ** 40 }), /parts is no list/],
  ['parts that are not there', (m) => m.parts.push({ ...m.parts[0], records: 0 }), /part 1: /],
  ['no schema', (m) => delete m.schema, /must be a field/],
];

describe('a share with the right checksum and bad content', () => {
  test.each(HOSTILE)(
    '%s: CORRUPT, nothing is committed, and the share can be submitted again',
    async (_, change, message) => {
      const { store, storage } = await spoilt(change);
      await expect(
        storage.writer('x', '1', { part: 1, of: 2 }).submit(share(1), { schema: SCHEMA }),
      ).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringMatching(message) });
      expect(await storage.has('x', '1')).toBe(false);
      await storage.vacuum();
      await storage.writer('x', '1', { part: 0, of: 2 }).submit(share(0), { schema: SCHEMA });
      expect((await storage.verify('x', '1')).ok).toBe(true);
      await storage.vacuum({ graceMs: 0 });
      expect((await keysOf(store)).filter((key) => key.startsWith('x/'))).toHaveLength(5);
      expect((await storage.verify('other', '1')).ok).toBe(true);
    },
  );

  test('a generation of its own in a part is not believed', async () => {
    const { storage } = await spoilt(part({ generation: '../../other/1/data/0' }));
    await storage.writer('x', '1', { part: 1, of: 2 }).submit(share(1), { schema: SCHEMA });
    expect((await storage.verify('x', '1')).ok).toBe(true);
  });

  test('a newer format is UNSUPPORTED', async () => {
    const { storage } = await spoilt((m) => (m.formatVersion = 2));
    await expect(
      storage.writer('x', '1', { part: 1, of: 2 }).submit(share(1), { schema: SCHEMA }),
    ).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  test('vacuum, list and delete go by names, whatever the shares say', async () => {
    for (const [, change] of HOSTILE) {
      const { store, storage } = await spoilt(change);
      await store.put('x/1/shares/1-of-1.json', new Uint8Array(3)); // no share at all
      await store.put('x/1/shares/notes.txt', new Uint8Array(3)); // somebody else's
      const names: string[] = [];
      for await (const { id } of storage.list()) names.push(id);
      expect(names).toEqual(['other']);
      await storage.vacuum();
      await storage.delete('x', '1');
      expect((await keysOf(store)).filter((key) => key.startsWith('x/'))).toEqual([
        'x/1/shares/1-of-1.json',
        'x/1/shares/notes.txt',
      ]);
      expect((await storage.verify('other', '1')).ok).toBe(true);
    }
  });
});

describe('a manifest whose parts lie in several generations', () => {
  async function committed(change: (manifest: Draft) => void) {
    const store = new MemoryStore();
    const storage = storageOver(store);
    for (const k of [0, 1]) await storage.writer('x', '1', { part: k, of: 2 }).submit(share(k), { schema: SCHEMA });
    const draft: Draft = JSON.parse(new TextDecoder().decode((await store.get('x/1/dataset.json', 2 ** 20))!.bytes));
    change(draft);
    const { crc32: _, ...rest } = draft;
    const text = JSON.stringify(rest, null, 2).slice(0, -2);
    const sum = crc32(new TextEncoder().encode(text));
    await store.put('x/1/dataset.json', new TextEncoder().encode(`${text},\n  "crc32": ${sum}\n}\n`));
    return storage;
  }

  test.each([
    ['../../../other/1/data/0', /part 0: generation is malformed/],
    ['0123456789ABCDEF', /part 0: generation is malformed/],
    ['', /part 0: generation is malformed/],
    [7, /part 0: generation is malformed/],
    [null, /part 0: generation is malformed/],
    [{}, /part 0: generation is malformed/],
  ])('and one of them is %p is CORRUPT', async (generation, message) => {
    const storage = await committed(part({ generation }));
    await expect(storage.fetch('x', '1')).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringMatching(message),
    });
    await storage.vacuum({ graceMs: 0 }); // an unreadable manifest protects what it may name
    expect(await storage.has('x', '1')).toBe(true);
  });

  test('names them in format version 2 alone', async () => {
    const storage = await committed((m) => (m.formatVersion = 1));
    const dataset = await storage.fetch('x', '1');
    await expect(dataset.at(0)).rejects.toMatchObject({ code: 'GENERATION_GONE' });
    expect((await storage.verify('x', '1')).ok).toBe(false);
  });

  test('and two of which are swapped is found to be damaged, and read as neither', async () => {
    const storage = await committed((m) => {
      const [a, b] = m.parts;
      [a.generation, b.generation] = [b.generation, a.generation];
    });
    expect((await storage.verify('x', '1')).ok).toBe(false);
    await expect((await storage.fetch('x', '1')).at(0)).rejects.toMatchObject({ code: 'CORRUPT' });
  });
});
