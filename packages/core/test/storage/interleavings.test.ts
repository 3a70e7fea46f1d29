import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isDataRefError, type ErrorCode } from '@dataref/core';
import { MemoryStore } from '../../dist/store/memory-store.js';
import type { ObjectStore } from '../../dist/store/object-store.js';
import { announceSeed, runs } from '../scale.js';
import { changed, storageOver } from './stored.js';

jest.setTimeout(600_000);
const seed = announceSeed('storage/interleavings');

const ACTIONS = ['submit', 'submit', 'submit', 'fail', 'delete', 'vacuum', 'vacuum', 'read', 'verify'] as const;
const MORE_ACTIONS = [...ACTIONS, 'copy', 'copy', 'share 0', 'share 1', 'share 1', 'share 0'] as const;
type Action = (typeof MORE_ACTIONS)[number];

/** A store whose every step waits for the scheduler, and whose folders, as on a disk, are there before what is in them. */
function stepwise(inner: MemoryStore, step: () => Promise<void>): ObjectStore {
  const folders = new Set<string>();
  const announce = (key: string): void => {
    const parts = key.split('/').slice(0, -1);
    parts.forEach((_, i) => folders.add(`${parts.slice(0, i + 1).join('/')}/`));
  };
  return changed(inner, {
    async head(key) {
      await step();
      return inner.head(key);
    },
    async get(key, limit) {
      await step();
      return inner.get(key, limit);
    },
    async open(key) {
      await step();
      return inner.open(key);
    },
    async put(key, bytes, options) {
      await step();
      announce(key);
      await step();
      return inner.put(key, bytes, options);
    },
    async create(key, options) {
      const writer = await inner.create(key, options);
      return {
        write: (bytes) => writer.write(bytes),
        abort: () => writer.abort(),
        async commit() {
          await step();
          announce(key);
          await step();
          await writer.commit();
        },
      };
    },
    async *list(prefix) {
      await step();
      yield* inner.list(prefix);
    },
    async listFolders(prefix) {
      await step();
      const names = [...folders].filter((folder) => folder.startsWith(prefix) && folder !== prefix);
      return [...new Set(names.map((folder) => folder.slice(prefix.length).split('/')[0] as string))];
    },
    async delete(key) {
      await step();
      return inner.delete(key);
    },
  });
}

const LENGTH = 3;

describe('whatever the order in which the steps of several storages fall', () => {
  test('a dataset is whole, nothing of another is in it, and a vacuum leaves no more than it', async () => {
    await tryInterleavings(ACTIONS, runs(1200));
  });

  test('also with copies that others replace, and shares that are committed, replaced, vacuumed and deleted', async () => {
    await tryInterleavings(MORE_ACTIONS, runs(800));
  });
});

async function tryInterleavings(kinds: readonly Action[], numRuns: number): Promise<void> {
  const plan = fc.array(fc.constantFrom(...kinds), { minLength: 2, maxLength: 7 });
  const source = storageOver(new MemoryStore());
  await source.submit(new Array(LENGTH).fill('copied'), 'x', '1');
  await fc.assert(
    fc.asyncProperty(plan, fc.scheduler(), fc.boolean(), async (actions, scheduler, isReplaced) => {
      const inner = new MemoryStore();
      const plain = storageOver(inner, { memoryLimitBytes: 0 });
      // The one that is there is old: what replaced it long ago is no reason to remove what is written now.
      if (isReplaced) await plain.submit(new Array(LENGTH).fill('first'), 'x', '1');
      let nonce = 0;
      const storage = storageOver(
        stepwise(inner, () => scheduler.schedule(Promise.resolve(), 'step').then(() => undefined)),
        { memoryLimitBytes: 0, nonce: () => String(nonce++).padStart(16, '0') },
      );
      const submitted = new Set(['first', 'copied', 'shared']);
      const act = async (action: Action, i: number): Promise<void> => {
        if (action === 'submit') {
          submitted.add(`content ${i}`);
          await storage.submit(new Array(LENGTH).fill(`content ${i}`), 'x', '1');
        } else if (action === 'fail') {
          await expect(storage.submit(['a', 1] as never[], 'x', '1')).rejects.toMatchObject({
            code: 'SCHEMA_MISMATCH',
          });
        } else if (action === 'copy') await source.copy('x', '1', storage);
        else if (action === 'share 0' || action === 'share 1') {
          const part = Number(action.slice(-1));
          const writer = storage.writer('x', '1', { part, of: 2 });
          await tolerate(() => writer.submit(new Array(part + 1).fill('shared')), 'ALREADY_EXISTS');
        } else if (action === 'delete') await storage.delete('x', '1');
        else if (action === 'vacuum') await storage.vacuum({ graceMs: 0 });
        else await tolerate(action === 'read' ? () => readWhole(storage, submitted) : () => verifyWhole(storage));
      };
      await scheduler.waitFor(Promise.all(actions.map(act)));
      await plain.vacuum({ graceMs: 0 });
      const keys: string[] = [];
      for await (const { key } of inner.list('')) keys.push(key);
      if (await plain.has('x', '1')) {
        await readWhole(plain, submitted);
        await verifyWhole(plain);
        const isShared = (await (await plain.fetch('x', '1')).at(0)) === 'shared';
        expect(keys.sort().map((key) => key.replace(/[0-9a-f]{16}/u, 'G'))).toEqual([
          ...Array.from({ length: isShared ? 2 : 1 }, () => [
            'x/1/data/G/00000000.arrow',
            'x/1/data/G/00000000.head',
          ]).flat(),
          'x/1/dataset.json',
        ]);
      } else {
        if (isReplaced || actions.includes('submit') || actions.includes('copy')) expect(actions).toContain('delete');
        expect(keys).toEqual([]);
      }
    }),
    { seed, numRuns },
  );
}

async function readWhole(storage: ReturnType<typeof storageOver>, submitted: ReadonlySet<string>): Promise<void> {
  const dataref = await storage.fetch('x', '1');
  const records = (await dataref.read([0, 1, 2])).records();
  expect(submitted).toContain(records[0]);
  expect(records).toEqual(new Array(LENGTH).fill(records[0]));
}

async function verifyWhole(storage: ReturnType<typeof storageOver>): Promise<void> {
  expect(await storage.verify('x', '1')).toEqual({ ok: true, problems: [] });
}

/** Reads beside deletes and vacuums may find nothing, and say so. */
async function tolerate(action: () => Promise<void>, ...codes: readonly ErrorCode[]): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!isDataRefError(error, 'NOT_FOUND', 'GENERATION_GONE', ...codes)) throw error;
  }
}
