import type { ObjectStore } from '../store/object-store.js';
import { check, type Check, checkEqual, rejectionOf } from './check.js';
import { READ_CHECKS, type StoreChecks } from './store-read-checks.js';
import { bytes, checkRejects, contentOf, keysOf, LIMIT } from './store-samples.js';

/** An empty store to try, and what ends it. */
export interface TriedStore {
  readonly store: ObjectStore;
  readonly close?: () => Promise<void>;
}

/**
 * What every ObjectStore must do, as checks for any test runner:
 * `for (const { name, run } of storeSuite(open)) test(name, run)`.
 * @param open a new, empty store for each check
 */
export function storeSuite(open: () => Promise<TriedStore> | TriedStore): Check[] {
  return Object.entries({ ...CHECKS, ...READ_CHECKS }).map(([name, body]) => ({
    name,
    async run() {
      const { store, close } = await open();
      try {
        await body(store);
      } finally {
        await close?.();
      }
    },
  }));
}

const BAD_KEYS = ['', '.', '..', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a/.', 'a\0b', 'a b', 'a\\b', 'é', 'a/\n'];

const CHECKS: StoreChecks = {
  async 'what is not there is undefined, and no failure'(store) {
    checkEqual(await store.head('a/b'), undefined, 'head');
    checkEqual(await contentOf(store, 'a/b'), undefined, 'get');
    checkEqual(await store.open('a/b'), undefined, 'open');
    checkEqual(await store.delete('a/b'), false, 'delete');
    checkEqual(await keysOf(store, ''), [], 'list');
    checkEqual(await store.listFolders('a/'), [], 'listFolders');
    await store.put('a/b', bytes(3));
    checkEqual(await store.head('a/b/c'), undefined, 'head below an object');
    checkEqual(await contentOf(store, 'a'), undefined, 'get of a folder');
    checkEqual(await store.open('a'), undefined, 'open of a folder');
  },

  async 'what was put is read back, until the next put'(store) {
    for (const length of [5, 0, 70_000, 1]) {
      check((await store.put('a/b/c', bytes(length))) !== undefined, 'put');
      checkEqual(await contentOf(store, 'a/b/c'), bytes(length), 'get');
      const info = await store.head('a/b/c');
      checkEqual([info?.key, info?.byteLength], ['a/b/c', length], 'head');
      check(Math.abs(Date.now() - (info?.modifiedMs ?? 0)) < 600_000, 'modifiedMs is about now');
    }
  },

  async 'put ifAbsent writes only where nothing is'(store) {
    check((await store.put('k', bytes(1), { ifAbsent: true })) !== undefined, 'the first');
    checkEqual(await store.put('k', bytes(2), { ifAbsent: true }), undefined, 'the second');
    checkEqual(await contentOf(store, 'k'), bytes(1), 'what is there');
  },

  async 'of many at once, one put ifAbsent succeeds'(store) {
    const won = await Promise.all(
      Array.from({ length: 8 }, (_, i) => store.put('a/k', bytes(i + 1), { ifAbsent: true })),
    );
    checkEqual(won.filter((version) => version !== undefined).length, 1, 'puts that succeeded');
    checkEqual(
      await contentOf(store, 'a/k'),
      bytes(won.findIndex((version) => version !== undefined) + 1),
      'what is there',
    );
  },

  async 'put ifVersion writes only over that version'(store) {
    const first = await store.put('a/k', bytes(3, 1));
    const second = await store.put('a/k', bytes(3, 2), { ifVersion: first as string });
    check(second !== undefined && second !== first, 'the version changes');
    checkEqual((await store.get('a/k', LIMIT))?.version, second, 'the version that a put gives, and get');
    checkEqual(await store.put('a/k', bytes(3, 3), { ifVersion: first as string }), undefined, 'a stale version');
    checkEqual(await contentOf(store, 'a/k'), bytes(3, 2), 'what is there');
    checkEqual(await store.put('a/l', bytes(3, 3), { ifVersion: second }), undefined, 'where nothing was');
    await store.delete('a/k');
    checkEqual(await store.put('a/k', bytes(3, 3), { ifVersion: second }), undefined, 'where nothing is any more');
    checkEqual(await keysOf(store, ''), [], 'what is there then');
  },

  async 'delete ifVersion removes only that version'(store) {
    const first = (await store.put('a/k', bytes(3, 1))) as string;
    const second = (await store.put('a/k', bytes(3, 2))) as string;
    checkEqual(await store.delete('a/k', { ifVersion: first }), false, 'a stale version');
    checkEqual(await contentOf(store, 'a/k'), bytes(3, 2), 'what is there');
    checkEqual(await store.delete('a/k', { ifVersion: second }), true, 'the version that is there');
    checkEqual(await store.delete('a/k', { ifVersion: second }), false, 'where nothing is any more');
    checkEqual(await keysOf(store, ''), [], 'what is there then');
  },

  async 'of many at once, one put ifVersion succeeds'(store) {
    const version = (await store.put('a/k', bytes(1))) as string;
    const won = await Promise.all(
      Array.from({ length: 8 }, (_, i) => store.put('a/k', bytes(i + 2), { ifVersion: version })),
    );
    const winner = won.findIndex((given) => given !== undefined);
    checkEqual(won.filter((given) => given !== undefined).length, 1, 'puts that succeeded');
    const held = await store.get('a/k', LIMIT);
    checkEqual([held?.bytes, held?.version], [bytes(winner + 2), won[winner]], 'what is there');
  },

  async 'a put with two conditions is refused'(store) {
    await checkRejects(
      (async () => store.put('k', bytes(1), { ifAbsent: true, ifVersion: 'x' }))(),
      'INVALID_ARGUMENT',
    );
    checkEqual(await keysOf(store, ''), [], 'list');
  },

  async 'of many compare-and-swaps at once none is lost'(store) {
    const [writers, swaps] = [5, 5];
    await store.put('a/k', new TextEncoder().encode('0'));
    const told: number[] = [];
    const add = async (writer: number): Promise<void> => {
      for (let done = 0; done < swaps;) {
        const held = await store.get('a/k', LIMIT);
        const count = Number.parseInt(new TextDecoder().decode(held?.bytes), 10) + 1;
        // What is put on a condition says whose it is: a store that asks again cannot take another's success for its own.
        const next = new TextEncoder().encode(`${count} by ${writer}, ${done}`);
        if ((await store.put('a/k', next, { ifVersion: held?.version ?? '' })) === undefined) continue;
        told.push(count);
        done++;
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, writer) => add(writer)));
    // Two that succeeded from the same count would both have told the next one. Over a bad network one may succeed
    // without being told, where another's success hides it: the sum is at least what was told.
    checkEqual(new Set(told).size, writers * swaps, 'different counts');
    const sum = Number.parseInt(new TextDecoder().decode(await contentOf(store, 'a/k')), 10);
    check(sum >= Math.max(...told), `the sum, ${sum}, has all that were told`);
  },

  async 'of many puts at once, one is there, whole'(store) {
    await Promise.all(Array.from({ length: 8 }, (_, i) => store.put('a/k', bytes(10_000 * i, i))));
    const got = await contentOf(store, 'a/k');
    const length = got?.length ?? 0;
    checkEqual(got, bytes(length, length / 10_000), 'what is there');
  },

  async 'get refuses an object above its limit'(store) {
    await store.put('k', bytes(11));
    checkEqual((await store.get('k', 11))?.bytes, bytes(11), 'at the limit');
    await checkRejects(store.get('k', 10), 'CORRUPT');
  },

  async 'a created object shows once it is committed, in one piece'(store) {
    const writer = await store.create('a/k');
    const chunk = new Uint8Array(1000);
    for (const [start, end] of [
      [0, 1],
      [1, 1],
      [1, 1000],
      [1000, 1003],
    ] as const) {
      chunk.set(bytes(1003).subarray(start, end));
      await writer.write(chunk.subarray(0, end - start));
      chunk.fill(99); // what was written is the writer's no more
      checkEqual(await store.head('a/k'), undefined, 'before the commit');
      checkEqual(await keysOf(store, ''), [], 'list before the commit');
    }
    await writer.commit();
    checkEqual(await contentOf(store, 'a/k'), bytes(1003), 'after it');
  },

  async 'an aborted object never shows, and leaves the one that was there'(store) {
    await store.put('k', bytes(4));
    const writer = await store.create('k');
    await writer.write(bytes(100));
    await writer.abort();
    await writer.abort();
    checkEqual(await contentOf(store, 'k'), bytes(4), 'what is there');
    checkEqual(await keysOf(store, ''), ['k'], 'list');
  },

  async 'an abort signal ends writes with its reason'(store) {
    const controller = new AbortController();
    const { signal } = controller;
    const writer = await store.create('k', { signal });
    await writer.write(bytes(10));
    const reason = new Error('enough');
    controller.abort(reason);
    check((await rejectionOf(writer.write(bytes(10)))) === reason, 'write');
    await writer.abort();
    check((await rejectionOf(store.put('k', bytes(1), { signal }))) === reason, 'put');
    check((await rejectionOf(store.create('k', { signal }))) === reason, 'create');
    checkEqual(await keysOf(store, ''), [], 'list');
  },

  async 'an aborted signal ends whatever it is given to with its reason, and nothing is removed'(store) {
    await store.put('a/k', bytes(3));
    const reason = new Error('enough');
    const aborted = { signal: AbortSignal.abort(reason) };
    const listed = async (): Promise<void> => {
      for await (const { key } of store.list('', aborted)) check(false, `list gives nothing, got ${key}`);
    };
    const attempts: readonly [string, () => Promise<unknown>][] = [
      ['head', () => store.head('a/k', aborted)],
      ['get', () => store.get('a/k', LIMIT, aborted)],
      ['open', () => store.open('a/k', aborted)],
      ['list', listed],
      ['listFolders', () => store.listFolders('', aborted)],
      ['delete', () => store.delete('a/k', aborted)],
    ];
    for (const [what, attempt] of attempts) {
      const error = await rejectionOf((async () => attempt())());
      check(error === reason, `${what} rejects with the reason, got ${String(error)}`);
    }
    checkEqual(await contentOf(store, 'a/k'), bytes(3), 'what is there');
  },

  async 'what is stored shares no memory with what was put, nor with what get gives'(store) {
    const given = bytes(100);
    await store.put('k', given);
    given.fill(99);
    const got = (await contentOf(store, 'k')) as Uint8Array;
    checkEqual(got, bytes(100), 'after the given bytes have changed');
    got.fill(77);
    checkEqual(await contentOf(store, 'k'), bytes(100), 'after the got bytes have changed');
  },

  async 'lists by folder'(store) {
    const keys = ['a/x', 'a/b/y', 'a/b/c/z', 'ab/x', 'b', 'a.b/x', 'A-%20/x'];
    for (const key of keys) await store.put(key, bytes(key.length));
    checkEqual(await keysOf(store, ''), keys.toSorted(), 'everything');
    checkEqual(await keysOf(store, 'a/'), ['a/b/c/z', 'a/b/y', 'a/x'], 'a/');
    checkEqual(await keysOf(store, 'a/b/'), ['a/b/c/z', 'a/b/y'], 'a/b/');
    checkEqual(await keysOf(store, 'none/'), [], 'none/');
    checkEqual((await store.listFolders('')).toSorted(), ['A-%20', 'a', 'a.b', 'ab'], 'folders');
    checkEqual(await store.listFolders('a/'), ['b'], 'folders of a/');
    for await (const { key, byteLength } of store.list('')) checkEqual(byteLength, key.length, `byteLength of ${key}`);
  },

  async 'lists everything, however much there is'(store) {
    const keys = Array.from({ length: 23 }, (_, i) => `a/${'x'.repeat(i % 3)}${i}/${i}`);
    await Promise.all(keys.map((key) => store.put(key, bytes(1))));
    checkEqual(await keysOf(store, ''), keys.toSorted(), 'everything');
    const folders = keys.map((key) => key.split('/')[1] as string);
    checkEqual((await store.listFolders('a/')).toSorted(), folders.toSorted(), 'folders');
    checkEqual(await store.listFolders(''), ['a'], 'the folder above');
  },

  async 'what is deleted is gone, with the folders that it leaves empty'(store) {
    await store.put('a/b/x', bytes(1));
    await store.put('a/c/y', bytes(1));
    checkEqual([await store.delete('a/b/x'), await store.delete('a/b/x')], [true, false], 'delete');
    checkEqual(await store.listFolders('a/'), ['c'], 'folders of a/');
    await store.delete('a/c/y');
    checkEqual(await store.listFolders(''), [], 'folders');
  },

  async 'writing into a folder that others empty and sweep does not fail'(store) {
    const write = async (key: string): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        await store.put(key, bytes(i));
        checkEqual(await contentOf(store, key), bytes(i), 'what was put');
        await store.delete(key);
      }
    };
    const sweep = async (): Promise<void> => {
      for (let i = 0; i < 25; i++) await store.sweep();
    };
    await Promise.all([write('a/b/x'), write('a/b/y'), write('a/c/z'), sweep()]);
    checkEqual(await store.listFolders(''), [], 'folders');
  },

  async 'a sweep keeps objects, and those that are being written'(store) {
    await store.put('a/k', bytes(5));
    const writer = await store.create('a/l');
    await writer.write(bytes(7));
    checkEqual(await store.sweep(), 0, 'bytes freed');
    await writer.commit();
    checkEqual([await contentOf(store, 'a/k'), await contentOf(store, 'a/l')], [bytes(5), bytes(7)], 'objects');
  },

  async 'a key names nothing outside the store'(store) {
    for (const key of BAD_KEYS) {
      for (const attempt of [
        () => store.head(key),
        () => store.get(key, LIMIT),
        () => store.open(key),
        () => store.put(key, bytes(1)),
        () => store.create(key),
        () => store.delete(key),
      ])
        await checkRejects((async () => attempt())(), 'INVALID_ID');
    }
    checkEqual(await keysOf(store, ''), [], 'list');
  },
};
