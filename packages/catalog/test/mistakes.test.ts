import { expect, test } from '@jest/globals';
import { field, fromColumns } from '@dataref/core';
import { FileStorage } from '@dataref/core/fs';
import { MemoryStore, ObjectStorage } from '@dataref/core/store';
import { openCatalog, type Catalog } from '@dataref/catalog';
import { failure } from '../../core/test/expect-error.js';
import { tempFolder } from '../../core/test/temp-folder.js';

const open = (): Catalog => openCatalog(new ObjectStorage(new MemoryStore()));
const ROWS = [{ a: 1, b: 'x', v: Float32Array.of(1), f: 0.5 }];

test.each([
  ['', /must not be empty/u],
  ['../x', /'\.\.'/u],
  ['a/../../b', /'\.\.'/u],
  ['/etc/passwd', /absolute path/u],
  ['C:\\x', /absolute path/u],
  ['a//b', /two in a row/u],
  ['a/', /begin or end/u],
  ['a\u0000b', /control characters/u],
  ['x'.repeat(113), /113 bytes/u],
  ['ä'.repeat(60), /bytes|characters/u],
  ['a@1@2', /'@'/u],
  ['a@0', /number of a version, or a tag/u],
  ['a@-1', /number of a version, or a tag/u],
  ['a@', /number of a version, or a tag/u],
  [7 as unknown as string, /must be a string/u],
])('the name %j is refused', async (name, message) => {
  const catalog = open();
  await expect(catalog.load(name)).rejects.toThrow(failure('INVALID_ID', message));
  await expect(catalog.save(name, ROWS)).rejects.toThrow(failure('INVALID_ID', message));
  await expect(catalog.saveBlob(name, Uint8Array.of(1))).rejects.toThrow(failure('INVALID_ID', message));
  await expect(catalog.rename('x', name)).rejects.toThrow(failure('INVALID_ID', message));
});

test('a name that differs from another by case alone is refused, and a version where a name is meant', async () => {
  const catalog = open();
  await catalog.save('Team/Reviews', ROWS);
  await expect(catalog.save('team/reviews', ROWS)).rejects.toThrow(
    failure('INVALID_ID', /"Team\/Reviews" by case alone/u),
  );
  await expect(catalog.rename('Team/Reviews', 'team/reviews')).rejects.toThrow(failure('INVALID_ID', /case alone/u));
  await expect(catalog.save('x@2', ROWS)).rejects.toThrow(failure('INVALID_ID', /without a version: "x"/u));
  expect(await catalog.has('team/reviews')).toBe(false);
  await catalog.save('Émile', ROWS);
  await expect(catalog.saveBlob('émile', Uint8Array.of(1))).rejects.toThrow(failure('INVALID_ID', /by case alone/u));
  await expect(catalog.save('E\u0301mile', ROWS)).rejects.toThrow(failure('INVALID_ID', /by Unicode form alone/u));
});

/** A store that takes keys for the same that differ by case alone, as the file systems of some systems do. */
function withoutCase(): MemoryStore {
  const store = new MemoryStore();
  const known = new Map<string, string>();
  return new Proxy(store, {
    get(target, name: keyof MemoryStore) {
      const method = target[name] as unknown;
      if (typeof method !== 'function') return method;
      return (given: string, ...args: never[]) => {
        const folded = given.toLowerCase();
        if (name === 'put' || name === 'create') known.set(folded, known.get(folded) ?? given);
        const key = name.startsWith('list') ? given : (known.get(folded) ?? given);
        if (name === 'delete') known.delete(folded);
        return method.call(target, key, ...args) as unknown;
      };
    },
  });
}

test.each([
  ['that knows case', () => new MemoryStore()],
  ['that knows no case', withoutCase],
])('in a store %s a name is free for another case once vacuum has forgotten it', async (_, makeStore) => {
  const catalog = openCatalog(new ObjectStorage(makeStore()));
  await catalog.save('Foo', ROWS);
  await catalog.saveBlob('bar', Uint8Array.of(1));
  expect([await catalog.has('foo'), await catalog.delete('foo')]).toEqual([false, false]);
  for (const look of [
    catalog.load('foo'),
    catalog.append('foo', ROWS),
    catalog.tag('foo', ['x']),
    catalog.rename('foo', 'x'),
  ])
    // prettier-ignore
    await expect(look).rejects.toThrow(failure('NOT_FOUND', /did you mean "Foo"/u));
  const saves = (): Promise<unknown>[] => [
    catalog.save('foo', ROWS),
    catalog.saveBlob('foo', Uint8Array.of(1)),
    catalog.rename('bar', 'foo'),
  ];
  for (const save of saves())
    await expect(save).rejects.toThrow(failure('INVALID_ID', /"foo" differs from "Foo" by case alone/u));
  expect((await catalog.load('Foo')).length).toBe(ROWS.length);
  await catalog.delete('Foo');
  for (const save of saves())
    await expect(save).rejects.toThrow(failure('INVALID_ID', /"Foo", which was deleted or renamed, .*until vacuum/u));
  await catalog.vacuum({ graceMs: 0 });
  await catalog.save('foo', ROWS);
  expect([(await catalog.load('foo')).length, await catalog.has('Foo')]).toEqual([1, false]);
  const names: string[] = [];
  for await (const { name } of catalog.list()) names.push(name);
  expect(names).toEqual(['bar', 'foo']);
});

