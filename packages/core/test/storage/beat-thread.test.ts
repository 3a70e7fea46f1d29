import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { startThreadBeats } from '../../dist/storage/beat-thread.js';
import { newRecord, putLease, readLease, type LeaseRecord } from '../../dist/storage/lease-record.js';
import { FileStore } from '../../dist/store/file-store.js';
import type { ObjectStore, StoreRecipe } from '../../dist/store/object-store.js';
import { tempFolder } from '../temp-folder.js';
import { changed } from './stored.js';

jest.setTimeout(600_000);
const BEAT_MS = 50;
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A lease that is kept by way of a recipe. */
async function kept(recipe: (store: FileStore) => StoreRecipe | Promise<StoreRecipe>) {
  const folder = tempFolder();
  const store = new FileStore(folder);
  let fromHere = 0;
  const counted = changed(store, {
    put: (...args) => {
      fromHere++;
      return store.put(...args);
    },
    recipe: () => recipe(store),
  } satisfies Partial<ObjectStore>);
  const record = newRecord('me', 1);
  await putLease(store, 'x/lease.json', record, {});
  const beats = await startThreadBeats(counted, { key: 'x/lease.json', record }, BEAT_MS);
  const seen = async () => (await readLease(store, 'x/lease.json'))?.record as LeaseRecord;
  /** Until so many beats have come. */
  const until = async (beat: number): Promise<void> => {
    for (let i = 0; i < 2_000 && (await seen()).beat < beat; i++) await sleep(20);
    expect((await seen()).beat).toBeGreaterThanOrEqual(beat);
  };
  const stop = async (): Promise<void> => {
    await beats.stop();
    const last = (await seen()).beat;
    await sleep(5 * BEAT_MS);
    expect((await seen()).beat).toBe(last);
  };
  return { folder, until, stop, fromHere: () => fromHere };
}

/** A recipe of a module that notes in the store's folder what it was given. */
function noting(store: FileStore, data: string, then = ''): StoreRecipe {
  const module = pathToFileURL(join(store.description, `${data}.mjs`)).href;
  const fileStore = JSON.stringify(new URL('../../dist/store/file-store.js', import.meta.url).href);
  const text = `
    import { writeFileSync } from 'node:fs';
    import { FileStore } from ${fileStore};
    export function openStore({ folder, data }) {
      writeFileSync(folder + '/given-' + data, '');
      ${then}
      return new FileStore(folder);
    }`;
  writeFileSync(new URL(module), text);
  return { module, data: { folder: store.description, data } };
}

/** A recipe of a store whose every read in the thread ends so. */
function reaching(store: FileStore, outcome: string): StoreRecipe {
  return noting(store, 'unreachable', `return { get: () => ${outcome} };`);
}

test('beats come from the thread, and none after the stop', async () => {
  const { until, stop, fromHere, folder } = await kept((store) => noting(store, 'once'));
  await until(3);
  await stop();
  expect(fromHere()).toBe(0);
  expect(readdirSync(folder)).toContain('given-once');
});

test('leases one after another share a thread, which keeps the second too', async () => {
  const store = new FileStore(tempFolder());
  const again = 'if (globalThis.before) writeFileSync(folder + "/again", ""); globalThis.before = true;';
  const seen = changed(store, { recipe: async () => noting(store, 'turn', again) } satisfies Partial<ObjectStore>);
  const record = newRecord('me', 1);
  for (const key of ['x/a.json', 'x/b.json']) await putLease(store, key, record, {});
  const beatOf = async (key: string): Promise<number> => (await readLease(store, key))?.record.beat ?? 0;
  const first = await startThreadBeats(seen, { key: 'x/a.json', record }, BEAT_MS);
  while ((await beatOf('x/a.json')) < 2) await sleep(20);
  await first.stop();
  const second = await startThreadBeats(seen, { key: 'x/b.json', record }, BEAT_MS); // at once: the thread waits only so long
  while ((await beatOf('x/b.json')) < 2) await sleep(20);
  await second.stop();
  expect(readdirSync(store.description)).toContain('again');
});

test('credentials that expire are renewed in the thread', async () => {
  let asked = 0;
  const { until, stop, fromHere, folder } = await kept((store) => {
    // The second cannot be had, the third can.
    if (++asked === 2) throw new Error('no credentials now');
    return { ...noting(store, `time-${asked}`), validMs: 200 };
  });
  for (let i = 0; i < 1_000 && !readdirSync(folder).includes('given-time-4'); i++) await sleep(20);
  await until(3);
  await stop();
  expect(fromHere()).toBe(0);
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['given-time-1', 'given-time-3', 'given-time-4']));
  const before = asked;
  await sleep(300);
  expect(asked).toBe(before);
});

test.each<[string, (store: FileStore) => StoreRecipe | Promise<StoreRecipe>]>([
  ['there is no such module', () => ({ module: 'file:///none/such.mjs', data: 1 })],
  ['the recipe cannot be cloned', (store) => ({ module: store.recipe().module, data: () => 1 })],
  ['there is no recipe now', () => Promise.reject(new Error('no credentials'))],
  ['the store cannot be made', (store) => noting(store, 'fails', 'throw new Error("no");')],
  ['the thread cannot reach the store', (store) => reaching(store, "Promise.reject(new Error('ECONNREFUSED'))")],
  ['the thread has no answer from the store', (store) => reaching(store, 'new Promise(() => undefined)')],
  ['the thread ends', (store) => noting(store, 'ends', 'setTimeout(() => process.exit(1), 120);')],
])('where %s, this thread keeps the lease', async (_, recipe) => {
  const { until, stop, fromHere } = await kept(recipe);
  await until(8);
  await stop();
  expect(fromHere()).toBeGreaterThan(0);
});