test.each([
  ['text', 'some text', /TextEncoder/u],
  ['an object', { a: 1 }, /JSON\.stringify/u],
  ['a promise', Promise.resolve(Uint8Array.of(1)), /await it/u],
  ['floats', Float32Array.of(1), /new Uint8Array\(array\.buffer/u],
  ['an ArrayBuffer', new ArrayBuffer(1), /new Uint8Array\(buffer\)/u],
  ['a model', { save: () => undefined }, /tfModel/u],
  ['nothing', undefined, /undefined/u],
  ['pieces of text', ['a'], /each piece/u],
])('a blob of %s is refused, saying what makes bytes of it, and nothing is left', async (_, value, message) => {
  const store = new MemoryStore();
  const catalog = openCatalog(new ObjectStorage(store));
  await expect(catalog.saveBlob('b', value as never)).rejects.toThrow(failure('INVALID_ARGUMENT', message));
  expect(await store.listFolders('')).toEqual([]);
});

test('tables and blobs are not taken for each other', async () => {
  const catalog = open();
  await catalog.save('t', ROWS);
  await catalog.saveBlob('b', Uint8Array.of(1));
  await expect(catalog.loadBlob('t')).rejects.toThrow(failure('INVALID_ARGUMENT', /"t" is a table: use load/u));
  await expect(catalog.load('b')).rejects.toThrow(failure('INVALID_ARGUMENT', /"b" is a blob: use loadBlob/u));
  await expect(catalog.append('b', ROWS)).rejects.toThrow(failure('INVALID_ARGUMENT', /is a blob/u));
  await expect(catalog.save('b', ROWS)).rejects.toThrow(failure('INVALID_ARGUMENT', /"b" is a blob, and all/u));
  await expect(catalog.saveBlob('t', Uint8Array.of(1))).rejects.toThrow(
    failure('INVALID_ARGUMENT', /"t" is a table, and all/u),
  );
});

test.each([
  [{ partitionBy: [] }, /list of columns/u],
  [{ partitionBy: 'a' }, /list of columns/u],
  [{ partitionBy: ['a', 'a'] }, /list of columns/u],
  [{ partitionBy: ['lable'] }, /no column "lable"/u],
  [{ partitionBy: ['v'] }, /one string, boolean or whole number/u],
  [{ partitionBy: ['f'] }, /f has 0.5/u],
  [{ tags: 'best' }, /tags must be a list/u],
  [{ tags: ['7'] }, /a tag is a letter/u],
  [{ metadata: [] }, /object of JSON/u],
  [{ metadata: new Date(0) }, /object of JSON/u],
  [{ metadata: new Map([['a', 1]]) }, /object of JSON/u],
  [{ metadata: { toJSON: () => 'text' } }, /object of JSON/u],
  [{ metadata: { toJSON: () => undefined } }, /object of JSON/u],
  [{ metadata: { a: 1n } }, /no bigints/u],
  [{ metadata: { a: 'x'.repeat(70_000) } }, /at most 65536/u],
  [{ partitonBy: ['a'] }, /unknown option "partitonBy"/u],
])('the options %j are refused, and nothing is saved', async (options, message) => {
  const store = new MemoryStore();
  const catalog = openCatalog(new ObjectStorage(store));
  const saved = catalog.save('t', ROWS, options as never);
  await expect(saved).rejects.toThrow(failure('INVALID_ARGUMENT', message));
  expect(await store.listFolders('')).toEqual([]);
});

test('what cannot be partitioned is refused', async () => {
  const catalog = open();
  const many = fromColumns({ id: Int32Array.from({ length: 5_000 }, (_, i) => i) });
  await expect(catalog.save('t', many, { partitionBy: ['id'] })).rejects.toThrow(
    failure('INVALID_ARGUMENT', /4096 different/u),
  );
  const none = fromColumns({ id: new Int32Array(0) });
  await expect(catalog.save('t', none, { partitionBy: ['id'] })).rejects.toThrow(failure('EMPTY', /no partitions/u));
});

test('records that fail in mid-save leave nothing, and an abort ends with its reason', async () => {
  const store = new MemoryStore();
  const catalog = openCatalog(new ObjectStorage(store));
  function* failing(): Generator<{ a: number }> {
    yield { a: 1 };
    throw new Error('no more');
  }
  await expect(catalog.save('t', failing())).rejects.toThrow(failure('MAP_FAILED', /no more/u));
  await expect(catalog.save('t', [{ a: 1 }, { a: 'x' }] as never)).rejects.toThrow(failure('SCHEMA_MISMATCH', /./u));
  const abort = new AbortController();
  const endless = (async function* pieces() {
    yield Uint8Array.of(1);
    abort.abort(new Error('enough'));
    await new Promise(() => undefined);
  })();
  await expect(catalog.saveBlob('b', endless, { signal: abort.signal })).rejects.toThrow('enough');
  expect(await store.listFolders('')).toEqual([]);
});

test('what is missing is told with what there is instead', async () => {
  const catalog = open();
  await catalog.save('reviews', ROWS, { tags: ['raw'] });
  await expect(catalog.load('reviews@2')).rejects.toThrow(failure('NOT_FOUND', /there are versions 1, and tags raw$/u));
  await expect(catalog.load('reviewz')).rejects.toThrow(failure('NOT_FOUND', /"reviews"/u));
  await expect(catalog.tag('reviews@9', ['x'])).rejects.toThrow(failure('NOT_FOUND', /reviews@9/u));
  await expect(catalog.append('new', ROWS)).rejects.toThrow(failure('NOT_FOUND', /"new"/u));
  await expect(catalog.load('reviews', { schema: { a: { dtype: 'int8', shape: [] } } })).rejects.toThrow(
    failure('SCHEMA_MISMATCH', /reviews: expected .*int8/u),
  );
  expect(() => openCatalog({} as never)).toThrow(failure('INVALID_ARGUMENT', /openCatalog needs a storage/u));
});

test('a dataset that was replaced since it was fetched is no version, nor one with another schema than was asked for', async () => {
  const storage = new ObjectStorage(new MemoryStore());
  const catalog = openCatalog(storage);
  const old = await storage.submit([{ a: 1 }], 'ds', '1');
  const schema = { a: field('int8') };
  for (const partitionBy of [undefined, ['a']])
    await expect(catalog.save('t', old, { schema, partitionBy } as never)).rejects.toThrow(
      failure('SCHEMA_MISMATCH', /t: expected .*int8/u),
    );
  await storage.submit([{ a: 2 }], 'ds', '1');
  await expect(catalog.save('t', old)).rejects.toThrow(failure('GENERATION_GONE', /ds@1.*replaced/u));
  expect(await catalog.has('t')).toBe(false);
});

test('a commit that is aborted, and comes to pass later all the same, has what it is of', async () => {
  const store = new MemoryStore();
  const late: (() => Promise<unknown>)[] = [];
  const abort = new AbortController();
  const slow = new Proxy(store, {
    get(target, name: keyof MemoryStore) {
      const method = target[name] as unknown;
      if (typeof method !== 'function') return method;
      if (name !== 'put') return method.bind(target) as unknown;
      return async (...args: Parameters<MemoryStore['put']>) => {
        if (!args[0].endsWith('record.json')) return target.put(...args);
        late.push(() => target.put(args[0], args[1], { ifAbsent: true }));
        abort.abort(new Error('enough'));
        throw abort.signal.reason;
      };
    },
  });
  const { signal } = abort;
  await expect(openCatalog(new ObjectStorage(slow)).save('t', ROWS, { signal })).rejects.toThrow('enough');
  for (const put of late) await put();
  const catalog = openCatalog(new ObjectStorage(store));
  expect((await (await catalog.load('t')).at(0)).b).toBe('x');
});

test('bytes whose memory was transferred are refused, and are no empty blob', async () => {
  const catalog = openCatalog(new FileStorage(tempFolder()));
  const bytes = Uint8Array.of(1, 2, 3);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  for (const data of [bytes, [bytes]])
    await expect(catalog.saveBlob('b', data)).rejects.toThrow(failure('INVALID_ARGUMENT', /transferred/u));
  expect(await catalog.has('b')).toBe(false);
});

test('blobs and tables that are damaged or missing say so, and never give other bytes', async () => {
  const store = new MemoryStore();
  const storage = new ObjectStorage(store);
  const catalog = openCatalog(storage);
  await catalog.saveBlob('b', new Uint8Array(1000).fill(7));
  const keys: string[] = [];
  for await (const { key } of store.list('catalog%/b/')) if (key.endsWith('.blob')) keys.push(key);
  const key = keys[0] as string;
  await store.put(key, new Uint8Array(1000).fill(7).fill(8, 999));
  await expect(catalog.loadBlob('b')).rejects.toThrow(failure('CORRUPT', /other bytes/u));
  await store.put(key, new Uint8Array(999));
  await expect(catalog.loadBlob('b')).rejects.toThrow(failure('CORRUPT', /has 999 bytes/u));
  await store.delete(key);
  await expect(catalog.loadBlob('b')).rejects.toThrow(failure('CORRUPT', /is gone/u));
  const table = await catalog.save('t', ROWS);
  await storage.delete('catalog:t', table.info.segments[0]?.version as string);
  await expect(catalog.load('t')).rejects.toThrow(failure('CORRUPT', /t@1: its dataset catalog:t@/u));
});
